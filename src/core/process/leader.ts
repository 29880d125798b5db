import * as fs from 'node:fs';
import * as path from 'node:path';
import type { ProcessIdentity } from '../model/events';
import { holderOf, tryLock } from './lock';
import { hasProcess, isAlive, currentIdentity } from './process-identity';
import { draftSuffix, writeTextAtomically } from '../support/files';
import { FolderChanges } from '../support/folder-watch';
import { Visibility } from './visibility';

export interface SharedTask {
  /** The leader holds it. The other files of the processes that share the task lie beside it. */
  readonly lock: string;
  /** Whether the window of this process is visible. */
  readonly window: Visibility;
  /** This process has a newer token or definition than the leader, which hands over to it. */
  readonly isNews: boolean;
  readonly lead: (anyWindow: Visibility, signal: AbortSignal) => Promise<void>;
}

/** A process that is killed sends no event: how often the others look for it. */
const lookMs = 1000;
/** Off Linux, the exact check of an identity starts a program. Only one look in so many makes it. */
const looksPerExactCheck = 300;

/**
 * Runs a task in one of all processes that share it, and in another one when that process ends or hands over. Resolves with the signal,
 * or when the task ends.
 */
export async function runAsLeader({ lock, window, isNews, lead }: SharedTask, signal: AbortSignal): Promise<void> {
  const peers = new Peers(lock);
  const show = (): void => peers.show(window.isVisible);
  const unlisten = window.onChange(show);
  try {
    show();
    if (isNews) peers.claim();
    while (await peers.until(() => !peers.isLed() && peers.isNext(), signal)) {
      const held = tryLock(lock, peers.own);
      if (!held.ok) continue;
      const isHandedOver = await leadUntilClaimed(peers, lead, signal).finally(() => held.release());
      if (!isHandedOver) return;
    }
  } finally {
    unlisten();
    peers.close();
  }
}

async function leadUntilClaimed(peers: Peers, lead: SharedTask['lead'], signal: AbortSignal): Promise<boolean> {
  const anyWindow = new Visibility();
  let visible: readonly string[] = [];
  const look = (): boolean => {
    const before = visible;
    visible = peers.visible();
    // The mark of a killed process lasts until a look. A window that has become visible since then is still the first.
    if (!visible.some((mark) => before.includes(mark))) anyWindow.set(false);
    anyWindow.set(visible.length > 0);
    return !peers.isNext();
  };
  look();
  const [ended, claimed] = [new AbortController(), new AbortController()];
  void peers.until(look, AbortSignal.any([signal, ended.signal])).then((isClaimed) => isClaimed && claimed.abort());
  await lead(anyWindow, AbortSignal.any([signal, claimed.signal])).finally(() => ended.abort());
  return claimed.signal.aborted;
}

/** The processes that share a lock. Each keeps a file beside it while its window is visible; another file names the newest claim. */
class Peers {
  readonly own = currentIdentity();
  private readonly folder: string;
  private readonly prefix: string;
  private readonly changes: FolderChanges;
  private looks = 0;

  constructor(private readonly lock: string) {
    this.folder = path.dirname(lock);
    this.prefix = `${path.basename(lock, '.lock')}.`;
    fs.mkdirSync(this.folder, { recursive: true });
    this.changes = new FolderChanges([this.folder], lookMs);
  }

  /** Resolves to true when the condition holds, or to false with the signal. */
  async until(condition: () => boolean, signal: AbortSignal): Promise<boolean> {
    for (; !signal.aborted; this.looks++) {
      if (condition()) return true;
      await this.changes.next(signal);
    }
    return false;
  }

  isLed(): boolean {
    return this.isRunning(holderOf(this.lock));
  }

  /** Reserves the lead for this process, until another one claims it or this one ends. The file stays: a newer claim may be in it. */
  claim(): void {
    writeTextAtomically(this.file('next'), JSON.stringify(this.own), { durable: false });
  }

  isNext(): boolean {
    const next = holderOf(this.file('next'));
    return next?.pid === this.own.pid || !this.isRunning(next);
  }

  show(isVisible: boolean): void {
    const mark = this.file(`visible-${this.own.pid}`);
    if (isVisible) writeTextAtomically(mark, JSON.stringify(this.own), { durable: false });
    else fs.rmSync(mark, { force: true });
  }

  /** Returns the marks of all visible windows. */
  visible(): string[] {
    const names = fs.existsSync(this.folder) ? fs.readdirSync(this.folder) : [];
    return names.filter(
      (name) => name.startsWith(`${this.prefix}visible-`) && !name.endsWith(draftSuffix) && this.isVisible(path.join(this.folder, name)),
    );
  }

  close(): void {
    this.changes.close();
    this.show(false);
  }

  private isVisible(mark: string): boolean {
    const owner = holderOf(mark);
    const isRunning = this.isRunning(owner);
    if (owner && !isRunning) fs.rmSync(mark, { force: true });
    return isRunning;
  }

  private isRunning(identity: ProcessIdentity | undefined): boolean {
    if (!identity) return false;
    const isExact = process.platform === 'linux' || this.looks % looksPerExactCheck === 0;
    return isExact ? isAlive(identity) : hasProcess(identity.pid);
  }

  private file(name: string): string {
    return path.join(this.folder, this.prefix + name);
  }
}
