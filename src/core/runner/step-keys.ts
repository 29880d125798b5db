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

/** The version of the key format. A new version invalidates older keys. */
const version = 1;

/**
 * Returns the keys of the cacheable steps by name: the hash of the command, the environment, the keys of the needs and the
 * blob ids of the inputs. No file is read. A step that has no `inputs`, deploys or verifies has no key, nor has any step
 * that needs one without a key: they run every time.
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
    if (isInput(file.path) || (file.mode === submodule && mayContain(file.path, bases)))
      hash.update(`\0${file.mode} ${file.id} ${file.path}`);
  }
  return hash.digest('hex');
}

/** Returns true if a submodule may contain inputs. The tree has only its commit, not its files. */
function mayContain(folder: string, bases: readonly string[]): boolean {
  return bases.some((base) => base === '' || `${folder}/`.startsWith(`${base}/`) || base.startsWith(`${folder}/`));
}
