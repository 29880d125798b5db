import type { Repository } from '../git/repository';
import { listTree } from '../git/tree';
import type { RepositoryHome } from '../support/home';

/** The files of a delivered tree, by path and by name. */
export class TreePaths {
  private readonly files: ReadonlySet<string>;
  private byName: Map<string, string[]> | undefined;
  private allFolders: Set<string> | undefined;

  constructor(paths: readonly string[]) {
    this.files = new Set(paths);
  }

  /** Returns the path of a file in a folder, or undefined if it does not exist. */
  at(...parts: readonly string[]): string | undefined {
    const file = normalize(parts.join('/'));
    return file !== undefined && this.files.has(file) ? file : undefined;
  }

  named(name: string): readonly string[] {
    if (!this.byName) {
      this.byName = new Map();
      for (const file of this.files) {
        const own = file.slice(file.lastIndexOf('/') + 1);
        const same = this.byName.get(own);
        if (same) same.push(file);
        else this.byName.set(own, [file]);
      }
    }
    return this.byName.get(name) ?? [];
  }

  endingWith(parts: readonly string[]): string[] {
    return this.named(parts.at(-1) ?? '').filter((file) => commonEnd(file.split('/'), parts) === parts.length);
  }

  folders(): ReadonlySet<string> {
    if (!this.allFolders) {
      this.allFolders = new Set(['']);
      for (const file of this.files)
        for (let end = file.lastIndexOf('/'); end > 0; end = file.lastIndexOf('/', end - 1)) this.allFolders.add(file.slice(0, end));
    }
    return this.allFolders;
  }
}

/** Resolves `.` and `..`. Returns undefined for a path out of the tree. */
export function normalize(path: string): string | undefined {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) return undefined;
  }
  return parts.join('/');
}

/** Returns the files of a tree or a commit, or none if it does not exist. */
export async function treePaths(repository: Repository, home: RepositoryHome, tree: string): Promise<TreePaths> {
  const listing = await listTree(repository, home, tree);
  return new TreePaths(listing.ok ? listing.value.map((entry) => entry.path) : []);
}

/** Returns how many last segments two paths share. */
export function commonEnd(a: readonly string[], b: readonly string[]): number {
  let length = 0;
  while (length < a.length && length < b.length && a.at(-1 - length) === b.at(-1 - length)) length++;
  return length;
}
