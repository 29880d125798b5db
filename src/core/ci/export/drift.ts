import * as fs from 'node:fs';
import * as path from 'node:path';
import type { CiDescriptor, CiPipeline } from '../ci-service';
import { ciServices } from '../registry';
import { headOf } from './exported-file';
import { filesThere, optionsThere, planThere, unusedFiles } from './export';
import { repositoryFacts, textOf } from './repository-facts';

/** An exported file that no longer matches delivery.yaml, with the first line that differs. */
export interface Drift {
  readonly path: string;
  readonly line: number;
  readonly message: string;
  readonly hint: string;
}

/** Returns every exported file of a working copy that an export would change. */
export async function findDrift(root: string, services: readonly CiPipeline[]): Promise<Drift[]> {
  return (await Promise.all(ciServices.map(async (engine) => driftOf(engine, root, services)))).flat();
}

async function driftOf(engine: CiDescriptor, root: string, services: readonly CiPipeline[]): Promise<Drift[]> {
  const hint = `run deliver export ${engine.kind}`;
  const exported = filesThere(root, engine);
  const paths = (await engine.files(services, {})).map((file) => file.path);
  // Most repositories have no file of this CI service.
  if (![...exported, ...paths].some((file) => fs.existsSync(path.join(root, file)))) return [];
  const options = { ...(await optionsThere(root, engine, services)), repository: await repositoryFacts(root) };
  const files = await engine.files(services, options);
  const drifted = files.flatMap((file): Drift[] => {
    const there = textOf(path.join(root, file.path));
    // Files that Deliver did not write are ignored.
    if (there === undefined || headOf(there)?.engine !== engine.kind) return [];
    const plan = planThere(root, engine, file, files, options);
    if (!plan.ok)
      return [{ path: file.path, line: plan.failure.line ?? 1, message: plan.failure.message, hint: plan.failure.hint ?? hint }];
    const { firstChange, isEdited } = plan.value;
    if (firstChange === undefined) return [];
    const message = isEdited
      ? `manual changes outside the preserved regions, and ${file.source} differs`
      : `the file no longer matches ${file.source}`;
    return [{ path: file.path, line: firstChange, message, hint: isEdited ? handHint : hint }];
  });
  const left = unusedFiles(root, engine, files).map(({ path: there, reason }) => ({
    path: there,
    line: 1,
    message: reason,
    hint: 'remove the file',
  }));
  return [...drifted, ...left];
}

const handHint = 'move the change between `deliver: begin own` and `deliver: end own` or into delivery.yaml, and export again';
