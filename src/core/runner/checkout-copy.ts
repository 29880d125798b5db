import { execFile } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { promisify } from 'node:util';
import { fail, messageOf, ok, type Result } from '../model/result';

/**
 * A copy of a checkout as it is, with all that was built in it, for a release that lives longer: the next
 * job gets the same checkout. Modes, links and times stay.
 */
export async function keepCheckout(checkout: string, folder: string): Promise<Result<string>> {
  const copy = path.join(folder, path.basename(checkout));
  try {
    fs.mkdirSync(copy, { recursive: true });
    if (process.platform === 'win32')
      await fs.promises.cp(checkout, copy, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
    else await promisify(execFile)('cp', ['-a', `${checkout}/.`, copy]);
    return ok(copy);
  } catch (error) {
    fs.rmSync(folder, { recursive: true, force: true });
    return fail('machinery', `the checkout could not be copied for the release: ${messageOf(error)}`);
  }
}

/** Removes the copies that no release needs any more. */
export function tidyCheckouts(folder: string, needed: ReadonlySet<string>): void {
  const names = fs.existsSync(folder) ? fs.readdirSync(folder) : [];
  for (const name of names) {
    const kept = path.join(folder, name);
    if (![...needed].some((one) => one.startsWith(kept + path.sep))) fs.rmSync(kept, { recursive: true, force: true });
  }
}
