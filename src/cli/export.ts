import { openRepository } from '../core/git/repository';
import { planExport, writeExport } from '../core/ci/export/export';
import { ciServices, findCiService } from '../core/ci/registry';
import { locateService } from '../core/pipeline/locate';
import { readServices } from '../core/pipeline/read-pipeline';
import { exitCodes, type Terminal } from './terminal';

export interface ExportCommandOptions {
  readonly service?: string;
  readonly package?: string;
  readonly force?: true;
  readonly dryRun?: true;
  readonly check?: true;
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
    // A check reports what an export would refuse to overwrite.
    ...((options.force || options.check) && { force: true }),
  });
  if (!plan.ok) return terminal.fail(plan.failure);
  const { files, left, notes } = plan.value;
  const isDry = options.dryRun ?? options.check ?? false;
  const hasDrift = left.length > 0 || files.some(({ isUnchanged }) => !isUnchanged);
  const exitCode = options.check && hasDrift ? exitCodes.delivery : 0;
  const written = isDry ? { ok: true as const } : writeExport(root, plan.value);
  if (!written.ok) return terminal.fail(written.failure);

  if (options.json) {
    const state = (isUnchanged: boolean): string => (isUnchanged ? 'unchanged' : isDry ? 'to be written' : 'written');
    const listed = files.map(({ file, text, isUnchanged }) => ({
      path: file.path,
      service: file.service,
      state: state(isUnchanged),
      ...(isDry && { text }),
    }));
    terminal.json({ engine: engine.kind, files: listed, left: left.map(({ path }) => path), notes });
    return exitCode;
  }
  for (const { file, isUnchanged, firstChange } of files)
    terminal.print(
      `${isUnchanged ? terminal.paint('dim', 'unchanged') : isDry ? 'would write' : terminal.paint('green', 'wrote')} ${file.path}${isDry && firstChange !== undefined ? `:${firstChange}` : ''}`,
    );
  for (const { path, reason } of left) terminal.print(`${terminal.paint('yellow', 'left')}: ${path}: ${reason}. Remove the file.`);
  for (const note of notes) terminal.print(`${terminal.paint('yellow', 'note')}: ${note}`);
  return exitCode;
}
