import * as path from 'node:path';
import type { CommitSource } from './commit-source';
import type { NewCommit } from './new-commits';
import { Reflog, type RefMove } from '../git/reflog';
import { readHead, readRef, trackingRefs } from '../git/refs-on-disk';
import type { Repository } from '../git/repository';

interface Tracked {
  readonly log: Reflog;
  /** Where the ref stood at the last look. */
  commit: string | undefined;
}

/**
 * The commits of the current branch that are pushed from this repository, as the reflogs of its
 * remote-tracking branches tell them. Where git keeps none, a ref that comes to the commit of `HEAD` tells.
 */
export class PushedCommits implements CommitSource {
  private readonly began = Date.now();
  private readonly tracked = new Map<string, Tracked>();
  private made: NewCommit | undefined;

  constructor(private readonly repository: Repository) {
    for (const ref of this.current()) this.track(ref);
  }

  /** Written by a push that is the first of its branch; the others write in `folders`. */
  get file(): string {
    return path.join(this.repository.commonGitFolder, 'config');
  }

  folders(): string[] {
    const { gitFolder, commonGitFolder } = this.repository;
    const refs = this.current().flatMap((ref) => [path.join(commonGitFolder, ref), this.logOf(ref)]);
    return [gitFolder, commonGitFolder, ...refs.map((file) => path.dirname(file))];
  }

  async newest(): Promise<NewCommit | undefined> {
    const head = readHead(this.repository).commit;
    const current = this.current();
    for (const ref of current) {
      if (this.tracked.has(ref)) continue;
      // A branch that was just made may have been pushed before this look at it.
      const isFresh = ({ to, at }: RefMove): boolean => to === head && at >= this.began - 1000;
      this.note(ref, this.track(ref).filter(isFresh));
    }
    for (const [ref, tracked] of this.tracked) {
      const { commit } = tracked;
      const moves = tracked.log.read();
      tracked.commit = readRef(this.repository.commonGitFolder, ref);
      if (!current.includes(ref)) continue;
      if (tracked.log.exists) this.note(ref, moves);
      else if (tracked.commit !== commit && tracked.commit !== undefined && tracked.commit === head)
        this.noteMade(ref, tracked.commit, commit);
    }
    return this.made;
  }

  stands(): boolean {
    return true;
  }

  take(): void {
    this.made = undefined;
  }

  private note(ref: string, moves: readonly RefMove[]): void {
    for (const { from, to, message } of moves) if (message.startsWith('update by push')) this.noteMade(ref, to, from);
  }

  private noteMade(ref: string, commit: string, from: string | undefined): void {
    const before = from === undefined ? { firstOf: ref } : { since: from };
    this.made = { ...(this.made ?? before), commit };
  }

  private current(): string[] {
    const { branch } = readHead(this.repository);
    return branch === undefined ? [] : trackingRefs(this.repository, branch);
  }

  private track(ref: string): RefMove[] {
    const tracked = { log: new Reflog(this.logOf(ref)), commit: readRef(this.repository.commonGitFolder, ref) };
    this.tracked.set(ref, tracked);
    return tracked.log.read();
  }

  private logOf(ref: string): string {
    return path.join(this.repository.commonGitFolder, 'logs', ref);
  }
}
