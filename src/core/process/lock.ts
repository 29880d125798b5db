import * as fs from 'node:fs';
import * as path from 'node:path';
import type { ProcessIdentity } from '../model/events';
import { writeTextAtomically } from '../support/files';
import { isIdentity, readCached } from '../support/record';
import { isAlive } from './process-identity';

/** The process that holds a lock. A lock ends with its process. */
export type LockHolder = ProcessIdentity & { readonly run?: string };

export type LockAttempt = { readonly ok: true; release(): void } | { readonly ok: false; readonly holder: LockHolder };

/**
 * Takes the lock at `file`, or returns its holder. Never waits. The file is created with its content, so that no
 * reader sees it empty. The lock of a dead holder is replaced.
 */
export function tryLock(file: string, holder: LockHolder): LockAttempt {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  for (;;) {
    // A failed attempt writes nothing, or a process that watches the folder would wake itself forever.
    const current = holderOf(file);
    if (current && isAlive(current)) return { ok: false, holder: current };
    if (create(file, holder)) return { ok: true, release: () => release(file, holder) };
    removeStale(file, holder);
  }
}

/** Returns the running holder of a lock. */
export function lockHolder(file: string): LockHolder | undefined {
  const holder = holderOf(file);
  return holder && isAlive(holder) ? holder : undefined;
}

function create(file: string, holder: LockHolder): boolean {
  const draft = `${file}.${holder.pid}.${Math.random().toString(36).slice(2)}`;
  try {
    writeTextAtomically(draft, JSON.stringify(holder), { durable: false });
    fs.linkSync(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    fs.rmSync(draft, { force: true });
  }
}

/** Returns the process that a lock names, whether it runs or not. Undefined for a damaged lock. */
export function holderOf(file: string): LockHolder | undefined {
  return readCached<LockHolder>(file, isIdentity);
}

/**
 * Removes the lock of a dead holder. Two processes that find the same dead holder must not remove each other's new
 * lock: the removal has a lock of its own, and checks the holder again.
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
