import type { RepositoryHome } from '../support/home';
import { gitOrUndefined } from './git';
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
  const args = [
    'log',
    '--left-right',
    '--no-merges',
    '--format=%m%s',
    `--max-count=${mostCommits}`,
    `${release}...${head}`,
    '--',
    folder || '.',
  ];
  const told = await gitOrUndefined(args, { folder: repository.root, env: ownObjects(repository, home) });
  if (told === undefined) return undefined;
  const lines = told.split('\n').filter((line) => line !== '');
  const of = (side: string): string[] => lines.filter((line) => line.startsWith(side)).map((line) => line.slice(1));
  return { missing: of('>'), foreign: of('<') };
}
