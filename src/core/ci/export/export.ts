import * as fs from 'node:fs';
import * as path from 'node:path';
import { fileNames } from '../../support/files';
import { fail, ok, type Failure, type Result } from '../../model/result';
import { definitionName, listServices } from '../../pipeline/locate';
import type { DefinitionFailure } from '../../pipeline/read-pipeline';
import type { CiService, CiPipeline, ExportOptions } from '../ci-service';
import { headOf, planFile, type ExportPlan } from './exported-file';
import { below } from './plain-globs';

export interface Export {
  readonly files: readonly ExportPlan[];
  /** Files that were written for services that are there no more. */
  readonly left: readonly string[];
  readonly notes: readonly string[];
}

export interface ExportRequest {
  /** The repository's root. */
  readonly root: string;
  readonly engine: CiService;
  /** Only the files of this service, and what brings all services together. */
  readonly service?: string;
  /** Absent: as the files that are there say. */
  readonly package?: string;
  /** Also over files that are not Deliver's, and over changes by hand. */
  readonly force?: boolean;
}

/** What an export would write. Touches nothing. */
export async function planExport({ root, engine, service, force = false, ...asked }: ExportRequest): Promise<Result<Export>> {
  const services = await readServices(root);
  if (!services.ok) return services;
  const options = asked.package === undefined ? optionsThere(root, engine, services.value) : { package: asked.package };
  const all = engine.files(services.value, options);
  const meant = all.filter((file) => service === undefined || file.service === undefined || file.service === service);
  const files: ExportPlan[] = [];
  const failures: Failure[] = [];
  for (const file of meant) {
    const plan = planFile(engine, file, options, textOf(path.join(root, file.path)), force);
    if (!plan.ok) failures.push(plan.failure);
    else if (plan.value.isEdited && !force) failures.push(edited(plan.value));
    else files.push(plan.value);
  }
  const [first] = failures;
  if (first) return { ok: false, failure: { ...first, errors: failures } as DefinitionFailure };
  const left = filesThere(root, engine).filter((there) => !all.some((file) => file.path === there));
  return ok({ files, left, notes: [...new Set(meant.flatMap((file) => file.notes))] });
}

/** Writes the files that say something else than they should. */
export function writeExport(root: string, { files }: Export): Result<void> {
  for (const { file, text, isUnchanged } of files) {
    if (isUnchanged) continue;
    const target = path.join(root, file.path);
    try {
      fs.mkdirSync(path.dirname(target), { recursive: true });
      const ends = textOf(target)?.includes('\r\n') ? '\r\n' : '\n';
      fs.writeFileSync(target, text.replace(/\n/g, ends));
    } catch (error) {
      return fail('machinery', `${file.path} could not be written: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return ok(undefined);
}

/** The services of a working copy with their pipelines, or all that is wrong with their definitions. */
export async function readServices(root: string): Promise<Result<CiPipeline[]>> {
  const places = await listServices(root);
  if (places.length === 0) return fail('usage', `there is no ${definitionName} in ${root}`, { hint: 'deliver init writes one' });
  const { parsePipeline } = await import('../../pipeline/parse');
  const errors: Failure[] = [];
  const services: CiPipeline[] = [];
  for (const { folder } of places) {
    const file = below(folder, definitionName);
    const parsed = parsePipeline(fs.readFileSync(path.join(root, file), 'utf8'), file);
    errors.push(...parsed.errors);
    if (parsed.pipeline) services.push({ folder, pipeline: parsed.pipeline });
  }
  const [first] = errors;
  return first ? { ok: false, failure: { ...first, errors } as DefinitionFailure } : ok(services);
}

/** The files of an engine in a working copy that Deliver wrote. */
export function filesThere(root: string, engine: CiService): string[] {
  const found = engine.folders.flatMap((folder) => fileNames(path.join(root, folder)).map((name) => `${folder}/${name}`));
  return found.filter((file) => headOf(textOf(path.join(root, file)) ?? '')?.engine === engine.name);
}

/** A package that was named once goes on to be used. */
export function optionsThere(root: string, engine: CiService, services: readonly CiPipeline[]): ExportOptions {
  const heads = engine.files(services, {}).map((file) => headOf(textOf(path.join(root, file.path)) ?? ''));
  return heads.find((head) => head?.options.package !== undefined)?.options ?? {};
}

export function textOf(file: string): string | undefined {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function edited({ file, firstChange }: ExportPlan): Failure {
  return {
    kind: 'usage',
    message: `${file.path} was changed by hand outside the places that are kept`,
    path: file.path,
    ...(firstChange !== undefined && { line: firstChange }),
    hint: 'put the change between `deliver: begin own` and `deliver: end own`, or give it up with --force',
  };
}
