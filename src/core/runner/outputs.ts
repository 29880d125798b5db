import * as fs from 'node:fs';
import * as path from 'node:path';
import { listFiles, type ListedFile } from '../support/glob-files';

/** Whether nothing was written since: the same files, sizes and times to the last digit. */
export function sameOutputs(a: readonly ListedFile[], b: readonly ListedFile[]): boolean {
  return alike(a, b, (x, y) => x.mtimeMs === y.mtimeMs);
}

/** Whether an archive gave back what was put in: it keeps whole seconds only. */
export function restoredOutputs(kept: readonly ListedFile[], found: readonly ListedFile[]): boolean {
  return alike(kept, found, (x, y) => Math.floor(x.mtimeMs / 1000) === Math.floor(y.mtimeMs / 1000));
}

function alike(a: readonly ListedFile[], b: readonly ListedFile[], sameTime: (a: ListedFile, b: ListedFile) => boolean): boolean {
  return (
    a.length === b.length && a.every((x, i) => b[i] !== undefined && x.path === b[i].path && x.size === b[i].size && sameTime(x, b[i]))
  );
}

/** Removes what the globs name, so that nothing older lies among what is put back. */
export function removeOutputs(folder: string, globs: readonly string[]): void {
  for (const file of listFiles(folder, globs)) fs.rmSync(path.join(folder, file.path), { force: true });
}
