import * as path from 'node:path';
import { git } from '../git/git';
import { type RefMove, Reflog, type Head, readHead, readRef, trackingRefs } from '../git/git-files';
import { valueOf } from '../model/result';
import type { Repository } from '../git/repository';

/** A commit that was just made or pushed. */
export interface NewCommit {
  readonly commit: string;
  /** The commit before it. Absent: its parent. */
  readonly since?: string | undefined;
  /** The remote-tracking branch that is new too: every commit that no other branch has is new. */
  readonly firstOf?: string;
}

/** A source of new commits. Commits from before it was constructed are not new. */
export interface CommitSource {
  /** The file that changes with each new commit. */
  readonly file: string;
  /** The folders in which files change with each new commit. */
  folders(): readonly string[];
  /** Returns the newest commit that was not acknowledged yet. */
  newest(isOperationInProgress: boolean): Promise<NewCommit | undefined>;
  /** Whether a commit from during an operation of git still counts after it. */
  isCurrent(made: NewCommit): boolean;
  /** The caller has handled the newest commit. */
  acknowledge(): void;
}

/** The result of the moves of `HEAD`. */
export interface HeadHistory {
  readonly head?: string | undefined;
  /** The base of a rebase in progress. */
  readonly onto?: string | undefined;
  /** The newest commit, unless it was undone. */
  readonly made?: NewCommit | undefined;
}

/**
 * Returns the history after one more move. Commits, merges, picks, reverts and finished rebases make a commit. A
 * checkout, a reset, a pull or a fast-forward leads to an existing one.
 */
export function applyMove({ onto, made }: HeadHistory, { from, to, message }: RefMove): HeadHistory {
  if (/^(commit|cherry-pick|revert|am)\b[^:]*(:|$)/.test(message) || isMerge(message)) {
    const before = /^commit \(amend\)/.test(message) ? undefined : from;
    return { head: to, onto, made: { commit: to, since: made?.commit === from ? made?.since : before } };
  }
  if (/^rebase\b[^:]*\(start\):|^rebase: checkout /.test(message)) return { head: to, onto: to, made };
  if (/^rebase\b[^:]*(\(finish\)|finished)/.test(message)) {
    // A rebase without commits ends at its base.
    return { head: to, onto: undefined, made: to === onto ? undefined : { commit: to, since: onto } };
  }
  const isUndone = /^reset:|^rebase\b.*abort/.test(message) && made?.commit !== to;
  return { head: to, onto, made: isUndone ? undefined : made };
}

/** Returns the history without its new commit, which the caller has handled. */
export function acknowledged({ head, onto }: HeadHistory): HeadHistory {
  return { head, onto };
}

function isMerge(message: string): boolean {
  return message.startsWith('merge ') && !/: Fast-forward/.test(message);
}

/**
 * Finds the commits that are made in a working copy, from the reflog of `HEAD`. Without a reflog
 * (`core.logAllRefUpdates`), a commit that `HEAD` moves to on the same branch is new if the current committer
 * made it since. That takes one call of git.
 */
export class MadeCommits implements CommitSource {
  private readonly log: Reflog;
  private readonly startedAt = Math.floor(Date.now() / 1000);
  private history: HeadHistory = {};
  private head: Head;

  constructor(private readonly repository: Repository) {
    this.log = new Reflog(path.join(repository.gitFolder, 'logs', 'HEAD'));
    this.history = acknowledged(this.log.read().reduce(applyMove, {}));
    this.head = readHead(repository);
  }

  get file(): string {
    return this.log.file;
  }

  folders(): string[] {
    return [this.repository.gitFolder, path.dirname(this.log.file)];
  }

  async newest(isOperationInProgress: boolean): Promise<NewCommit | undefined> {
    if (this.log.exists) this.history = this.log.read().reduce(applyMove, this.history);
    else if (!isOperationInProgress) await this.readHead();
    return this.history.made;
  }

  isCurrent({ commit }: NewCommit): boolean {
    return this.history.head === commit;
  }

  acknowledge(): void {
    this.history = acknowledged(this.history);
  }

  private async readHead(): Promise<void> {
    const before = this.head;
    const head = readHead(this.repository);
    this.head = head;
    const { commit } = head;
    if (commit === undefined || commit === before.commit || head.branch !== before.branch || !(await this.isByCurrentCommitter(commit)))
      return;
    const since = this.history.made?.since ?? before.commit;
    this.history = { head: commit, made: { commit, since } };
  }

  private async isByCurrentCommitter(commit: string): Promise<boolean> {
    const made = await git({ folder: this.repository.root }, async (client) => ({
      commit: await client.show(['--no-patch', '--no-show-signature', '--format=%ct %ce', commit]),
      committer: await client.raw(['var', 'GIT_COMMITTER_IDENT']),
    }));
    if (!made.ok) return false;
    const [, seconds, email] = /^(\d+) (.*)$/.exec(made.value.commit.trim()) ?? [];
    return email !== undefined && Number(seconds) >= this.startedAt && made.value.committer.includes(`<${email}>`);
  }
}

interface Tracked {
  readonly log: Reflog;
  /** The commit of the ref at the last read. */
  commit: string | undefined;
}

/**
 * Finds the commits of the current branch that are pushed from this repository, from the reflogs of its
 * remote-tracking branches. Without reflogs, a ref that moves to the commit of `HEAD` counts as pushed.
 */
export class PushedCommits implements CommitSource {
  private readonly startedAt = Date.now();
  private readonly tracked = new Map<string, Tracked>();
  private made: NewCommit | undefined;

  constructor(private readonly repository: Repository) {
    for (const ref of this.currentRefs()) this.track(ref);
  }

  /** The first push of a branch changes this file. Others change files in `folders`. */
  get file(): string {
    return path.join(this.repository.commonGitFolder, 'config');
  }

  folders(): string[] {
    const { gitFolder, commonGitFolder } = this.repository;
    const refs = this.currentRefs().flatMap((ref) => [path.join(commonGitFolder, ref), this.logOf(ref)]);
    return [gitFolder, commonGitFolder, ...refs.map((file) => path.dirname(file))];
  }

  async newest(): Promise<NewCommit | undefined> {
    const head = readHead(this.repository).commit;
    const current = this.currentRefs();
    for (const ref of current) {
      if (this.tracked.has(ref)) continue;
      // A new branch may have been pushed before this first read of its reflog.
      const isFresh = ({ to, at }: RefMove): boolean => to === head && at >= this.startedAt - 1000;
      this.addMoves(ref, this.track(ref).filter(isFresh));
    }
    for (const [ref, tracked] of this.tracked) {
      const { commit } = tracked;
      const moves = tracked.log.read();
      tracked.commit = readRef(this.repository.commonGitFolder, ref);
      if (!current.includes(ref)) continue;
      if (tracked.log.exists) this.addMoves(ref, moves);
      else if (tracked.commit !== commit && tracked.commit !== undefined && tracked.commit === head)
        this.addCommit(ref, tracked.commit, commit);
    }
    return this.made;
  }

  isCurrent(): boolean {
    return true;
  }

  acknowledge(): void {
    this.made = undefined;
  }

  private addMoves(ref: string, moves: readonly RefMove[]): void {
    for (const { from, to, message } of moves) if (message.startsWith('update by push')) this.addCommit(ref, to, from);
  }

  private addCommit(ref: string, commit: string, from: string | undefined): void {
    const before = from === undefined ? { firstOf: ref } : { since: from };
    this.made = { ...(this.made ?? before), commit };
  }

  private currentRefs(): string[] {
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

/** The limit for a branch that was never pushed before. */
const maxFirstCommits = 500;

/**
 * Returns the folders that a commit touches. Folders are relative to the root with `/`, or empty for the root, which
 * every commit touches. Returns all of them if git fails.
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
  // A root commit touches all of its files.
  const names =
    changed ?? valueOf(await git({ folder: root }, (client) => client.raw([...log, '-1', '-m', '--first-parent', commit, '--'])));
  return names?.split('\0').filter((file) => file !== '');
}
