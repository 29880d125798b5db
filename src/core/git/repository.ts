import * as fs from 'node:fs';
import { userInfo } from 'node:os';
import * as path from 'node:path';
import { type Result, fail, ok, valueOf } from '../model/result';
import { execGit, git } from './git';

/** The user's working copy. All paths are absolute. */
export interface Repository {
  readonly root: string;
  /** This working copy's own git folder. */
  readonly gitFolder: string;
  /** The one that all working copies of the repository share: objects, refs, configuration. */
  readonly commonGitFolder: string;
}

/** The working copy that a folder lies in, or why there is none. */
export async function openRepository(folder: string): Promise<Result<Repository>> {
  if (!fs.existsSync(folder)) return fail('usage', `there is no folder ${folder}`);
  const real = fs.realpathSync(folder);
  const answer = await execGit(['rev-parse', '--show-toplevel', '--absolute-git-dir', '--git-common-dir'], { folder: real });
  if (!answer.ok) return explain(folder, answer);
  const [root, gitFolder, common, ...more] = answer.value.replace(/\n$/, '').split('\n');
  if (more.length > 0) return fail('usage', `${JSON.stringify(folder)} has a line break in its name, which git cannot tell apart`);
  if (!root || !gitFolder || !common)
    return fail('usage', `${folder} lies in a bare git repository`, { hint: 'deliver from a working copy of it' });
  return ok({
    root: path.resolve(root),
    gitFolder: path.resolve(gitFolder),
    commonGitFolder: fs.realpathSync(path.resolve(real, common)),
  });
}

function explain(folder: string, answer: Extract<Result<never>, { ok: false }>): Result<never> {
  const { message } = answer.failure;
  if (message.includes('not a git repository'))
    return fail('usage', `${folder} is not in a git repository`, { hint: 'git init makes one' });
  if (message.includes('must be run in a work tree'))
    return fail('usage', `${folder} lies in a bare git repository`, { hint: 'deliver from a working copy of it' });
  if (message.includes('dubious ownership'))
    return fail('machinery', message, { hint: `git config --global --add safe.directory '${folder}' trusts it` });
  return answer;
}

/** Who delivers from a repository: the name that their commits carry, else the one of their account. */
export async function deliverer(repository: Repository): Promise<string> {
  const name = valueOf(await git({ folder: repository.root }, (client) => client.getConfig('user.name')));
  return name?.value?.trim() || accountName();
}

function accountName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'somebody'; // an account without a name, as in some containers
  }
}
