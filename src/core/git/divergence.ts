import type { RepositoryHome } from '../support/home';
import { git } from './git';
import type { Repository } from './repository';
import { ownObjects } from './object-store';

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
  const call = { folder: repository.root, env: ownObjects(repository, home) };
  const log = await git(call, (client) => client.raw(['log', ...options, `${release}...${head}`, '--', folder || '.']));
  if (!log.ok) return undefined;
  const lines = log.value.split('\n');
  const subjects = (side: '<' | '>'): string[] => lines.filter((line) => line.startsWith(side)).map((line) => line.slice(1));
  return { missing: subjects('>'), foreign: subjects('<') };
}
