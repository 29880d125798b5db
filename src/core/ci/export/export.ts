import * as fs from 'node:fs';
import * as path from 'node:path';
import { fileNames } from '../../support/files';
import { fail, ok, type Failure, type Result } from '../../model/result';
import type { CiDescriptor, CiPipeline, ExportOptions } from '../ci-service';
import { headOf, planFile, type ExportPlan } from './exported-file';
import { checkPackedFile } from './packed-file';
import { repositoryFacts, textOf } from './repository-facts';

export interface Export {
  readonly files: readonly ExportPlan[];
  /** Exported files of services that no longer exist. */
  readonly left: readonly string[];
  readonly notes: readonly string[];
}

export interface ExportRequest {
  readonly root: string;
  /** All services of the repository. */
  readonly services: readonly CiPipeline[];
  readonly engine: CiDescriptor;
  /** Limits the export to the files of this service and the files for all services. */
  readonly service?: string;
  /** See `ExportOptions`. Absent: the packed file that the existing files name. */
  readonly package?: string;
  /** Overwrites files that Deliver did not write, and manual changes. */
  readonly force?: boolean;
}

/** Returns the files that an export would write. Writes none. */
export async function planExport({ root, services, engine, service, force = false, ...request }: ExportRequest): Promise<Result<Export>> {
  const options = {
    ...(request.package === undefined ? await optionsThere(root, engine, services) : { package: request.package }),
    repository: await repositoryFacts(root),
  };
  const exported = services.filter(({ pipeline }) => service === undefined || pipeline.service === service);
  const packed = checkPackedFile(root, options.package, exported);
  if (!packed.ok) return packed;
  const all = await engine.files(services, options);
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
  if (first) return { ok: false, failure: { ...first, errors: failures } };
  const left = filesThere(root, engine).filter((there) => !all.some((file) => file.path === there));
  return ok({ files, left, notes: [...new Set(meant.flatMap((file) => file.notes))] });
}

/** Writes the files that changed. */
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

/** Returns the files in a working copy that Deliver exported for a CI service. */
export function filesThere(root: string, engine: CiDescriptor): string[] {
  const found = engine.folders.flatMap((folder) => fileNames(path.join(root, folder)).map((name) => `${folder}/${name}`));
  return found.filter((file) => headOf(textOf(path.join(root, file)) ?? '')?.engine === engine.kind);
}

/** Returns the options of the existing files: a packed file that was named once stays in use. */
export async function optionsThere(root: string, engine: CiDescriptor, services: readonly CiPipeline[]): Promise<ExportOptions> {
  const files = await engine.files(services, {});
  const heads = files.map((file) => headOf(textOf(path.join(root, file.path)) ?? ''));
  return heads.find((head) => head?.options.package !== undefined)?.options ?? {};
}

function edited({ file, firstChange }: ExportPlan): Failure {
  return {
    kind: 'usage',
    message: `${file.path} has manual changes outside its preserved regions`,
    path: file.path,
    ...(firstChange !== undefined && { line: firstChange }),
    hint: 'move the change between `deliver: begin own` and `deliver: end own`, or discard it with --force',
  };
}
