import { git } from '../git/git';
import { objectEnvironment } from '../git/object-store';
import type { Repository } from '../git/repository';
import type { RepositoryHome } from '../support/home';

import { recentChanges } from './recent-changes';

/** When each change was committed that a commit containsCommit and another does not; undefined where git does not know one of them. */
export async function commitDates(
  repository: Repository,
  home: RepositoryHome,
  range: { readonly from: string; readonly to: string; readonly folder: string },
): Promise<readonly string[] | undefined> {
  const changes = await recentChanges(repository, home, range);
  return changes.ok ? changes.value.map(({ date }) => date) : undefined;
}

/** Whether the history of a commit containsCommit another one, or is it; undefined where git does not know one of them. */
export async function containsCommit(
  repository: Repository,
  home: RepositoryHome,
  commit: string,
  earlier: string,
): Promise<boolean | undefined> {
  const args = ['rev-list', '--max-count=1', earlier, '--not', commit, '--'];
  const call = { folder: repository.root, env: objectEnvironment(repository, home) };
  const missing = await git(call, (client) => client.raw(args));
  return missing.ok ? missing.value.trim() === '' : undefined;
}

/** How a release differs from the branch that is checked out, in the folder of its service: subjects of commits, newest first. */
export interface Divergence {
  /** In the branch, and not in the release. */
  readonly missing: readonly string[];
  /** In the release, and not in the branch. */
  readonly foreign: readonly string[];
}

/** More than this is only counted up to it. */
export const mostCommits = 100;

/** `undefined`: the release's commit is not known in this repository. */
export async function divergence(
  repository: Repository,
  home: RepositoryHome,
  release: string,
  head: string,
  folder: string,
): Promise<Divergence | undefined> {
  if (!/^[0-9a-f]{40,64}$/.test(release)) return undefined;
  const options = ['--left-right', '--no-merges', '--no-show-signature', '--format=%m%s', `--max-count=${mostCommits}`];
  const call = { folder: repository.root, env: objectEnvironment(repository, home) };
  const log = await git(call, (client) => client.raw(['log', ...options, `${release}...${head}`, '--', folder || '.']));
  if (!log.ok) return undefined;
  const lines = log.value.split('\n');
  const subjects = (side: '<' | '>'): string[] => lines.filter((line) => line.startsWith(side)).map((line) => line.slice(1));
  return { missing: subjects('>'), foreign: subjects('<') };
}
