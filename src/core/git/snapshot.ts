import * as fs from 'node:fs';
import * as path from 'node:path';
import { createHash, randomBytes } from 'node:crypto';
import { fail, ok, type Result, valueOf } from '../model/result';
import { shortCommit } from '../support/format';
import type { RepositoryHome } from '../support/home';
import type { Change } from '../model/events';
import { execGit, type GitCall } from './git';
import { openRoot, type Repository } from './repository';
import { submoduleNames } from './submodules';
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
  const [head, written, ofSubmodules] = await Promise.all([
    readCommit(repository, home, 'HEAD'),
    treeOfWorkingCopy(repository, home),
    submoduleNotices(repository),
  ]);
  if (!written.ok) return written;
  const { tree } = written.value;
  const notices = [...written.value.notices, ...ofSubmodules];
  if (head?.tree === tree) return ok({ change: { ...head.change, ...branchOf(repository) }, notices });

  const subject = head ? `Uncommitted changes on ${shortCommit(head.change.commit)} ${head.change.subject}` : 'Uncommitted changes';
  const date = head?.date ?? '1970-01-01T00:00:00Z';
  const commit = await execGit(['commit-tree', tree, ...(head ? ['-p', head.change.commit] : []), '-m', subject], {
    folder: repository.root,
    env: { ...objectEnvironment(repository, home), ...author(date) },
  });
  if (!commit.ok) return commit;
  const change = {
    commit: commit.value.trim(),
    tree,
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

/**
 * Writes the tree of the working copy: tracked changes, untracked files that are not ignored, and nested repositories that are
 * no submodules. Returns notices about files that differ from the working copy.
 */
async function treeOfWorkingCopy(
  repository: Repository,
  home: RepositoryHome,
): Promise<Result<{ readonly tree: string; readonly notices: readonly string[] }>> {
  fs.mkdirSync(home.folder, { recursive: true });
  const index = path.join(home.folder, `index-${process.pid}-${randomBytes(4).toString('hex')}`);
  const call = { folder: repository.root, env: { ...objectEnvironment(repository, home), GIT_INDEX_FILE: index } };
  let warnings = '';
  const onWarnings = (stderr: string): void => void (warnings = stderr);
  try {
    // With a copy of the index, git reads only changed files.
    copyIndex(path.join(repository.gitFolder, 'index'), index);
    const [{ conflict, repositories, hidden }, added] = await Promise.all([
      readIndex(repository),
      execGit(addAll(repository, home), { ...call, onWarnings }),
    ]);
    if (conflict !== undefined)
      return fail('usage', `${conflict} has unresolved conflicts`, { path: conflict, hint: 'resolve them, then deliver' });
    if (!added.ok) return addFailure(added);
    const embedded = [...warnings.matchAll(/^warning: adding embedded git repository: (.+)$/gm)].map(([, name = '']) => name);
    const nested = await addNestedRepositories([...repositories, ...embedded], repository, home, call);
    if (!nested.ok) return nested;
    const tree = await execGit(['write-tree'], call);
    if (!tree.ok) return tree;
    return ok({ tree: tree.value.trim(), notices: [...nested.value, ...(await hiddenNotices(hidden, repository))] });
  } finally {
    for (const file of [index, `${index}.lock`]) fs.rmSync(file, { force: true });
  }
}

interface HiddenFile {
  readonly path: string;
  readonly mode: string;
  readonly id: string;
  readonly flag: 'skip-worktree' | 'assume-unchanged';
}

interface IndexFacts {
  readonly conflict?: string;
  /** The submodules and nested repositories. */
  readonly repositories: readonly string[];
  /** The files whose changes git does not look for. */
  readonly hidden: readonly HiddenFile[];
}

async function readIndex(repository: Repository): Promise<IndexFacts> {
  const listed = valueOf(await execGit(['ls-files', '--stage', '-v', '-z'], { folder: repository.root })) ?? '';
  const isSparse = usesSparseCheckout(repository);
  const hidden: HiddenFile[] = [];
  // Nearly all entries are plain, so the rest is searched instead of parsing each.
  for (const [, tag = '', mode = '', id = '', name = ''] of listed.matchAll(/(?<=^|\0)([a-zS]) (\d+) (\S+) 0\t([^\0]+)/g)) {
    const flag = tag.toUpperCase() === 'S' ? 'skip-worktree' : 'assume-unchanged';
    if (flag === 'assume-unchanged' || !isSparse) hidden.push({ path: name, mode, id, flag });
  }
  return {
    conflict: /(?<=^|\0)\w \d+ \S+ [1-3]\t([^\0]+)/.exec(listed)?.[1],
    repositories: [...listed.matchAll(/(?<=^|\0)\w 160000 \S+ 0\t([^\0]+)/g)].map(([, name = '']) => name),
    hidden,
  };
}

/** Puts the working copies of nested repositories that .gitmodules does not list into the index. Returns a notice for each. */
async function addNestedRepositories(
  all: readonly string[],
  repository: Repository,
  home: RepositoryHome,
  call: GitCall,
): Promise<Result<readonly string[]>> {
  if (all.length === 0) return ok([]);
  const submodules = await submoduleNames(repository.root);
  const notices: string[] = [];
  for (const name of [...new Set(all)].map((each) => each.replace(/\/$/, ''))) {
    const opened = submodules.has(name) ? undefined : await openRoot(path.join(repository.root, name));
    if (!opened) continue;
    const snapshot = await takeSnapshot(opened, home);
    if (!snapshot.ok) return snapshot;
    const put = await execGit(['update-index', '--add', '--cacheinfo', `160000,${snapshot.value.change.commit},${name}`], call);
    if (!put.ok) return put;
    const { change, notices: inner } = snapshot.value;
    if (change.dirty) notices.push(`${name} is a git repository that .gitmodules does not list: its uncommitted changes are delivered too`);
    notices.push(...inner.map((notice) => `${name}: ${notice}`));
  }
  return ok(notices);
}

const maxNamed = 10;

/** Returns a notice for each flag that hides changes of the working copy from git. */
async function hiddenNotices(hidden: readonly HiddenFile[], repository: Repository): Promise<string[]> {
  const present = hidden.filter(({ path: name }) => statOf(path.join(repository.root, name))?.isFile());
  const input = present.map(({ path: name }) => `${quoted(name)}\n`).join('');
  const hashed = present.length === 0 ? '' : valueOf(await execGit(['hash-object', '--stdin-paths'], { folder: repository.root, input }));
  const ids = hashed?.split('\n');
  const isChanged = (file: HiddenFile): boolean => {
    const at = present.indexOf(file);
    if (at >= 0) return ids?.[at] !== file.id;
    const link = path.join(repository.root, file.path);
    return file.mode !== '120000' || !statOf(link)?.isSymbolicLink() || blobId(fs.readlinkSync(link), file.id) !== file.id;
  };
  const changed = hidden.filter(isChanged);
  return (['skip-worktree', 'assume-unchanged'] as const).flatMap((flag) => {
    const names = changed.filter((file) => file.flag === flag).map((file) => file.path);
    if (names.length === 0) return [];
    const more = names.length > maxNamed ? ` and ${names.length - maxNamed} more` : '';
    const shown = `${names.slice(0, maxNamed).join(', ')}${more}`;
    return [`not delivered: the changes of ${shown}, which git ignores (${flag}). git update-index --no-${flag} FILE ends that.`];
  });
}

/** Returns a path as git reads it from a list: quoted if it contains a line break. */
function quoted(name: string): string {
  return /^"|\n/.test(name) ? `"${name.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n')}"` : name;
}

/** Returns the id that git gives to a text, with the hash function of `like`. */
function blobId(text: string, like: string): string {
  const hash = createHash(like.length === 40 ? 'sha1' : 'sha256');
  return hash.update(`blob ${Buffer.byteLength(text)}\0${text}`).digest('hex');
}

function statOf(file: string): fs.Stats | undefined {
  return fs.lstatSync(file, { throwIfNoEntry: false });
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
  return [...settings.flatMap((setting) => ['-c', setting]), 'add', '-A', ...(usesSparseCheckout(repository) ? ['--sparse'] : [])];
}

function usesSparseCheckout({ gitFolder }: Repository): boolean {
  return fs.existsSync(path.join(gitFolder, 'info', 'sparse-checkout'));
}

function addFailure(added: Extract<Result<string>, { ok: false }>): Result<never> {
  const empty = /'(.+)' does not have a commit checked out/.exec(added.failure.message)?.[1];
  if (empty === undefined) return added;
  const message = `${empty} is a nested git repository without a commit, which cannot be part of a snapshot`;
  return fail('usage', message, { path: empty, hint: 'commit in it, or add it to .gitignore' });
}

/** Returns a notice for each submodule with uncommitted changes: submodules are delivered at their current commit. */
async function submoduleNotices(repository: Repository): Promise<string[]> {
  const submodules = await submoduleNames(repository.root);
  if (submodules.size === 0) return [];
  const args = ['status', '--porcelain=2', '-z', '--no-renames', '--untracked-files=no', '--ignore-submodules=none'];
  const status = await execGit(args, { folder: repository.root });
  if (!status.ok) return [];
  return status.value.split('\0').flatMap((entry) => {
    const dirty = /^1 .. S.(?:M.|.U) (?:\S+ ){5}(.+)$/s.exec(entry)?.[1];
    return dirty === undefined || !submodules.has(dirty) ? [] : [`submodule ${dirty} has uncommitted changes, which are not delivered`];
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
