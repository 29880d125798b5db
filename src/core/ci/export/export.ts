import * as fs from 'node:fs';
import * as path from 'node:path';
import { fileNames, writeTextAtomically } from '../../support/files';
import { fail, messageOf, ok, type Failure, type Result } from '../../model/result';
import type { CiDescriptor, CiFile, CiPipeline, ExportOptions } from '../ci-service';
import { headOf, planFile, type ExportPlan } from './exported-file';
import { splitRegions, withRenamedBlocks } from './preserved-regions';
import { checkPackedFile } from './packed-file';
import { repositoryFacts, textOf } from './repository-facts';

export interface Export {
  readonly files: readonly ExportPlan[];
  /** Exported files that are no longer used. */
  readonly left: readonly { readonly path: string; readonly reason: string }[];
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
  const moved = movedFiles(root, all);
  const meant = all.filter(
    (file) => service === undefined || file.service === undefined || file.service === service || moved.includes(file),
  );
  const files: ExportPlan[] = [];
  const failures: Failure[] = [];
  for (const file of meant) {
    const plan = planThere(root, engine, file, all, options, force);
    if (!plan.ok) failures.push(plan.failure);
    else if (plan.value.isEdited && !force) failures.push(edited(plan.value));
    else files.push(plan.value);
  }
  const [first] = failures;
  if (first) return { ok: false, failure: { ...first, errors: failures } };
  return ok({ files, left: unusedFiles(root, engine, all), notes: [...new Set(meant.flatMap((file) => file.notes))] });
}

/** Returns the new text of a file of a working copy. `all`: the files that an export of all services writes. */
export function planThere(
  root: string,
  engine: CiDescriptor,
  file: CiFile,
  all: readonly CiFile[],
  options: ExportOptions,
  force = false,
): Result<ExportPlan> {
  const moved = movedFiles(root, all);
  const leaving = moved.flatMap(({ earlier }) => (earlier?.path === file.path ? [...earlier.jobs.keys()] : []));
  const earlier = moved.includes(file) ? file.earlier : undefined;
  const there = textOf(path.join(root, file.path));
  if (!earlier) return planFile(engine, file, options, there, force, { away: new Set(leaving) });
  const before = splitRegions(textOf(path.join(root, earlier.path))?.replace(/\r\n/g, '\n') ?? '', earlier.path);
  if (!before.ok) return before;
  const isKept = all.some((each) => each.path === earlier.path);
  const from = { path: earlier.path, split: withRenamedBlocks(before.value, earlier.jobs, isKept) };
  return planFile(engine, file, options, there, force, { from, away: new Set(leaving) });
}

/** Returns the files whose jobs are in another file of the working copy. */
function movedFiles(root: string, files: readonly CiFile[]): CiFile[] {
  return files.filter(({ earlier }) => {
    const text = earlier && textOf(path.join(root, earlier.root));
    return text !== undefined && headOf(text) !== undefined && text.split(/\r?\n/).includes(earlier?.mark ?? '');
  });
}

/** Writes the files that changed. */
export function writeExport(root: string, { files }: Export): Result<void> {
  for (const { file, text, isUnchanged } of files) {
    if (isUnchanged) continue;
    const target = path.join(root, file.path);
    try {
      fs.mkdirSync(path.dirname(target), { recursive: true });
      const ends = textOf(target)?.includes('\r\n') ? '\r\n' : '\n';
      writeTextAtomically(target, text.replace(/\n/g, ends));
    } catch (error) {
      return fail('machinery', `${file.path} could not be written: ${messageOf(error)}`);
    }
  }
  return ok(undefined);
}

/** Returns the files in a working copy that Deliver exported for a CI service. */
export function filesThere(root: string, engine: CiDescriptor): string[] {
  const found = engine.folders.flatMap((folder) => fileNames(path.join(root, folder)).map((name) => `${folder}/${name}`));
  return found.filter((file) => headOf(textOf(path.join(root, file)) ?? '')?.engine === engine.kind);
}

/** Returns the exported files that are no longer used, each with the reason. `all`: the files that an export of all services writes. */
export function unusedFiles(root: string, engine: CiDescriptor, all: readonly CiFile[]): Export['left'] {
  const unused = filesThere(root, engine).filter((there) => !all.some((file) => file.path === there));
  return unused.map((unusedPath) => {
    const now = all.find(({ earlier }) => earlier?.path === unusedPath);
    return { path: unusedPath, reason: now ? `its jobs are in ${now.path} now` : 'the service of this file no longer exists' };
  });
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
