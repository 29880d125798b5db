import * as fs from 'node:fs';
import * as path from 'node:path';
import { listFiles, type ListedFile } from '../support/globs';

/** Returns true if both lists have the same files, sizes and exact modification times. */
export function sameOutputs(a: readonly ListedFile[], b: readonly ListedFile[]): boolean {
  return haveSameFiles(a, b, (x, y) => x.mtimeMs === y.mtimeMs);
}

/** Returns true if an archive restored all files. Archives keep modification times in whole seconds. */
export function restoredOutputs(kept: readonly ListedFile[], found: readonly ListedFile[]): boolean {
  return haveSameFiles(kept, found, (x, y) => Math.floor(x.mtimeMs / 1000) === Math.floor(y.mtimeMs / 1000));
}

function haveSameFiles(a: readonly ListedFile[], b: readonly ListedFile[], sameTime: (a: ListedFile, b: ListedFile) => boolean): boolean {
  return (
    a.length === b.length && a.every((x, i) => b[i] !== undefined && x.path === b[i].path && x.size === b[i].size && sameTime(x, b[i]))
  );
}

/** Removes the files that match the globs, so that no stale file remains among restored ones. */
export function removeOutputs(folder: string, globs: readonly string[]): void {
  for (const file of listFiles(folder, globs)) fs.rmSync(path.join(folder, file.path), { force: true });
}
