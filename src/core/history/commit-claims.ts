import * as fs from 'node:fs';
import * as path from 'node:path';
import type { RepositoryHome } from '../support/home';

const keptMs = 7 * 86_400_000;

/**
 * Whether the caller, and no other window, is the one to deliver a commit of a service by itself. The answer is
 * yes once; it is forgotten when no window can still be about to ask.
 */
export function claimCommit(home: RepositoryHome, service: string, commit: string): boolean {
  fs.mkdirSync(home.claims, { recursive: true });
  forgetOld(home.claims);
  try {
    fs.writeFileSync(path.join(home.claims, `${service.replace(/[^\w.-]/g, '_')}-${commit}`), '', { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function forgetOld(folder: string): void {
  for (const name of fs.readdirSync(folder)) {
    const file = path.join(folder, name);
    const stat = fs.statSync(file, { throwIfNoEntry: false });
    if (stat && Date.now() - stat.mtimeMs > keptMs) fs.rmSync(file, { force: true });
  }
}
