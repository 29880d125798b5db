import * as fs from 'node:fs';
import * as path from 'node:path';
import { fileNames, removeFolder, writeTextAtomically } from '../support/files';
import type { Repository } from '../git/repository';
import type { Snapshot } from '../git/snapshot';
import { ok, type Result } from '../model/result';
import { repositoryName, type RepositoryHome } from '../support/home';
import { checkOut, type Checkout } from '../git/checkout';
import { tryLock } from '../process/lock';
import { currentIdentity } from '../process/process-identity';
import { readRecorded, readSlotUse, runIds, type SlotUse, slotUseName } from '../history/runs';
import { checkOutRest } from '../git/submodules';
import { tidyObjects } from '../git/object-store';
import { tidyArchives } from './cache';

/** A checkout of a snapshot, held by one run until it is released. */
export interface Slot {
  /** The checkout of the repository. */
  readonly root: string;
  /** The folder, beside the checkout, with the fingerprints of the steps that passed in it. */
  readonly fingerprints: string;
  /** The run that used the slot before. */
  readonly previousRun?: string;
  readonly notices: readonly string[];
  release(): void;
}

/** The number of free slots that stay warm for the next runs. */
const keptSlots = 4;

/**
 * The checkouts of a repository that runs execute in. They lie outside the repository and keep their ignored files between
 * runs. A slot that is live in an environment is neither reused nor removed.
 */
export class SlotPool {
  constructor(
    private readonly home: RepositoryHome,
    private readonly repository: Repository,
    /** Returns the checkouts that are live now, as absolute folders. */
    private readonly live: () => ReadonlySet<string>,
  ) {}

  /**
   * Returns a slot with exactly the snapshot, preferably the slot that the service used last. A clean slot has no files of
   * earlier runs.
   */
  async acquire(snapshot: Snapshot, service: string, run: string, isClean = false): Promise<Result<Slot>> {
    for (const number of this.inOrder(service)) {
      const lock = tryLock(this.lockFile(number), { ...currentIdentity(), run });
      if (!lock.ok) continue;
      let slot: Result<Slot> | undefined;
      try {
        // The slot may have become live before it was locked.
        if (this.isLive(number)) continue;
        if (isClean && fs.existsSync(this.folder(number))) await this.remove(this.folder(number));
        slot = await this.prepare(number, snapshot, service, run, () => lock.release());
        return slot;
      } finally {
        if (!slot?.ok) lock.release();
      }
    }
    throw new Error('there is always one more slot');
  }

  /** Removes surplus free slots, least recently used first, and completes removals that a crash interrupted. */
  async tidy(): Promise<void> {
    for (const name of fileNames(this.home.slots)) {
      if (name.endsWith('.removed')) await removeFolder(path.join(this.home.slots, name));
    }
    await this.tidyFormerPlace();
    const oldestFirst = this.free().sort((a, b) => (this.usedAt(a) < this.usedAt(b) ? -1 : 1));
    for (const number of oldestFirst.slice(0, Math.max(0, oldestFirst.length - keptSlots))) {
      const lock = tryLock(this.lockFile(number), currentIdentity());
      if (!lock.ok) continue;
      try {
        if (!this.isLive(number)) await this.remove(this.folder(number));
      } finally {
        lock.release();
      }
    }
  }

  /** Removes the slots that an earlier version left in another place, once nothing runs from them. */
  private async tidyFormerPlace(): Promise<void> {
    const former = path.join(this.home.folder, 'slots');
    if (former === this.home.slots) return;
    for (const name of fileNames(former)) {
      const folder = path.join(former, name);
      const lock = tryLock(path.join(this.home.locks, `slot-${name}.lock`), currentIdentity());
      if (!lock.ok) continue;
      try {
        if (![...this.live()].some((live) => live.startsWith(folder + path.sep))) await removeFolder(folder);
      } finally {
        lock.release();
      }
    }
  }

  /** Returns the time of last use of the least recently used slot. */
  oldestUse(): Date {
    return new Date(Math.min(Date.now(), ...this.numbers().map((number) => Date.parse(this.usedAt(number)) || Date.now())));
  }

  private async prepare(
    number: number,
    { change, notices }: Snapshot,
    service: string,
    run: string,
    release: () => void,
  ): Promise<Result<Slot>> {
    const root = this.root(number);
    const previous = this.lastUse(number);
    // An incomplete checkout must not be resumed.
    fs.rmSync(this.useFile(number), { force: true });
    const made = await this.fill(number, change.commit);
    if (!made.ok) return made;
    const more = await checkOutRest(made.value, this.repository, this.home);
    const use: SlotUse = { service, run, at: new Date().toISOString() };
    writeTextAtomically(this.useFile(number), JSON.stringify(use), { durable: false });
    return ok({
      root,
      fingerprints: path.join(this.folder(number), 'fingerprints', service),
      ...(previous && { previousRun: previous.run }),
      notices: [...notices, ...more],
      release,
    });
  }

  private async fill(number: number, commit: string): Promise<Result<Checkout>> {
    const root = this.root(number);
    const first = await checkOut(root, commit, this.repository, this.home);
    if (first.ok || !fs.existsSync(root)) return first;
    // An earlier run may have damaged the checkout: retry from scratch.
    await this.remove(this.folder(number));
    return checkOut(root, commit, this.repository, this.home);
  }

  /** Renames the folder first, so that a partly deleted folder is never taken for a slot. */
  private async remove(folder: string): Promise<void> {
    const doomed = `${folder}.${process.pid}-${Date.now()}.removed`;
    fs.renameSync(folder, doomed);
    await removeFolder(doomed);
  }

  /** Returns the service's warm slots first, then other free slots, then new ones. */
  private inOrder(service: string): number[] {
    const rank = (number: number): string => `${this.lastUse(number)?.service === service ? 1 : 0}${this.usedAt(number)}`;
    const next = Math.max(0, ...this.numbers()) + 1;
    return [...this.free().sort((a, b) => (rank(a) > rank(b) ? -1 : 1)), ...Array.from({ length: 1_000 }, (_, i) => next + i)];
  }

  private free(): number[] {
    const live = this.live();
    return this.numbers().filter((number) => !this.isLive(number, live));
  }

  private isLive(number: number, live = this.live()): boolean {
    return [...live].some((folder) => folder.startsWith(this.folder(number) + path.sep));
  }

  private numbers(): number[] {
    return fileNames(this.home.slots)
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  }

  private lastUse(number: number): SlotUse | undefined {
    return readSlotUse(this.useFile(number));
  }

  private usedAt(number: number): string {
    return this.lastUse(number)?.at ?? '';
  }

  private folder(number: number): string {
    return path.join(this.home.slots, String(number));
  }

  /** The checkout has the repository's name, because some tools use the folder's name as the project's. */
  private root(number: number): string {
    return path.join(this.folder(number), repositoryName(this.repository.commonGitFolder) || 'repository');
  }

  private useFile(number: number): string {
    return path.join(this.folder(number), slotUseName);
  }

  /** The lock lies outside the slot's folder, which may be renamed. */
  private lockFile(number: number): string {
    return path.join(this.home.locks, `slot-${number}.lock`);
  }
}

/** The number of runs that a repository keeps, with their logs. */
export const keptRuns = 200;
const dayMs = 86_400_000;

/** Keeps the disk space that a repository's runs use within bounds. */
export async function tidyRuns(home: RepositoryHome, pool: SlotPool): Promise<void> {
  const runs = runIds(home);
  for (const run of runs.slice(keptRuns)) fs.rmSync(home.run(run), { recursive: true, force: true });
  tidyArchives(home.cache);
  await pool.tidy();
  const oldest = runs.slice(0, keptRuns).at(-1);
  const begun = Date.parse((oldest !== undefined && readRecorded(home.run(oldest))?.startedAt) || '') || Date.now();
  // A snapshot is older than its run, which may have been queued.
  tidyObjects(home, new Date(Math.min(begun, pool.oldestUse().getTime()) - dayMs));
}
