import * as fs from 'node:fs';
import * as path from 'node:path';
import { openRepository } from '../core/git/repository';
import { definitionName } from '../core/model/pipeline';
import { findManualApprovals } from '../core/pipeline/handovers';
import { listServices, locateService } from '../core/pipeline/locate';
import { counted } from '../core/support/format';
import { homeFolder, RepositoryHome } from '../core/support/home';
import { exitCodes, type Terminal } from './terminal';

/** `deliver check`: every error of every service's definition, and every manual handover of the repository. */
export async function check(options: { readonly service?: string; readonly json?: true }, terminal: Terminal): Promise<number> {
  const repository = await openRepository(process.cwd());
  if (!repository.ok) return terminal.fail(repository.failure);
  const { root } = repository.value;
  const all = options.service === undefined ? await listServices(root) : [];
  if (all.length === 0) {
    const place = await locateService(root, process.cwd(), options.service);
    if (!place.ok) return terminal.fail(place.failure);
    all.push(place.value);
  }
  const { parsePipeline } = await import('../core/pipeline/parse');
  const checked = all.map(({ folder }) => {
    const file = folder === '' ? definitionName : `${folder}/${definitionName}`;
    const text = fs.readFileSync(path.join(root, file), 'utf8');
    return { folder, file, text, ...parsePipeline(text, file) };
  });
  const errors = checked.flatMap((one) => one.errors);
  const handovers = await findManualApprovals(root);
  const services = checked.flatMap(({ folder, pipeline }) => (pipeline ? [{ folder, pipeline }] : []));
  // Exported files contain all services, so drift is unknown if one is left out or invalid.
  const hasAll = options.service === undefined && services.length === checked.length;
  const drift = hasAll ? await (await import('../core/ci/export/drift')).findDrift(root, services) : [];
  const { findUnmatchedGlobs } = await import('../core/runner/unmatched');
  const home = new RepositoryHome(homeFolder(), repository.value.commonGitFolder);
  const valid = checked.flatMap(({ pipeline, ...one }) => (pipeline ? [{ ...one, pipeline }] : []));
  const warnings = (await Promise.all(valid.map(async (one) => findUnmatchedGlobs(root, home, one)))).flat();
  if (options.json) {
    terminal.json({ errors, warnings: warnings.length > 0 ? warnings : undefined, handovers, drift });
    return errors.length > 0 ? exitCodes.usage : 0;
  }
  for (const error of errors) terminal.fail(error);
  for (const { file, pipeline } of checked) {
    if (pipeline) terminal.print(`${terminal.paint('green', '✓')} ${file}: ${pipeline.service}, ${counted(pipeline.steps.length, 'step')}`);
  }
  for (const { path: file, line, column, message, hint } of warnings) {
    terminal.print(`${terminal.paint('yellow', 'warning')}: ${file}:${line}:${column}: ${message}`);
    terminal.print(`  ${hint}`);
  }
  for (const handover of handovers) {
    terminal.print(`${terminal.paint('yellow', 'manual approval')}: ${handover.path}:${handover.line}: ${handover.message}`);
  }
  for (const { path: file, line, message, hint } of drift) {
    terminal.print(`${terminal.paint('yellow', 'drift')}: ${file}:${line}: ${message}`);
    terminal.print(`  ${hint}`);
  }
  return errors.length > 0 ? exitCodes.usage : 0;
}
