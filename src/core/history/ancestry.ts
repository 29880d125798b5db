import { git } from '../git/git';
import { objectEnvironment } from '../git/object-store';
import type { Repository } from '../git/repository';
import type { RepositoryHome } from '../support/home';
import { recentChanges } from './recent-changes';

/** Returns the dates of the changes in `to` but not in `from`, or undefined if git does not know a commit. */
export async function commitDates(
  repository: Repository,
  home: RepositoryHome,
  range: { readonly from: string; readonly to: string; readonly folder: string },
): Promise<readonly string[] | undefined> {
  const changes = await recentChanges(repository, home, range);
  return changes.ok ? changes.value.map(({ date }) => date) : undefined;
}

/** Whether a commit is `earlier` or its descendant. Undefined if git does not know a commit. */
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

/** The commits that differ between a release and the current branch, as subjects, newest first. */
export interface Divergence {
  /** In the branch but not in the release. */
  readonly missing: readonly string[];
  /** In the release but not in the branch. */
  readonly foreign: readonly string[];
}

/** More commits are not counted. */
export const maxDivergence = 100;

/** Compares a release with the branch in the folder of its service. Undefined if the repository lacks its commit. */
export async function divergence(
  repository: Repository,
  home: RepositoryHome,
  release: string,
  head: string,
  folder: string,
): Promise<Divergence | undefined> {
  if (!/^[0-9a-f]{40,64}$/.test(release)) return undefined;
  const options = ['--left-right', '--no-merges', '--no-show-signature', '--format=%m%s', `--max-count=${maxDivergence}`];
  const call = { folder: repository.root, env: objectEnvironment(repository, home) };
  const log = await git(call, (client) => client.raw(['log', ...options, `${release}...${head}`, '--', folder || '.']));
  if (!log.ok) return undefined;
  const lines = log.value.split('\n');
  const subjects = (side: '<' | '>'): string[] => lines.filter((line) => line.startsWith(side)).map((line) => line.slice(1));
  return { missing: subjects('>'), foreign: subjects('<') };
}
