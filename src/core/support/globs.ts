import * as fs from 'node:fs';
import * as path from 'node:path';
import { posix } from 'node:path';
import picomatch from 'picomatch';

/** With the flag `s`, a wildcard matches line breaks in names. */
const options: picomatch.PicomatchOptions = { dot: true, flags: 's' };

/**
 * Returns a function that matches paths. `!glob` excludes. A plain name stands for a file, or for everything in a
 * folder. Names that begin with a dot match too. `[id]` and `(group)` also match a folder of exactly that name.
 */
export function matcher(globs: readonly string[]): (path: string) => boolean {
  const isIncluded = anyOf(globs.filter((glob) => !glob.startsWith('!')));
  const excluded = globs.filter((glob) => glob.startsWith('!'));
  if (excluded.length === 0) return isIncluded;
  const isExcluded = anyOf(excluded.map((glob) => glob.slice(1)));
  return (path) => isIncluded(path) && !isExcluded(path);
}

function anyOf(globs: readonly string[]): (path: string) => boolean {
  const cleaned = globs.map(normalize);
  // Most globs are plain names, and comparing is faster than a compiled expression.
  const isPlain = (glob: string): boolean => !/[\\*?[\]{}()!+@|]/.test(glob);
  const plain = cleaned.filter(isPlain);
  const others = cleaned.filter((glob) => !isPlain(glob)).flatMap(widen);
  const isOther = others.length === 0 ? () => false : picomatch(others, options);
  return (path) => plain.some((name) => path === name || path.startsWith(`${name}/`)) || isOther(path);
}

/** Returns the folders that contain everything that the globs can match. */
export function basesOf(globs: readonly string[]): string[] {
  const bases = globs.filter((glob) => !glob.startsWith('!')).map((glob) => picomatch.scan(normalize(glob)).base);
  return [...new Set(bases)].filter(
    (base, _, all) => !all.some((other) => other !== base && (other === '' || base.startsWith(`${other}/`))),
  );
}

function normalize(glob: string): string {
  const normal = posix.normalize(glob).replace(/\/$/, '');
  return normal === '.' ? '**' : normal;
}

function widen(glob: string): string[] {
  const literal = glob.includes('\\') ? glob : glob.replace(/[[\]()]/g, '\\$&');
  return [...new Set([glob, literal])].flatMap((each) => (picomatch.scan(each).isGlob ? [each] : [each, `${each}/**`]));
}

/** A file with the attributes that show whether it changed. */
export interface ListedFile {
  /** Relative to the listed folder, with `/`. */
  readonly path: string;
  readonly size: number;
  readonly mtimeMs: number;
}

/** Returns the files and links below `folder` that match the globs, sorted by path; with `emptyFolders` those too, as `name/`. */
export function listFiles(folder: string, globs: readonly string[], { emptyFolders = false } = {}): ListedFile[] {
  if (globs.length === 0) return [];
  const isIncluded = matcher(globs);
  const found: ListedFile[] = [];
  const visit = (relative: string): void => {
    const stat = fs.lstatSync(path.join(folder, relative), { throwIfNoEntry: false });
    if (!stat) return;
    if (!stat.isDirectory()) {
      if (isIncluded(relative)) found.push({ path: relative, size: stat.isSymbolicLink() ? 0 : stat.size, mtimeMs: stat.mtimeMs });
      return;
    }
    const names = fs.readdirSync(path.join(folder, relative)).sort();
    if (emptyFolders && names.length === 0 && relative !== '' && isIncluded(relative))
      found.push({ path: `${relative}/`, size: 0, mtimeMs: 0 });
    for (const name of names) {
      if (relative === '' && name === '.git') continue;
      visit(relative === '' ? name : `${relative}/${name}`);
    }
  };
  for (const base of basesOf(globs)) visit(base);
  return found;
}
