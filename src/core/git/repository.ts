import * as fs from 'node:fs';
import { userInfo } from 'node:os';
import * as path from 'node:path';
import { type Result, fail, ok, valueOf } from '../model/result';
import { execGit, git, type GitCall } from './git';

/** A working copy. All paths are absolute. */
export interface Repository {
  readonly root: string;
  /** This working copy's own git folder. */
  readonly gitFolder: string;
  /** The git folder that all working copies of the repository share: objects, refs, configuration. */
  readonly commonGitFolder: string;
}

/**
 * Returns the call for a command that reads only the git folder, such as a submodule's below `.git/modules`. With an explicit
 * `GIT_DIR`, git checks neither the owner nor `safe.bareRepository`: `openRepository` did so for the working copy.
 */
export function inGitFolder({ gitFolder }: Repository): GitCall {
  return { folder: gitFolder, env: { GIT_DIR: gitFolder } };
}

/** Returns the working copy that contains a folder. */
export async function openRepository(folder: string): Promise<Result<Repository>> {
  if (!fs.existsSync(folder)) return fail('usage', `the folder ${folder} does not exist`);
  const real = fs.realpathSync(folder);
  const answer = await execGit(['rev-parse', '--show-toplevel', '--absolute-git-dir', '--git-common-dir'], { folder: real });
  if (!answer.ok) return explain(folder, answer);
  const [root, gitFolder, common, ...more] = answer.value.replace(/\n$/, '').split('\n');
  if (more.length > 0) return fail('usage', `the path ${JSON.stringify(folder)} contains a line break, which is not supported`);
  if (!root || !gitFolder || !common) return bareRepository(folder);
  return ok({
    root: path.resolve(root),
    gitFolder: path.resolve(gitFolder),
    commonGitFolder: fs.realpathSync(path.resolve(real, common)),
  });
}

/** Returns the working copy whose root is a folder, or undefined if the folder only lies in one, as with an empty `.git`. */
export async function openRoot(folder: string): Promise<Repository | undefined> {
  if (!fs.existsSync(path.join(folder, '.git'))) return undefined;
  const repository = valueOf(await openRepository(folder));
  return repository?.root === fs.realpathSync(folder) ? repository : undefined;
}

function explain(folder: string, answer: Extract<Result<never>, { ok: false }>): Result<never> {
  const { message } = answer.failure;
  if (message.includes('not a git repository'))
    return fail('usage', `${folder} is not in a git repository`, { hint: 'git init creates one' });
  if (message.includes('must be run in a work tree')) return bareRepository(folder);
  if (message.includes('dubious ownership'))
    return fail('machinery', message, { hint: `git config --global --add safe.directory '${folder}' marks it as safe` });
  return answer;
}

function bareRepository(folder: string): Result<never> {
  return fail('usage', `${folder} is in a bare git repository`, { hint: 'deliver from a working copy of it' });
}

/** Returns the name for the journal: `user.name` of git, or the name of the account. */
export async function deliverer(repository: Pick<Repository, 'root'>): Promise<string> {
  const name = valueOf(await git({ folder: repository.root }, (client) => client.getConfig('user.name')));
  return name?.value?.trim() || accountName();
}

function accountName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'somebody'; // in some containers the account has no name
  }
}
