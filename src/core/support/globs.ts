import * as fs from 'node:fs';
import * as path from 'node:path';
import { posix } from 'node:path';
import picomatch from 'picomatch';

/** With `s`, a wildcard matches the line breaks that a name may hold. */
const options: picomatch.PicomatchOptions = { dot: true, flags: 's' };

/**
 * Whether a path matches a list of globs: `!glob` takes away, a plain name stands for the file or
 * for everything in the folder of that name, names that begin with a dot count like others, and
 * `[id]` or `(group)` also match the folder that is called so.
 */
export function matcher(globs: readonly string[]): (path: string) => boolean {
  const isWanted = anyOf(globs.filter((glob) => !glob.startsWith('!')));
  const unwanted = globs.filter((glob) => glob.startsWith('!'));
  if (unwanted.length === 0) return isWanted;
  const isUnwanted = anyOf(unwanted.map((glob) => glob.slice(1)));
  return (path) => isWanted(path) && !isUnwanted(path);
}

function anyOf(globs: readonly string[]): (path: string) => boolean {
  const cleaned = globs.map(clean);
  // Most are plain names, which need no expression compiled for each.
  const isPlain = (glob: string): boolean => !/[\\*?[\]{}()!+@|]/.test(glob);
  const plain = cleaned.filter(isPlain);
  const others = cleaned.filter((glob) => !isPlain(glob)).flatMap(widen);
  const isOther = others.length === 0 ? () => false : picomatch(others, options);
  return (path) => plain.some((name) => path === name || path.startsWith(`${name}/`)) || isOther(path);
}

/** The folders below which everything lies that the globs can match; no folder is walked in vain. */
export function basesOf(globs: readonly string[]): string[] {
  const bases = globs.filter((glob) => !glob.startsWith('!')).map((glob) => picomatch.scan(clean(glob)).base);
  return [...new Set(bases)].filter(
    (base, _, all) => !all.some((other) => other !== base && (other === '' || base.startsWith(`${other}/`))),
  );
}

function clean(glob: string): string {
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
