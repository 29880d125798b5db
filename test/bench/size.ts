import * as fs from 'node:fs';
import * as path from 'node:path';
import { cli, type Row } from './measure';

/** Returns the size of what was just built: the part that the editor loads when the extension is activated, and all of it. */
export async function bundleSizes(): Promise<Row[]> {
  const dist = path.dirname(cli);
  const sizeOf = (name: string): number => fs.statSync(path.join(dist, name)).size;
  const all = fs.readdirSync(dist).reduce((sum, name) => sum + sizeOf(name), 0);
  return Promise.resolve([
    { what: 'extension.cjs, minified', value: sizeOf('extension.cjs') / 1000, bound: { most: 300, unit: ' kB' }, detail: '' },
    { what: 'all that is built', value: all / 1_000_000, bound: { most: 1.3, unit: ' MB' }, detail: '' },
  ]);
}
