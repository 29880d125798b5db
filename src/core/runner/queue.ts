import * as fs from 'node:fs';
import * as path from 'node:path';
import { draftSuffix, writeTextAtomically } from '../support/files';
import { FolderChanges } from '../support/folder-watch';
import { holderOf, tryLock, type LockHolder } from '../process/lock';
import { isAlive } from '../process/process-identity';

export type Turn =
  { readonly kind: 'mine'; release(): void } | { readonly kind: 'superseded'; readonly by: string } | { readonly kind: 'cancelled' };

/** The interval between checks for a dead holder, which the file system does not report. */
const pollIntervalMs = 200;

/**
 * Waits until no other run of the service is executing. Only the newest waiting run stays; older ones are superseded.
 * `waiting` is called once before the wait, with the id of the executing run.
 */
export async function waitForTurn(
  locks: string,
  service: string,
  holder: LockHolder & { readonly run: string },
  signal: AbortSignal,
  waiting: (behind: string | undefined) => void,
): Promise<Turn> {
  const lock = path.join(locks, `${service}.lock`);
  const first = tryLock(lock, holder);
  if (first.ok) return { kind: 'mine', release: () => first.release() };

  const folder = path.join(locks, `${service}.waiting`);
  const place = path.join(folder, holder.run);
  writeTextAtomically(place, JSON.stringify(holder), { durable: false });
  waiting(first.holder.run);
  const changes = new FolderChanges([locks, folder], pollIntervalMs);
  try {
    for (;;) {
      if (signal.aborted) return { kind: 'cancelled' };
      const newest = newestWaiting(folder);
      if (newest !== undefined && newest > holder.run) return { kind: 'superseded', by: newest };
      const attempt = tryLock(lock, holder);
      if (attempt.ok) return { kind: 'mine', release: () => attempt.release() };
      await changes.next(signal);
    }
  } finally {
    changes.close();
    fs.rmSync(place, { force: true });
  }
}

/** Returns the id of the newest waiting run. Run ids sort by the order in which runs began. */
function newestWaiting(folder: string): string | undefined {
  return fs
    .readdirSync(folder)
    .filter((run) => !run.endsWith(draftSuffix) && isWaiting(path.join(folder, run)))
    .sort()
    .at(-1);
}

function isWaiting(place: string): boolean {
  const holder = holderOf(place);
  if (holder && isAlive(holder)) return true;
  if (holder) fs.rmSync(place, { force: true });
  return false; // without a holder, the file was just removed or is damaged
}
