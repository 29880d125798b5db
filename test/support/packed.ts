import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';

/** Writes a file like one of `npm pack`, of a package with this name and nothing else. */
export function writePackedFile(file: string, name = 'deliver'): void {
  const folder = path.dirname(file);
  fs.mkdirSync(path.join(folder, 'package'), { recursive: true });
  fs.writeFileSync(path.join(folder, 'package/package.json'), JSON.stringify({ name }));
  execFileSync('tar', ['-czf', path.basename(file), 'package/package.json'], { cwd: folder });
  fs.rmSync(path.join(folder, 'package'), { recursive: true });
}
