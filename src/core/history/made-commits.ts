import * as path from 'node:path';
import type { CommitSource } from './commit-source';
import { git } from '../git/git';
import { follow, settled, type HeadHistory, type NewCommit } from './new-commits';
import { Reflog } from '../git/reflog';
import { readHead, type Head } from '../git/refs-on-disk';
import type { Repository } from '../git/repository';

/**
 * The commits that are made in a working copy, in the editor or outside of it, as the reflog of `HEAD` tells
 * them. Where git keeps none (`core.logAllRefUpdates`), a commit that `HEAD` came to on the same branch is
 * new if whoever works here made it since: git is asked once for each.
 */
export class MadeCommits implements CommitSource {
  private readonly log: Reflog;
  private readonly began = Math.floor(Date.now() / 1000);
  private history: HeadHistory = {};
  private head: Head;

  constructor(private readonly repository: Repository) {
    this.log = new Reflog(path.join(repository.gitFolder, 'logs', 'HEAD'));
    this.history = settled(this.log.read().reduce(follow, {}));
    this.head = readHead(repository);
  }

  get file(): string {
    return this.log.file;
  }

  folders(): string[] {
    return [this.repository.gitFolder, path.dirname(this.log.file)];
  }

  async newest(isUnderWay: boolean): Promise<NewCommit | undefined> {
    if (this.log.exists) this.history = this.log.read().reduce(follow, this.history);
    else if (!isUnderWay) await this.look();
    return this.history.made;
  }

  stands({ commit }: NewCommit): boolean {
    return this.history.head === commit;
  }

  take(): void {
    this.history = settled(this.history);
  }

  private async look(): Promise<void> {
    const before = this.head;
    const head = readHead(this.repository);
    this.head = head;
    const { commit } = head;
    if (commit === undefined || commit === before.commit || head.branch !== before.branch || !(await this.isOwn(commit))) return;
    const since = this.history.made?.since ?? before.commit;
    this.history = { head: commit, made: { commit, ...(since !== undefined && { since }) } };
  }

  private async isOwn(commit: string): Promise<boolean> {
    const made = await git({ folder: this.repository.root }, async (client) => ({
      commit: await client.show(['--no-patch', '--no-show-signature', '--format=%ct %ce', commit]),
      committer: await client.raw(['var', 'GIT_COMMITTER_IDENT']),
    }));
    if (!made.ok) return false;
    const [, seconds, email] = /^(\d+) (.*)$/.exec(made.value.commit.trim()) ?? [];
    return email !== undefined && Number(seconds) >= this.began && made.value.committer.includes(`<${email}>`);
  }
}
