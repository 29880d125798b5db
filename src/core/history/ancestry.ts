import type { RepositoryHome } from '../support/home';
import { git } from '../git/git';
import { recentChanges } from './recent-changes';
import type { Repository } from '../git/repository';
import { ownObjects } from '../git/object-store';

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
  const call = { folder: repository.root, env: ownObjects(repository, home) };
  const missing = await git(call, (client) => client.raw(args));
  return missing.ok ? missing.value.trim() === '' : undefined;
}
