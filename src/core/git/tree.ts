import { ok, type Result } from '../model/result';
import type { RepositoryHome } from '../support/home';
import { execGit } from './git';
import type { Repository } from './repository';
import { objectEnvironment } from './object-store';

export interface TreeEntry {
  /** Relative to the listed folder, with `/`. */
  readonly path: string;
  /** `100644`, `100755`, `120000` for a link, `160000` for a submodule. */
  readonly mode: string;
  readonly id: string;
}

/** Returns every file of a tree, or of one folder of it. */
export async function listTree(
  repository: Repository,
  home: RepositoryHome,
  tree: string,
  folder = '',
): Promise<Result<readonly TreeEntry[]>> {
  const args = ['ls-tree', '-r', '-z', '--full-tree', folder === '' ? tree : `${tree}:${folder}`];
  const listing = await execGit(args, { folder: repository.root, env: objectEnvironment(repository, home) });
  if (!listing.ok) return listing;
  return ok(
    listing.value
      .split('\0')
      .filter((line) => line !== '')
      .map((line) => {
        const tab = line.indexOf('\t');
        const [mode = '', , id = ''] = line.slice(0, tab).split(' ');
        return { path: line.slice(tab + 1), mode, id };
      }),
  );
}

export async function readBlob(repository: Repository, home: RepositoryHome, id: string): Promise<Result<string>> {
  return execGit(['cat-file', 'blob', id], { folder: repository.root, env: objectEnvironment(repository, home) });
}
