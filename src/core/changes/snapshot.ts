import * as fs from 'node:fs';
import * as path from 'node:path';
import { randomBytes } from 'node:crypto';
import { fail, ok, type Result } from '../failure';
import type { RepositoryHome } from '../home';
import type { Change } from '../run/events';
import { git } from './git';
import type { Repository } from './repository';

/** The exact tree that is delivered. */
export interface Snapshot {
  readonly change: Change;
  /** What a person should know of it. */
  readonly notices: readonly string[];
}

/**
 * `HEAD` or the named commit; for a working tree with changes, a commit made from it through an index
 * of our own, its objects in our own store. The user's index, branch, stash and files stay untouched.
 * The same tree on the same commit gives the same snapshot.
 */
export async function takeSnapshot(
  repository: Repository,
  home: RepositoryHome,
  options: { readonly commit?: string } = {},
): Promise<Result<Snapshot>> {
  if (options.commit !== undefined) return namedCommit(repository, home, options.commit);
  const head = await readCommit(repository, home, 'HEAD');
  const tree = await treeOfWorkingCopy(repository, home);
  if (!tree.ok) return tree;
  if (head?.tree === tree.value) return ok({ change: { ...head.change, ...branchOf(repository) }, notices: [] });

  const subject = head ? `Uncommitted changes on ${head.change.commit.slice(0, 8)} ${head.change.subject}` : 'Uncommitted changes';
  const date = head?.date ?? '1970-01-01T00:00:00Z';
  const commit = await git(['commit-tree', tree.value, ...(head ? ['-p', head.change.commit] : []), '-m', subject], {
    folder: repository.root,
    env: { ...ownObjects(repository, home), ...author(date) },
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
  return ok({ change, notices: [] });
}

/** Variables that make git write objects to Deliver's store and find the repository's as well. */
export function ownObjects(repository: Repository, home: RepositoryHome): Record<string, string> {
  fs.mkdirSync(path.join(home.objects, 'info'), { recursive: true });
  return { GIT_OBJECT_DIRECTORY: home.objects, GIT_ALTERNATE_OBJECT_DIRECTORIES: path.join(repository.commonGitFolder, 'objects') };
}

async function namedCommit(repository: Repository, home: RepositoryHome, revision: string): Promise<Result<Snapshot>> {
  const commit = await readCommit(repository, home, `${revision}^{commit}`);
  if (!commit) return fail('usage', `${revision} names no commit of ${repository.root}`, { hint: 'is it misspelt, or not yet fetched?' });
  return ok({ change: { ...commit.change, dirty: commit.ours }, notices: [] });
}

interface CommitFacts {
  readonly change: Change;
  readonly tree: string;
  readonly date: string;
  /** It was made by Deliver from uncommitted changes. */
  readonly ours: boolean;
}

async function readCommit(repository: Repository, home: RepositoryHome, revision: string): Promise<CommitFacts | undefined> {
  const format = ['%H', '%T', '%cI', '%ce', '%s'].join('%x00');
  const call = { folder: repository.root, env: ownObjects(repository, home) };
  const answer = await git(['log', '-1', '--no-show-signature', `--format=${format}`, '--end-of-options', revision, '--'], call);
  if (!answer.ok) return undefined;
  const [commit = '', tree = '', date = '', email = '', ...subject] = answer.value.trimEnd().split('\0');
  return { change: { commit, tree, subject: subject.join(' '), dirty: false }, tree, date, ours: email === ownEmail };
}

/** The tree of the working copy: tracked changes and untracked files that are not ignored. */
async function treeOfWorkingCopy(repository: Repository, home: RepositoryHome): Promise<Result<string>> {
  const conflict = await firstConflict(repository);
  if (conflict !== undefined)
    return fail('usage', `${conflict} has unresolved conflicts`, { path: conflict, hint: 'resolve them, then deliver' });
  fs.mkdirSync(home.folder, { recursive: true });
  const index = path.join(home.folder, `index-${process.pid}-${randomBytes(4).toString('hex')}`);
  const call = { folder: repository.root, env: { ...ownObjects(repository, home), GIT_INDEX_FILE: index } };
  try {
    // A copy keeps what git knows of unchanged files: only changed ones are read.
    if (fs.existsSync(path.join(repository.gitFolder, 'index'))) fs.copyFileSync(path.join(repository.gitFolder, 'index'), index);
    const storage = path.join(home.folder, 'lfs');
    const added = await git(
      ['-c', 'core.splitIndex=false', '-c', 'core.safecrlf=false', '-c', `lfs.storage=${storage}`, 'add', '-A'],
      call,
    );
    if (!added.ok) return added;
    const tree = await git(['write-tree'], call);
    return tree.ok ? ok(tree.value.trim()) : tree;
  } finally {
    for (const file of [index, `${index}.lock`]) fs.rmSync(file, { force: true });
  }
}

/** Asked only in the middle of a merge, a rebase or the like. */
async function firstConflict(repository: Repository): Promise<string | undefined> {
  const states = ['MERGE_HEAD', 'CHERRY_PICK_HEAD', 'REVERT_HEAD', 'rebase-merge', 'rebase-apply', 'AUTO_MERGE'];
  if (!states.some((name) => fs.existsSync(path.join(repository.gitFolder, name)))) return undefined;
  const unmerged = await git(['diff', '--name-only', '--diff-filter=U', '-z'], { folder: repository.root });
  return unmerged.ok ? unmerged.value.split('\0')[0] || undefined : undefined;
}

function branchOf(repository: Repository): { branch?: string } {
  const head = fs.readFileSync(path.join(repository.gitFolder, 'HEAD'), 'utf8').trim();
  return head.startsWith('ref: refs/heads/') ? { branch: head.slice('ref: refs/heads/'.length) } : {};
}

const ownEmail = 'deliver@localhost';

function author(date: string): Record<string, string> {
  const [name, email] = ['Deliver', ownEmail];
  return {
    GIT_AUTHOR_NAME: name,
    GIT_AUTHOR_EMAIL: email,
    GIT_AUTHOR_DATE: date,
    GIT_COMMITTER_NAME: name,
    GIT_COMMITTER_EMAIL: email,
    GIT_COMMITTER_DATE: date,
  };
}
