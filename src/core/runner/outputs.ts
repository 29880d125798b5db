import * as fs from 'node:fs';
import * as path from 'node:path';
import { basesOf, matcher } from './step-keys';

/** A file as a step left it: what tells that it is still there, unchanged. */
export interface OutputFile {
  /** Relative to the service's folder, with `/`. */
  readonly path: string;
  readonly size: number;
  readonly mtimeMs: number;
}

/** The files and links below `folder` that the globs name, in a steady order. */
export function listOutputs(folder: string, globs: readonly string[]): OutputFile[] {
  if (globs.length === 0) return [];
  const isOutput = matcher(globs);
  const found: OutputFile[] = [];
  const visit = (relative: string): void => {
    const stat = fs.lstatSync(path.join(folder, relative), { throwIfNoEntry: false });
    if (!stat) return;
    if (!stat.isDirectory()) {
      if (isOutput(relative)) found.push({ path: relative, size: stat.isSymbolicLink() ? 0 : stat.size, mtimeMs: stat.mtimeMs });
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

/** Whether nothing was written since: the same files, sizes and times to the last digit. */
export function sameOutputs(a: readonly OutputFile[], b: readonly OutputFile[]): boolean {
  return alike(a, b, (x, y) => x.mtimeMs === y.mtimeMs);
}

/** Whether an archive gave back what was put in: it keeps whole seconds only. */
export function restoredOutputs(kept: readonly OutputFile[], found: readonly OutputFile[]): boolean {
  return alike(kept, found, (x, y) => Math.floor(x.mtimeMs / 1000) === Math.floor(y.mtimeMs / 1000));
}

function alike(a: readonly OutputFile[], b: readonly OutputFile[], sameTime: (a: OutputFile, b: OutputFile) => boolean): boolean {
  return (
    a.length === b.length && a.every((x, i) => b[i] !== undefined && x.path === b[i].path && x.size === b[i].size && sameTime(x, b[i]))
  );
}

/** Removes what the globs name, so that nothing older lies among what is put back. */
export function removeOutputs(folder: string, globs: readonly string[]): void {
  for (const file of listOutputs(folder, globs)) fs.rmSync(path.join(folder, file.path), { force: true });
}
