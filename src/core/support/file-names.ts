import * as fs from 'node:fs';

/** Returns the names of the entries of a folder, sorted; none if the folder cannot be read. */
export function fileNames(folder: string): string[] {
  try {
    return fs.readdirSync(folder).sort();
  } catch {
    return [];
  }
}
