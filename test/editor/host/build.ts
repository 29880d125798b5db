import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { project } from './places';

/** Builds `dist/`; throws with the compiler's errors. */
export async function buildProject(): Promise<void> {
  await promisify(execFile)(process.execPath, ['esbuild.js'], { cwd: project });
}
