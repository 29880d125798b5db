import * as path from 'node:path';
import { git } from '../git/git';
import { type RefMove, Reflog, type Head, readHead, readRef, trackingRefs } from '../git/git-files';
import { valueOf } from '../model/result';
import type { Repository } from '../git/repository';

/** A commit that its author just made. */
export interface NewCommit {
  readonly commit: string;
  /** What was there before; absent: its parent. */
  readonly since?: string;
  /** The remote-tracking branch that came into being with it: all that no other has is new. */
  readonly firstOf?: string;
}

/** Where new commits are read from. What was there before it was made is not new. */
export interface CommitSource {
  /** The file that is written with each. */
  readonly file: string;
  /** The folders in which something is written with each. */
  folders(): readonly string[];
  /** The newest commit that was not taken yet. `isUnderWay`: git is in the middle of something. */
  newest(isUnderWay: boolean): Promise<NewCommit | undefined>;
  /** Whether one that had to wait until that was over is still what was meant. */
  stands(made: NewCommit): boolean;
  /** What `newest` told is seen to. */
  take(): void;
}

/** What the moves of `HEAD` have come to. */
export interface HeadHistory {
  readonly head?: string;
  /** What a rebase that goes on began on. */
  readonly onto?: string;
  /** The newest commit that was made, unless it was taken back. */
  readonly made?: NewCommit;
}

/**
 * The history after one more move. Commits, merges, picks, reverts and finished rebases make a commit; a
 * checkout, a reset, a pull or a fast-forward leads to one that was there before, perhaps somebody else's.
 */
export function follow({ onto, made }: HeadHistory, { from, to, message }: RefMove): HeadHistory {
  if (/^(commit|cherry-pick|revert|am)\b[^:]*(:|$)/.test(message) || isMerge(message)) {
    const before = /^commit \(amend\)/.test(message) ? undefined : from;
    return history(to, onto, madeOf(to, made?.commit === from ? made?.since : before));
  }
  if (/^rebase\b[^:]*\(start\):|^rebase: checkout /.test(message)) return history(to, to, made);
  if (/^rebase\b[^:]*(\(finish\)|finished)/.test(message)) {
    // With nothing put on it, it is where others had come to.
    return history(to, undefined, to === onto ? undefined : madeOf(to, onto));
  }
  const isTakenBack = /^reset:|^rebase\b.*abort/.test(message) && made?.commit !== to;
  return history(to, onto, isTakenBack ? undefined : made);
}

/** The same, with nothing to be delivered of what was made. */
export function settled({ head, onto }: HeadHistory): HeadHistory {
  return history(head, onto, undefined);
}

function history(head: string | undefined, onto: string | undefined, made: NewCommit | undefined): HeadHistory {
  return { ...(head !== undefined && { head }), ...(onto !== undefined && { onto }), ...(made && { made }) };
}

function madeOf(commit: string, since: string | undefined): NewCommit {
  return { commit, ...(since !== undefined && { since }) };
}

function isMerge(message: string): boolean {
  return message.startsWith('merge ') && !/: Fast-forward/.test(message);
}

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

/** Of a branch that was never pushed before. */
const maxFirstCommits = 500;

/**
 * Those of these folders that a commit touches: relative to the root with `/`, empty for the root, which every
 * commit touches. All where git cannot tell.
 */
export async function touchedFolders(root: string, made: NewCommit, folders: readonly string[]): Promise<string[]> {
  if (folders.every((folder) => folder === '')) return [...folders];
  const files = await changedFiles(root, made);
  return folders.filter((folder) => folder === '' || !files || files.some((file) => file.startsWith(`${folder}/`)));
}

async function changedFiles(root: string, { commit, since, firstOf }: NewCommit): Promise<string[] | undefined> {
  const options = ['--name-only', '-z', '--no-renames', '--no-ext-diff', '--no-relative'];
  const log = ['-c', 'log.showRoot=true', 'log', '--no-show-signature', '--format=', ...options];
  const others = firstOf?.replace(/^refs\/remotes\//, '');
  const between =
    since !== undefined
      ? ['diff', ...options, since, commit, '--']
      : others !== undefined && [...log, `--max-count=${maxFirstCommits}`, commit, '--not', `--exclude=${others}`, '--remotes', '--'];
  const changed = between ? valueOf(await git({ folder: root }, (client) => client.raw(between))) : undefined;
  // The first commit of all touches all of its files.
  const told =
    changed ?? valueOf(await git({ folder: root }, (client) => client.raw([...log, '-1', '-m', '--first-parent', commit, '--'])));
  return told?.split('\0').filter((file) => file !== '');
}
