import * as fs from 'node:fs';
import * as path from 'node:path';
import { gitOperation, type GitOperation } from '../git/git-files';
import { FolderWatch } from '../support/folder-watch';
import type { RepositoryHome } from '../support/home';
import type { CommitSource, NewCommit } from './new-commits';

/** A commit that waits until git is through with something. */
export interface HeldCommit {
  readonly commit: string;
  readonly operation: GitOperation;
}

export interface CommitListener {
  found(made: NewCommit): void;
  held(held: HeldCommit | undefined): void;
}

/** What is written at once is looked at once. */
const settleMs = 30;
/** How often an operation that is waited for is looked at where the file system does not tell. */
const lookMs = 5_000;

/**
 * Tells of every commit of a source as it comes, but never in the middle of a rebase, a merge and the like:
 * then once it is over, and only if the commit is still there. Watches files; nothing happens, nothing runs.
 */
export class CommitWatch {
  private readonly watch = new FolderWatch(() => this.lookSoon());
  private timer: NodeJS.Timeout | undefined;
  private later: NodeJS.Timeout | undefined;
  private waiting: HeldCommit | undefined;
  private isLooking = false;
  private isClosed = false;

  constructor(
    private readonly gitFolder: string,
    private readonly source: CommitSource,
    private readonly listener: CommitListener,
  ) {
    this.watch.folders([gitFolder, ...source.folders()]);
    this.watch.file(source.file);
  }

  dispose(): void {
    this.isClosed = true;
    clearTimeout(this.timer);
    clearTimeout(this.later);
    this.watch.dispose();
  }

  private lookSoon(): void {
    if (this.timer || this.isClosed) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      void this.look();
    }, settleMs);
  }

  private async look(): Promise<void> {
    if (this.isLooking) return this.lookSoon();
    this.isLooking = true;
    try {
      // Asked first: one that ends meanwhile tells by another change, a commit in its middle would be taken for one.
      const operation = gitOperation(this.gitFolder);
      const made = await this.source.newest(operation !== undefined);
      if (this.isClosed) return;
      this.watch.folders([this.gitFolder, ...this.source.folders()]);
      if (made && operation) return this.hold({ commit: made.commit, operation });
      const hasWaited = this.waiting !== undefined;
      this.hold(undefined);
      if (!made) return;
      this.source.take();
      if (!hasWaited || this.source.stands(made)) this.listener.found(made);
    } finally {
      this.isLooking = false;
    }
  }

  private hold(held: HeldCommit | undefined): void {
    clearTimeout(this.later);
    if (held) this.later = setTimeout(() => this.lookSoon(), lookMs).unref();
    if (held?.commit === this.waiting?.commit && held?.operation === this.waiting?.operation) return;
    this.waiting = held;
    this.listener.held(held);
  }
}

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
