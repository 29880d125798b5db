import { createHash } from 'node:crypto';
import type { Pipeline, Step } from '../model/pipeline';
import { basesOf, matcher } from '../support/globs';

/** A file of the delivered tree: its path relative to the service's folder and its git blob id. */
export interface TreeFile {
  readonly path: string;
  readonly mode: string;
  readonly id: string;
}

/** The mode that git gives a submodule in a tree. */
const submodule = '160000';

/** Raised when what a key is made of changes: older keys then match nothing. */
const version = 1;

/**
 * The key of each step that has one: the hash of its command, its environment, its needs' keys and
 * the blob ids of its inputs. No file is read. A step without `inputs`, one that deploys or verifies,
 * and every step that needs one of these has no key: it runs every time.
 */
export function stepKeys(pipeline: Pipeline, folder: string, tree: readonly TreeFile[]): ReadonlyMap<string, string> {
  const keys = new Map<string, string>();
  const pending = new Set(pipeline.steps);
  for (let before = -1; pending.size !== before;) {
    before = pending.size;
    for (const step of pending) {
      if (!isCacheable(step)) pending.delete(step);
      else if (step.needs.every((need) => keys.has(need))) {
        keys.set(step.name, keyOf(step, folder, tree, keys));
        pending.delete(step);
      }
    }
  }
  return keys;
}

function isCacheable(step: Step): boolean {
  return step.run !== undefined && step.inputs !== undefined && step.verifies === undefined;
}

function keyOf(step: Step, folder: string, tree: readonly TreeFile[], keys: ReadonlyMap<string, string>): string {
  const isInput = matcher(step.inputs ?? []);
  const bases = basesOf(step.inputs ?? []);
  const hash = createHash('sha256');
  const parts = [
    version,
    process.platform,
    process.arch,
    folder,
    step.run,
    step.env,
    step.secrets,
    step.outputs,
    step.needs.map((need) => keys.get(need)),
  ];
  hash.update(JSON.stringify(parts));
  for (const file of tree) {
    if (isInput(file.path) || (file.mode === submodule && mayHold(file.path, bases))) hash.update(`\0${file.mode} ${file.id} ${file.path}`);
  }
  return hash.digest('hex');
}

/** A tree names a submodule's commit, not its files: any of them may be an input. */
function mayHold(folder: string, bases: readonly string[]): boolean {
  return bases.some((base) => base === '' || `${folder}/`.startsWith(`${base}/`) || base.startsWith(`${folder}/`));
}
