import { ok, type Result } from '../model/result';
import type { RepositoryHome } from '../support/home';
import { git } from '../git/git';
import type { Repository } from '../git/repository';
import { objectEnvironment } from '../git/object-store';

/** A change between a delivery that passed and one that failed. */
export interface Suspect {
  readonly commit: string;
  /** Absent for a root commit. */
  readonly parent?: string;
  readonly subject: string;
  readonly author: string;
  /** ISO 8601. */
  readonly date: string;
  /** Its files that still differ between the two deliveries. */
  readonly files: readonly string[];
  /** `place`: it changed the file of the failure. `stack`: it changed a file of the stack. */
  readonly touches: 'place' | 'stack' | 'other';
}

/** The files of a failure. */
export interface Scene {
  readonly path?: string | undefined;
  readonly stack: readonly string[];
}

const maxSuspects = 200;

/**
 * Returns the changes from `good` to `bad`, first those that touch the scene. Leaves out merges and changes that were
 * undone in between. Without `good`, the failed change is the only suspect. Both are full ids of commits or
 * snapshots.
 */
export async function findSuspects(
  repository: Repository,
  home: RepositoryHome,
  good: string | undefined,
  bad: string,
  scene: Scene,
): Promise<Result<Suspect[]>> {
  const call = { folder: repository.root, env: objectEnvironment(repository, home) };
  const range = good === undefined ? ['--max-count=1', bad] : [`--max-count=${maxSuspects}`, `${good}..${bad}`];
  const format = ['%x1e%H', '%P', '%s', '%an', '%cI'].join('%x1f');
  const options = ['--no-ext-diff', '--no-renames', '--name-only', '-z'];
  const [log, diff] = await Promise.all([
    git(call, (client) => client.raw(['log', ...options, '--no-merges', '--no-show-signature', `--format=${format}`, ...range, '--'])),
    good === undefined ? undefined : git(call, (client) => client.diff([...options, good, bad, '--'])),
  ]);
  if (!log.ok) return log;
  if (diff && !diff.ok) return diff;
  const different = diff && new Set(diff.value.split('\0'));
  const suspects = log.value.split('\x1e').flatMap((entry) => suspectOf(entry, scene, different) ?? []);
  const rank = { place: 0, stack: 1, other: 2 };
  return ok(suspects.sort((a, b) => rank[a.touches] - rank[b.touches]));
}

function suspectOf(entry: string, scene: Scene, different: ReadonlySet<string> | undefined): Suspect | undefined {
  const [head = '', ...names] = entry.split('\0');
  const [commit = '', parents = '', subject = '', author = '', date = ''] = head.split('\x1f');
  if (commit === '') return undefined;
  const files = names.map((name) => name.replace(/^\n/, '')).filter((name) => name !== '' && (!different || different.has(name)));
  if (files.length === 0) return undefined;
  const [parent] = parents.split(' ');
  const touches =
    scene.path !== undefined && files.includes(scene.path) ? 'place' : scene.stack.some((path) => files.includes(path)) ? 'stack' : 'other';
  return { commit, ...(parent && { parent }), subject, author, date, files, touches };
}
