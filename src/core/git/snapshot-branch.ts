import { git, gitOrUndefined, type GitCall } from './git';
import type { Repository } from './repository';
import { ownObjects } from './object-store';
import { fail, ok, type Result } from '../model/result';
import type { RepositoryHome } from '../support/home';
import type { Change } from '../model/events';
import { ownBranches } from './delivery-branches';

export interface Push {
  readonly repository: Repository;
  readonly home: RepositoryHome;
  /** The name of the remote. */
  readonly remote: string;
  /** Without `refs/heads/`; begins with `ownBranches`. */
  readonly branch: string;
}

/** A token that git may use where it has no credentials of its own: for the server of the remote alone. */
export interface GitToken {
  /** `https://host[:port]` */
  readonly host: string;
  /** What goes before the token, as its server wants it. */
  readonly user: string;
  readonly token: string;
}

/**
 * Pushes exactly what is delivered to a branch of its own. No hook of the repository runs, and nobody is asked: git's own
 * credentials first, then the token. `quietPush` is the push option that keeps the push itself from starting a run.
 */
export async function pushSnapshot(
  push: Push,
  commit: string,
  { quietPush, token }: { readonly quietPush: string | undefined; readonly token: () => Promise<GitToken | undefined> },
): Promise<Result<void>> {
  const what = `${commit}:refs/heads/${push.branch}`;
  if (quietPush === undefined) return sent(push, what, [], token);
  const pushed = await sent(push, what, ['-o', quietPush], token);
  // A mirror that knows no options starts nothing either.
  return !pushed.ok && pushed.failure.message.includes('push options') ? sent(push, what, [], token) : pushed;
}

/** Files that Git LFS keeps are pushed by a hook of its own, and no hook runs: what is new in them is not there. */
export async function lfsNotices({ repository, home }: Push, { commit, dirty }: Pick<Change, 'commit' | 'dirty'>): Promise<string[]> {
  if (!dirty) return [];
  const call = { folder: repository.root, env: ownObjects(repository, home) };
  const attributes = await gitOrUndefined(['grep', '-lF', 'filter=lfs', commit, '--', ':(glob)**/.gitattributes'], call);
  if (attributes === undefined) return [];
  return ['the repository uses Git LFS, whose files are not pushed with uncommitted changes: commit and push those that changed'];
}

/** Removes it again. It may be gone already. */
export async function removeBranch(push: Push, token: () => Promise<GitToken | undefined>): Promise<Result<void>> {
  const removed = await sent(push, `:refs/heads/${push.branch}`, [], token);
  return !removed.ok && removed.failure.message.includes('remote ref does not exist') ? ok(undefined) : removed;
}

/** Removes those that are still there, of these; what cannot be removed now is tried again the next time. */
export async function removeOldBranches(
  push: Omit<Push, 'branch'>,
  branches: readonly string[],
  token: () => Promise<GitToken | undefined>,
): Promise<void> {
  if (branches.length === 0) return;
  const call = { folder: push.repository.root };
  const listed = await git(['ls-remote', '--refs', push.remote, `refs/heads/${ownBranches}*`], call);
  const there = new Set(listed.ok ? listed.value.split('\n').map((line) => line.split('\trefs/heads/')[1]) : branches);
  for (const branch of branches) if (there.has(branch)) await removeBranch({ ...push, branch }, token);
}

async function sent(
  push: Push,
  what: string,
  options: readonly string[],
  token: () => Promise<GitToken | undefined>,
): Promise<Result<void>> {
  if (!push.branch.startsWith(ownBranches)) throw new Error(`${push.branch} is no branch of ours`);
  const env = { ...ownObjects(push.repository, push.home), GIT_TERMINAL_PROMPT: '0' };
  const { name, settings } = await untracked(push);
  // Whatever the user's settings say, nothing goes along: neither tags nor commits of submodules.
  const alone = ['--no-follow-tags', '--recurse-submodules=no'];
  const args = ['push', '--quiet', '--no-verify', ...alone, ...options, name, what];
  const call = (more: readonly Setting[]): GitCall => ({
    folder: push.repository.root,
    env: { ...env, ...inEnvironment([...settings, ...more]) },
  });
  let answer = await git(args, call([]));
  if (!answer.ok && wantsCredentials(answer.failure.message)) {
    const own = await token();
    if (own) answer = await git(args, call([asHeader(own)]));
  }
  return answer.ok ? ok(undefined) : explained(answer.failure.message, push.remote);
}

type Setting = readonly [name: string, value: string];

/**
 * The remote by another name, without what it tracks: else git would note in the repository where the branch is, and it may be at a
 * commit that only Deliver's own store has.
 */
async function untracked({ repository, remote }: Push): Promise<{ readonly name: string; readonly settings: readonly Setting[] }> {
  const name = `for-deliver-${remote}`;
  const found = await gitOrUndefined(['config', '-z', '--get-regexp', '^remote\\.'], { folder: repository.root });
  const settings = (found ?? '').split('\0').flatMap((entry): Setting[] => {
    const [, of, key] = /^remote\.(.+)\.([^.\n]+)(?:\n|$)/.exec(entry) ?? [];
    const isWanted = of === remote && ['url', 'pushurl', 'proxy', 'proxyauthmethod', 'receivepack', 'vcs'].includes(key ?? '');
    return isWanted ? [[`remote.${name}.${key}`, entry.slice(entry.indexOf('\n') + 1)]] : [];
  });
  return settings.length === 0 ? { name: remote, settings: [] } : { name, settings };
}

function asHeader({ host, user, token }: GitToken): Setting {
  return [`http.${host}/.extraheader`, `Authorization: Basic ${Buffer.from(`${user}:${token}`).toString('base64')}`];
}

/** An argument could be seen by other programs of the machine. Behind those that the user has there. */
function inEnvironment(settings: readonly Setting[]): Record<string, string> {
  const before = Number(process.env['GIT_CONFIG_COUNT'] ?? 0) || 0;
  const each = settings.flatMap(([name, value], at) => [
    [`GIT_CONFIG_KEY_${before + at}`, name],
    [`GIT_CONFIG_VALUE_${before + at}`, value],
  ]);
  return Object.fromEntries([['GIT_CONFIG_COUNT', String(before + settings.length)], ...each]) as Record<string, string>;
}

/** Of a repository that git's own credentials do not show, a server says that there is none. */
function wantsCredentials(message: string): boolean {
  return /could not read (Username|Password)|Authentication failed|terminal prompts disabled|HTTP (401|403)|error: 40[13]|repository 'https?:.*' not found/i.test(
    message,
  );
}

function explained(message: string, remote: string): Result<never> {
  const what = `the change could not be pushed to ${remote}`;
  const hint = hintFor(message, remote);
  return fail('machinery', `${what}: ${message}`, hint === undefined ? {} : { hint });
}

/** By the words of GitHub and GitLab: docs.github.com, error messages of git and of rulesets; gitlab-org/gitlab lib/gitlab/git_access.rb and checks. */
function hintFor(message: string, remote: string): string | undefined {
  if (/without [`'"]?workflows?[`'"]? (?:scope|permission)/i.test(message))
    return 'the change touches a workflow: the token that git pushes with needs the scope workflow (fine-grained: Workflows, to read and write)';
  if (/LFS objects?/i.test(message)) return `no hook runs, and so no file of Git LFS is pushed: git lfs push ${remote} HEAD does it`;
  if (/rule violations|being restricted|does not follow the pattern/i.test(message))
    return 'a rule of the repository is against it: it has to allow branches that begin with deliver/, and what is in them';
  if (
    /Permission (to .* )?denied to|Permission to .* denied|not allowed to push|error: 403|HTTP 403|protected branch|hook declined/i.test(
      message,
    )
  )
    return 'it takes permission to push branches that begin with deliver/; of a fork, name your own remote in delivery.yaml: engine: {…: {remote: …}}';
  if (wantsCredentials(message) || /publickey|Host key verification|repository not found|could not be found or you/i.test(message))
    return `git push ${remote} has to work without a question`;
  return undefined;
}
