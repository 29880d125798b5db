import * as fs from 'node:fs';
import * as path from 'node:path';
import { execGit } from '../git/git';
import { valueOf } from '../model/result';
import { basesOf, listFiles, matcher, type ListedFile } from '../support/globs';

/** Returns the files, links and empty folders that the globs match. The path of a folder ends with `/`. */
export function listOutputs(folder: string, globs: readonly string[]): ListedFile[] {
  return listFiles(folder, globs, { emptyFolders: true });
}

/** Returns `its inputs scr/** match no file`. */
export function unmatchedText(key: 'inputs' | 'outputs' | 'reports', globs: readonly string[]): string {
  return `its ${key} ${globs.join(', ')} match no file`;
}

/** Returns true if a notice with such a text names the glob. */
export function namesUnmatched(notice: string, key: 'outputs' | 'reports', glob: string): boolean {
  const names = new RegExp(`its ${key} (.*) match no file$`).exec(notice)?.[1];
  return names?.split(', ').includes(glob) ?? false;
}

/**
 * Returns the globs that match nothing, without those that exclude; all of them if the exclusions leave nothing. Globs that only
 * exclude match nothing.
 */
export function unmatchedGlobs(globs: readonly string[], paths: readonly string[]): string[] {
  const included = globs.filter((glob) => !glob.startsWith('!'));
  if (included.length === 0) return [...globs];
  if (!paths.some(matcher(globs))) return included;
  return included.length === 1 ? [] : included.filter((glob) => !paths.some(matcher([glob])));
}

/**
 * Removes the files and empty folders that match the globs, so that no stale one remains, and the folders that become empty.
 * `isKept` receives paths relative to `folder`.
 */
export function removeOutputs(folder: string, globs: readonly string[], isKept: (path: string) => boolean = () => false): void {
  const isOutput = matcher(globs);
  const emptied = new Set<string>();
  for (const { path: name } of listOutputs(folder, globs)) {
    if (isKept(name)) continue;
    if (!name.endsWith('/')) removeFile(path.join(folder, name));
    emptied.add(name.endsWith('/') ? name.slice(0, -1) : path.posix.dirname(name));
  }
  for (const first of emptied) {
    for (let name = first; name !== '.' && isOutput(name) && removeEmptyFolder(path.join(folder, name)); name = path.posix.dirname(name));
  }
}

function removeFile(file: string): void {
  try {
    fs.rmSync(file, { force: true });
  } catch {
    // Some tools make folders read-only, such as Go's module cache.
    fs.chmodSync(path.dirname(file), 0o700);
    fs.rmSync(file, { force: true });
  }
}

function removeEmptyFolder(folder: string): boolean {
  try {
    fs.rmdirSync(folder);
    return true;
  } catch {
    return false;
  }
}

/** Returns the link that leads from an output out of the checkout, as a path relative to `folder`; undefined if there is none. */
export function linkOutside(folder: string, checkout: string, globs: readonly string[]): string | undefined {
  const root = fs.realpathSync(checkout);
  for (const base of basesOf(globs)) {
    // A link that is an output itself is no folder of outputs.
    const isPlain = globs.some((glob) => path.posix.normalize(glob).replace(/\/$/, '') === base);
    const found = outsideLinkOf(folder, root, isPlain ? path.posix.dirname(base) : base);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Returns true if no folder of these files is a link, so that nothing is written elsewhere. */
export function haveRealFolders(folder: string, files: readonly ListedFile[]): boolean {
  const folders = new Set<string>();
  for (const file of files) {
    for (let name = path.posix.dirname(file.path); name !== '.' && !folders.has(name); name = path.posix.dirname(name)) {
      folders.add(name);
    }
  }
  return [...folders].every((name) => !statOf(path.join(folder, name))?.isSymbolicLink());
}

function outsideLinkOf(folder: string, root: string, name: string): string | undefined {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  for (let end = 1; end <= parts.length; end++) {
    const part = parts.slice(0, end).join('/');
    const file = path.join(folder, part);
    const stat = statOf(file);
    if (!stat) return undefined;
    if (stat.isSymbolicLink() && !`${targetOf(file)}${path.sep}`.startsWith(root + path.sep)) return part;
  }
  return undefined;
}

function targetOf(link: string): string {
  try {
    return fs.realpathSync(link);
  } catch {
    return path.resolve(path.dirname(link), fs.readlinkSync(link)); // it leads nowhere yet
  }
}

function statOf(file: string): fs.Stats | undefined {
  try {
    return fs.lstatSync(file);
  } catch {
    return undefined;
  }
}

/** Files that tools keep for their own speed. No other step reads them. */
const cacheName = /^(__pycache__|\.[\w.-]*cache|\.coverage|coverage|\.nyc_output|\.turbo|\.tox|\.gradle|.*\.(tsbuildinfo|log))$/;

/**
 * Returns the untracked files and folders of a service that were written after `marker`, a file that was written when the step
 * began. They are not among the outputs of the step, so no other checkout has them.
 */
export async function undeclaredFiles(folder: string, marker: string, isDeclared: (path: string) => boolean): Promise<string[]> {
  const since = statOf(marker)?.ctimeMs ?? 0;
  const listed = valueOf(await execGit(['ls-files', '--others', '--directory', '-z'], { folder })) ?? '';
  const isWritten = (relative: string): boolean => (statOf(path.join(folder, relative))?.ctimeMs ?? 0) > since;
  const isNew = (relative: string): boolean => {
    if (cacheName.test(path.basename(relative)) || isDeclared(relative)) return false;
    if (!statOf(path.join(folder, relative))?.isDirectory()) return isWritten(relative);
    const names = fs.readdirSync(path.join(folder, relative)).map((name) => `${relative}/${name}`);
    if (names.length === 0) return isWritten(relative);
    // An installer replaces whole packages, and there are too many files to look at.
    if (path.basename(relative) !== 'node_modules') return names.some(isNew);
    return isWritten(relative) && names.some((name) => !cacheName.test(path.basename(name)) && isWritten(name));
  };
  return listed
    .split('\0')
    .filter((name) => name !== '')
    .map((name) => name.replace(/\/$/, ''))
    .filter(isNew);
}
