import * as fs from 'node:fs';
import * as path from 'node:path';
import { gitOperation, type GitOperation } from '../git/git-files';
import { FolderWatch } from '../support/folder-watch';
import type { RepositoryHome } from '../support/home';
import type { CommitSource, NewCommit } from './new-commits';

/** A commit that waits for the end of an operation of git. */
export interface HeldCommit {
  readonly commit: string;
  readonly operation: GitOperation;
}

export interface CommitListener {
  found(made: NewCommit): void;
  held(held: HeldCommit | undefined): void;
}

/** git writes several files for a commit. */
const debounceMs = 30;
/** Not every file system reports changes. */
const pollIntervalMs = 5_000;

/**
 * Reports every commit of a source, but never during an operation such as a rebase: then it waits for the end and
 * reports the commit if it still exists. Watches files and runs nothing until they change.
 */
export class CommitWatch {
  private readonly watch = new FolderWatch(() => this.checkSoon());
  private timer: NodeJS.Timeout | undefined;
  private pollTimer: NodeJS.Timeout | undefined;
  private waiting: HeldCommit | undefined;
  private isChecking = false;
  private isDisposed = false;

  constructor(
    private readonly gitFolder: string,
    private readonly source: CommitSource,
    private readonly listener: CommitListener,
  ) {
    this.watch.folders([gitFolder, ...source.folders()]);
    this.watch.file(source.file);
  }

  dispose(): void {
    this.isDisposed = true;
    clearTimeout(this.timer);
    clearTimeout(this.pollTimer);
    this.watch.dispose();
  }

  private checkSoon(): void {
    if (this.timer || this.isDisposed) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      void this.check();
    }, debounceMs);
  }

  private async check(): Promise<void> {
    if (this.isChecking) return this.checkSoon();
    this.isChecking = true;
    try {
      // The operation is read first: its end causes another check, but a commit during it must not be reported.
      const operation = gitOperation(this.gitFolder);
      const made = await this.source.newest(operation !== undefined);
      if (this.isDisposed) return;
      this.watch.folders([this.gitFolder, ...this.source.folders()]);
      if (made && operation) return this.hold({ commit: made.commit, operation });
      const hasWaited = this.waiting !== undefined;
      this.hold(undefined);
      if (!made) return;
      this.source.acknowledge();
      if (!hasWaited || this.source.isCurrent(made)) this.listener.found(made);
    } finally {
      this.isChecking = false;
    }
  }

  private hold(held: HeldCommit | undefined): void {
    clearTimeout(this.pollTimer);
    if (held) this.pollTimer = setTimeout(() => this.checkSoon(), pollIntervalMs).unref();
    if (held?.commit === this.waiting?.commit && held?.operation === this.waiting?.operation) return;
    this.waiting = held;
    this.listener.held(held);
  }
}

const claimTtlMs = 7 * 86_400_000;

/**
 * Claims the automatic delivery of a commit of a service. Returns true for the first window, and false for all
 * others. Claims expire when no window can still ask for them.
 */
export function claimCommit(home: RepositoryHome, service: string, commit: string): boolean {
  fs.mkdirSync(home.claims, { recursive: true });
  removeExpired(home.claims);
  try {
    fs.writeFileSync(path.join(home.claims, `${service.replace(/[^\w.-]/g, '_')}-${commit}`), '', { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function removeExpired(folder: string): void {
  for (const name of fs.readdirSync(folder)) {
    const file = path.join(folder, name);
    const stat = fs.statSync(file, { throwIfNoEntry: false });
    if (stat && Date.now() - stat.mtimeMs > claimTtlMs) fs.rmSync(file, { force: true });
  }
}
