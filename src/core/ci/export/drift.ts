import * as path from 'node:path';
import type { CiDescriptor, CiPipeline } from '../ci-service';
import { ciServices } from '../registry';
import { headOf, planFile } from './exported-file';
import { filesThere, optionsThere, textOf } from './export';

/** Where an exported file and delivery.yaml say two things, with the first line that differs. */
export interface Drift {
  readonly path: string;
  readonly line: number;
  readonly message: string;
  readonly hint: string;
}

/** Every exported file of a working copy that is not what an export would write now. */
export async function findDrift(root: string, services: readonly CiPipeline[]): Promise<Drift[]> {
  return (await Promise.all(ciServices.map(async (engine) => driftOf(engine, root, services)))).flat();
}

async function driftOf(engine: CiDescriptor, root: string, services: readonly CiPipeline[]): Promise<Drift[]> {
  const hint = `deliver export ${engine.kind} writes it anew`;
  const options = await optionsThere(root, engine, services);
  const files = await engine.files(services, options);
  const drifted = files.flatMap((file): Drift[] => {
    const there = textOf(path.join(root, file.path));
    // A file that Deliver did not write is none of its business.
    if (there === undefined || headOf(there)?.engine !== engine.kind) return [];
    const plan = planFile(engine, file, options, there);
    if (!plan.ok)
      return [{ path: file.path, line: plan.failure.line ?? 1, message: plan.failure.message, hint: plan.failure.hint ?? hint }];
    const { firstChange, isEdited } = plan.value;
    if (firstChange === undefined) return [];
    const message = isEdited
      ? `it was changed by hand outside the places that are kept, and ${file.source} says something else`
      : `${file.source} says something else now`;
    return [{ path: file.path, line: firstChange, message, hint: isEdited ? handHint : hint }];
  });
  const left = filesThere(root, engine).filter((there) => !files.some((file) => file.path === there));
  return [
    ...drifted,
    ...left.map((there) => ({
      path: there,
      line: 1,
      message: 'the service that it was written for is there no more',
      hint: 'remove it',
    })),
  ];
}

const handHint = 'move the change between `deliver: begin own` and `deliver: end own`, or into delivery.yaml, and export again';
