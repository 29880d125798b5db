import * as fs from 'node:fs';
import * as path from 'node:path';
import { basesOf, matcher } from './globs';

/** A file with the attributes that show whether it changed. */
export interface ListedFile {
  /** Relative to the listed folder, with `/`. */
  readonly path: string;
  readonly size: number;
  readonly mtimeMs: number;
}

/** Returns the files and links below `folder` that match the globs, sorted by path. */
export function listFiles(folder: string, globs: readonly string[]): ListedFile[] {
  if (globs.length === 0) return [];
  const isWanted = matcher(globs);
  const found: ListedFile[] = [];
  const visit = (relative: string): void => {
    const stat = fs.lstatSync(path.join(folder, relative), { throwIfNoEntry: false });
    if (!stat) return;
    if (!stat.isDirectory()) {
      if (isWanted(relative)) found.push({ path: relative, size: stat.isSymbolicLink() ? 0 : stat.size, mtimeMs: stat.mtimeMs });
      return;
    }
    for (const name of fs.readdirSync(path.join(folder, relative)).sort()) {
      if (relative === '' && name === '.git') continue;
      visit(relative === '' ? name : `${relative}/${name}`);
    }
  };
  for (const base of basesOf(globs)) visit(base);
  return found;
}
