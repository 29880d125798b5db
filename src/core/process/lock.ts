import * as fs from 'node:fs';
import * as path from 'node:path';
import { isAlive } from './process-identity';
import type { ProcessIdentity } from '../model/events';

/** Who holds a lock. A holder that no longer runs holds nothing. */
export type LockHolder = ProcessIdentity & { readonly run?: string };

export type LockAttempt = { readonly ok: true; release(): void } | { readonly ok: false; readonly holder: LockHolder };

/**
 * Takes the lock at `file` or says who holds it; never waits. The file comes into being with its
 * holder's name in it, so no reader sees it empty, and a dead holder's lock is taken over at once.
 */
export function tryLock(file: string, holder: LockHolder): LockAttempt {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  for (;;) {
    // A failed attempt writes nothing: a process that waits watches the folder, and would wake itself without end.
    const current = holderOf(file);
    if (current && isAlive(current)) return { ok: false, holder: current };
    if (create(file, holder)) return { ok: true, release: () => release(file, holder) };
    removeStale(file, holder);
  }
}

/** The living holder of a lock, if any. */
export function lockHolder(file: string): LockHolder | undefined {
  const holder = holderOf(file);
  return holder && isAlive(holder) ? holder : undefined;
}

function create(file: string, holder: LockHolder): boolean {
  const draft = `${file}.${holder.pid}.${Math.random().toString(36).slice(2)}`;
  fs.writeFileSync(draft, JSON.stringify(holder));
  try {
    fs.linkSync(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    fs.unlinkSync(draft);
  }
}

/** The process that a lock names, whether it runs or not. */
export function holderOf(file: string): LockHolder | undefined {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8')) as LockHolder;
  } catch {
    return undefined;
  }
}

/**
 * Two that find the same dead holder must not remove each other's new lock: the removal itself is
 * done under a lock of its own, and only after a second look.
 */
function removeStale(file: string, holder: LockHolder): void {
  const removal = `${file}.removal`;
  if (!create(removal, holder)) {
    const remover = holderOf(removal);
    if (!remover || !isAlive(remover)) fs.rmSync(removal, { force: true });
    return;
  }
  try {
    const current = holderOf(file);
    if (!current || !isAlive(current)) fs.rmSync(file, { force: true });
  } finally {
    fs.rmSync(removal, { force: true });
  }
}

function release(file: string, holder: LockHolder): void {
  const current = holderOf(file);
  if (current?.pid === holder.pid && current.startedAt === holder.startedAt && current.run === holder.run) fs.rmSync(file, { force: true });
}
