import { openRepository } from '../core/git/repository';
import { planExport, writeExport } from '../core/ci/export/export';
import { ciServices, findCiService } from '../core/ci/registry';
import { locateService } from '../core/pipeline/locate';
import { readServices } from '../core/pipeline/read-pipeline';
import type { Terminal } from './terminal';

export interface ExportCommandOptions {
  readonly service?: string;
  readonly package?: string;
  readonly force?: true;
  readonly dryRun?: true;
  readonly json?: true;
}

/** `deliver export`: writes the pipelines of the repository as files of a CI service. */
export async function exportPipelines(name: string, options: ExportCommandOptions, terminal: Terminal): Promise<number> {
  const engine = findCiService(name);
  const known = ciServices.map(({ kind }) => kind).join(', ');
  if (!engine) return terminal.fail({ kind: 'usage', message: `unknown CI service ${name}`, hint: `known CI services: ${known}` });
  const repository = await openRepository(process.cwd());
  if (!repository.ok) return terminal.fail(repository.failure);
  const { root } = repository.value;
  const from = options.package?.replace(/^\.\//, '');
  const service = options.service === undefined ? undefined : await locateService(root, process.cwd(), options.service);
  if (service && !service.ok) return terminal.fail(service.failure);

  const services = await readServices(root);
  if (!services.ok) return terminal.fail(services.failure);
  const plan = await planExport({
    root,
    services: services.value,
    engine,
    ...(service && { service: service.value.name }),
    ...(from !== undefined && { package: from }),
    ...(options.force && { force: true }),
  });
  if (!plan.ok) return terminal.fail(plan.failure);
  const { files, left, notes } = plan.value;
  const written = options.dryRun ? { ok: true as const } : writeExport(root, plan.value);
  if (!written.ok) return terminal.fail(written.failure);

  if (options.json) {
    const state = (isUnchanged: boolean): string => (isUnchanged ? 'unchanged' : options.dryRun ? 'to be written' : 'written');
    const listed = files.map(({ file, text, isUnchanged }) => ({
      path: file.path,
      service: file.service,
      state: state(isUnchanged),
      ...(options.dryRun && { text }),
    }));
    terminal.json({ engine: engine.kind, files: listed, left, notes });
    return 0;
  }
  for (const { file, isUnchanged } of files)
    terminal.print(
      `${isUnchanged ? terminal.paint('dim', 'unchanged') : options.dryRun ? 'would write' : terminal.paint('green', 'wrote')} ${file.path}`,
    );
  for (const file of left) terminal.print(`${terminal.paint('yellow', 'left')}: ${file} belongs to a service that no longer exists`);
  for (const note of notes) terminal.print(`${terminal.paint('yellow', 'note')}: ${note}`);
  return 0;
}
