import type { CommitSource } from './commit-source';
import { FolderWatch } from '../support/folder-watch';
import type { NewCommit } from './new-commits';
import { gitOperation, type Operation } from '../git/git-operation';

/** A commit that waits until git is through with something. */
export interface HeldCommit {
  readonly commit: string;
  readonly operation: Operation;
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
