import * as fs from 'node:fs';
import * as path from 'node:path';
import { randomBytes } from 'node:crypto';
import { fail, ok, type Result } from '../model/result';
import { shortCommit } from '../support/format';
import type { RepositoryHome } from '../support/home';
import type { Change } from '../model/events';
import { execGit } from './git';
import type { Repository } from './repository';
import { objectEnvironment } from './object-store';

/** The exact tree that a run delivers. */
export interface Snapshot {
  readonly change: Change;
  /** Sentences for the user, such as changes that are not part of the snapshot. */
  readonly notices: readonly string[];
}

/**
 * Returns the named commit or, by default, the working tree: `HEAD` or a commit made from uncommitted changes. A
 * private index and object store keep the user's index, branch, stash and files untouched. The same tree on the
 * same commit gives the same snapshot.
 */
export async function takeSnapshot(
  repository: Repository,
  home: RepositoryHome,
  options: { readonly commit?: string } = {},
): Promise<Result<Snapshot>> {
  if (options.commit !== undefined) return namedCommit(repository, home, options.commit);
  const [head, tree, notices] = await Promise.all([
    readCommit(repository, home, 'HEAD'),
    treeOfWorkingCopy(repository, home),
    submoduleNotices(repository),
  ]);
  if (!tree.ok) return tree;
  if (head?.tree === tree.value) return ok({ change: { ...head.change, ...branchOf(repository) }, notices });

  const subject = head ? `Uncommitted changes on ${shortCommit(head.change.commit)} ${head.change.subject}` : 'Uncommitted changes';
  const date = head?.date ?? '1970-01-01T00:00:00Z';
  const commit = await execGit(['commit-tree', tree.value, ...(head ? ['-p', head.change.commit] : []), '-m', subject], {
    folder: repository.root,
    env: { ...objectEnvironment(repository, home), ...author(date) },
  });
  if (!commit.ok) return commit;
  const change = {
    commit: commit.value.trim(),
    tree: tree.value,
    subject,
    dirty: true,
    ...branchOf(repository),
    ...(head && { base: head.change.commit }),
  };
  return ok({ change, notices });
}

async function namedCommit(repository: Repository, home: RepositoryHome, revision: string): Promise<Result<Snapshot>> {
  // git takes the rest of a revision after `:/` as text to search for.
  const commit = await readCommit(repository, home, revision.startsWith(':/') ? revision : `${revision}^{commit}`);
  if (!commit) return fail('usage', `${revision} names no commit of ${repository.root}`, { hint: 'check the spelling, or run git fetch' });
  return ok({ change: { ...commit.change, dirty: commit.isSnapshot }, notices: [] });
}

interface CommitFacts {
  readonly change: Change;
  readonly tree: string;
  readonly date: string;
  /** Deliver made it from uncommitted changes. */
  readonly isSnapshot: boolean;
}

async function readCommit(repository: Repository, home: RepositoryHome, revision: string): Promise<CommitFacts | undefined> {
  const format = ['%H', '%T', '%cI', '%ce', '%s'].join('%x00');
  const call = { folder: repository.root, env: objectEnvironment(repository, home) };
  const answer = await execGit(['log', '-1', '--no-show-signature', `--format=${format}`, '--end-of-options', revision, '--'], call);
  if (!answer.ok) return undefined;
  const [commit = '', tree = '', date = '', email = '', ...subject] = answer.value.trimEnd().split('\0');
  return { change: { commit, tree, subject: subject.join(' '), dirty: false }, tree, date, isSnapshot: email === snapshotEmail };
}

/** Writes the tree of the working copy: tracked changes and untracked files that are not ignored. */
async function treeOfWorkingCopy(repository: Repository, home: RepositoryHome): Promise<Result<string>> {
  fs.mkdirSync(home.folder, { recursive: true });
  const index = path.join(home.folder, `index-${process.pid}-${randomBytes(4).toString('hex')}`);
  const call = { folder: repository.root, env: { ...objectEnvironment(repository, home), GIT_INDEX_FILE: index } };
  try {
    // With a copy of the index, git reads only changed files.
    copyIndex(path.join(repository.gitFolder, 'index'), index);
    const [conflict, added] = await Promise.all([firstConflict(repository), execGit(addAll(repository, home), call)]);
    if (conflict !== undefined)
      return fail('usage', `${conflict} has unresolved conflicts`, { path: conflict, hint: 'resolve them, then deliver' });
    if (!added.ok) return addFailure(added);
    const tree = await execGit(['write-tree'], call);
    return tree.ok ? ok(tree.value.trim()) : tree;
  } finally {
    for (const file of [index, `${index}.lock`]) fs.rmSync(file, { force: true });
  }
}

/**
 * Copies an index with its time. git checks the content of a file that is as new as the index, because a change in
 * that second may be invisible in the file's attributes. A newer copy would hide such a change. The time is rounded
 * down because git compares seconds.
 */
function copyIndex(from: string, to: string): void {
  if (!fs.existsSync(from)) return;
  const written = Math.floor(fs.statSync(from).mtimeMs / 1000);
  fs.copyFileSync(from, to);
  fs.utimesSync(to, written, written);
}

function addAll(repository: Repository, home: RepositoryHome): string[] {
  // A slot finds the content of changed LFS files beside the objects that it borrows.
  const settings = ['core.splitIndex=false', 'core.safecrlf=false', `lfs.storage=${path.join(home.folder, 'lfs')}`];
  const isSparse = fs.existsSync(path.join(repository.gitFolder, 'info', 'sparse-checkout'));
  return [...settings.flatMap((setting) => ['-c', setting]), 'add', '-A', ...(isSparse ? ['--sparse'] : [])];
}

function addFailure(added: Extract<Result<string>, { ok: false }>): Result<never> {
  const empty = /'(.+)' does not have a commit checked out/.exec(added.failure.message)?.[1];
  if (empty === undefined) return added;
  const message = `${empty} is a nested git repository without a commit, which cannot be part of a snapshot`;
  return fail('usage', message, { path: empty, hint: 'commit in it, or add it to .gitignore' });
}

async function firstConflict(repository: Repository): Promise<string | undefined> {
  const unmerged = await execGit(['ls-files', '--unmerged', '-z'], { folder: repository.root });
  return unmerged.ok ? /\t([^\0]+)/.exec(unmerged.value)?.[1] : undefined;
}

/** Returns a notice for each submodule with uncommitted changes: submodules are delivered at their current commit. */
async function submoduleNotices(repository: Repository): Promise<string[]> {
  if (!fs.existsSync(path.join(repository.root, '.gitmodules'))) return [];
  const args = ['status', '--porcelain=2', '-z', '--no-renames', '--untracked-files=no', '--ignore-submodules=none'];
  const status = await execGit(args, { folder: repository.root });
  if (!status.ok) return [];
  return status.value.split('\0').flatMap((entry) => {
    const dirty = /^1 .. S.(?:M.|.U) (?:\S+ ){5}(.+)$/s.exec(entry)?.[1];
    return dirty === undefined ? [] : [`submodule ${dirty} has uncommitted changes, which are not delivered`];
  });
}

function branchOf(repository: Repository): { branch?: string } {
  const head = fs.readFileSync(path.join(repository.gitFolder, 'HEAD'), 'utf8').trim();
  const branch = /^ref: refs\/heads\/(.+)$/.exec(head)?.[1];
  // The file of a repository that keeps its refs in a table contains `.invalid`.
  return branch === undefined || branch === '.invalid' ? {} : { branch };
}

const snapshotEmail = 'deliver@localhost';

function author(date: string): Record<string, string> {
  const [name, email] = ['Deliver', snapshotEmail];
  return {
    GIT_AUTHOR_NAME: name,
    GIT_AUTHOR_EMAIL: email,
    GIT_AUTHOR_DATE: date,
    GIT_COMMITTER_NAME: name,
    GIT_COMMITTER_EMAIL: email,
    GIT_COMMITTER_DATE: date,
  };
}
