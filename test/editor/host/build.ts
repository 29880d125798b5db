import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { project } from './places';

/** Builds `dist/`. Throws the compiler's errors. */
export async function buildProject(): Promise<void> {
  await promisify(execFile)(process.execPath, ['esbuild.js'], { cwd: project });
}
