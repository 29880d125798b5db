import type { Repository } from '../git/repository';
import { listTree } from '../git/tree';
import type { RepositoryHome } from '../support/home';

/** The files of a delivered tree, found by what a tool printed of their paths. */
export class TreePaths {
  private readonly files: ReadonlySet<string>;
  private byName: Map<string, string[]> | undefined;

  constructor(
    paths: readonly string[],
    /** The service's folder in the tree, with `/`; empty for the root. */
    private readonly folder: string,
  ) {
    this.files = new Set(paths);
  }

  /** A path relative to the service or, failing that, to the root. */
  relative(printed: string): string | undefined {
    return [this.join(printed), clean(printed)].find((path) => path !== undefined && this.files.has(path));
  }

  /**
   * Some folders of the path are of another place: a container's, another machine's, a source root's.
   * What is left must name a file of the service, or one file of the tree alone: else it is a guess.
   */
  bySuffix(printed: string, isAbsolute: boolean): string | undefined {
    const parts = printed.split('/').filter((part) => part !== '' && part !== '.');
    if (parts.includes('..')) return undefined;
    // What was printed relative is meant whole.
    const shortest = isAbsolute ? Math.min(2, parts.length) : parts.length;
    for (let length = parts.length; length >= 1; length--) {
      const suffix = parts.slice(-length).join('/');
      const own = isAbsolute ? this.relative(suffix) : undefined;
      if (own !== undefined && (length > 1 || parts.length <= 2)) return own;
      if (length < shortest) continue;
      const candidates = (this.names().get(parts.at(-1) ?? '') ?? []).filter((path) => path === suffix || path.endsWith(`/${suffix}`));
      if (candidates.length === 1) return candidates[0];
      const inService = candidates.filter((path) => this.folder !== '' && path.startsWith(`${this.folder}/`));
      if (inService.length === 1) return inService[0];
      if (candidates.length > 1) return undefined;
    }
    return undefined;
  }

  has(path: string): boolean {
    return this.files.has(path);
  }

  private join(printed: string): string | undefined {
    return clean(this.folder === '' ? printed : `${this.folder}/${printed}`);
  }

  private names(): Map<string, string[]> {
    if (this.byName) return this.byName;
    this.byName = new Map();
    for (const path of this.files) {
      const name = path.slice(path.lastIndexOf('/') + 1);
      const same = this.byName.get(name);
      if (same) same.push(path);
      else this.byName.set(name, [path]);
    }
    return this.byName;
  }
}

/** Without `.` and `..`; absent where it leads out of the tree. */
function clean(path: string): string | undefined {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) return undefined;
  }
  return parts.join('/');
}

/** The files of a tree or of a commit's. None where it is not there. */
export async function treePaths(repository: Repository, home: RepositoryHome, tree: string, folder: string): Promise<TreePaths> {
  const listing = await listTree(repository, home, tree);
  const paths = listing.ok ? listing.value.map((entry) => entry.path) : [];
  return new TreePaths(paths, folder);
}
