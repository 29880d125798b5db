import type { Change } from '../model/events';
import { type Result, fail, ok, valueOf } from '../model/result';
import type { RepositoryHome } from '../support/home';
import { type ClientCall, git } from './git';
import { objectEnvironment } from './object-store';
import type { Repository } from './repository';

/** The prefix of the branches that Deliver pushes. No branch of a person begins with it. */
export const branchPrefix = 'deliver/';

/** Returns the branch that a run pushes. */
export function snapshotBranch(service: string, run: string): string {
  return `${branchPrefix}${service}-${run}`;
}

/** Whether a branch is a snapshot branch of this service. The name of another service may begin with the same letters. */
export function isSnapshotBranchOf(service: string, branch: string): boolean {
  const prefix = snapshotBranch(service, '');
  return branch.startsWith(prefix) && /^\d+T\d+-[0-9a-f]+$/.test(branch.slice(prefix.length));
}

export interface Push {
  readonly repository: Repository;
  readonly home: RepositoryHome;
  /** The name of the remote. */
  readonly remote: string;
  /** Without `refs/heads/`. Begins with `branchPrefix`. */
  readonly branch: string;
}

/** A token for the server of the remote alone, used if git has no credentials. */
export interface GitToken {
  /** `https://host[:port]` */
  readonly host: string;
  /** The user name that the server expects with a token. */
  readonly user: string;
  readonly token: string;
}

type TokenSource = () => Promise<GitToken | undefined>;

export interface PushOptions {
  /** The push option that keeps the push itself from starting a pipeline, if the CI service needs one. */
  readonly quietPush: string | undefined;
  readonly token: TokenSource;
  readonly signal?: AbortSignal;
}

/** A quiet push prints nothing while it sends objects. */
const pushTimeoutMs = 60 * 60_000;

/**
 * Pushes a snapshot to its branch. No hook of the repository runs and nothing prompts: git's own credentials are
 * tried first, then the token.
 */
export async function pushSnapshot(push: Push, commit: string, { quietPush, token, signal }: PushOptions): Promise<Result<void>> {
  const refspec = `${commit}:refs/heads/${push.branch}`;
  const call = { token, signal, timeoutMs: pushTimeoutMs };
  if (quietPush === undefined) return runPush(push, [], refspec, call);
  const pushed = await runPush(push, ['-o', quietPush], refspec, call);
  // A mirror that supports no push options starts no pipeline either.
  return !pushed.ok && pushed.failure.message.includes('push options') ? runPush(push, [], refspec, call) : pushed;
}

/** Returns a notice if files of Git LFS may be missing: a hook would push them, and no hook runs. */
export async function lfsNotices({ repository, home }: Push, { commit, dirty }: Pick<Change, 'commit' | 'dirty'>): Promise<string[]> {
  if (!dirty) return [];
  const call = { folder: repository.root, env: objectEnvironment(repository, home) };
  const search = ['grep', '-lF', 'filter=lfs', commit, '--', ':(glob)**/.gitattributes'];
  const found = await git(call, (client) => client.raw(search));
  if (!found.ok) return [];
  return ['the repository uses Git LFS, whose files are not pushed with uncommitted changes: commit and push those that changed'];
}

/** Removes the branch from the remote, where it may be gone already. */
export async function removeBranch(push: Push, token: TokenSource): Promise<Result<void>> {
  const removed = await runPush(push, [], `:refs/heads/${push.branch}`, { token });
  return !removed.ok && removed.failure.message.includes('remote ref does not exist') ? ok(undefined) : removed;
}

/** Removes those of the branches that still exist. The next call tries again if one cannot be removed. */
export async function removeOldBranches(push: Omit<Push, 'branch'>, branches: readonly string[], token: TokenSource): Promise<void> {
  if (branches.length === 0) return;
  const call = { folder: push.repository.root };
  const listed = await git(call, (client) => client.listRemote(['--refs', push.remote, `refs/heads/${branchPrefix}*`]));
  const existing = new Set(listed.ok ? listed.value.split('\n').map((line) => line.split('\trefs/heads/')[1]) : branches);
  for (const branch of branches) if (existing.has(branch)) await removeBranch({ ...push, branch }, token);
}

async function runPush(
  push: Push,
  options: readonly string[],
  refspec: string,
  { token, ...limits }: { readonly token: TokenSource } & Pick<ClientCall, 'signal' | 'timeoutMs'>,
): Promise<Result<void>> {
  if (!push.branch.startsWith(branchPrefix)) throw new Error(`${push.branch} does not begin with ${branchPrefix}`);
  const env = objectEnvironment(push.repository, push.home);
  const { name, settings } = await untrackedRemote(push);
  // The user's settings must not add tags or commits of submodules.
  const only = ['--no-follow-tags', '--recurse-submodules=no'];
  // `raw`: `push()` asks for porcelain output, which moves the reason of a rejection out of stderr.
  const args = ['push', '--quiet', '--no-verify', ...only, ...options, name, refspec];
  const run = async (all: readonly Setting[]): Promise<Result<string>> =>
    git({ folder: push.repository.root, env: { ...env, ...settingsInEnvironment(all) }, ...limits }, (client) => client.raw(args));
  let pushed = await run(settings);
  if (!pushed.ok && needsCredentials(pushed.failure.message)) {
    const found = await token();
    if (found) pushed = await run([...settings, authorization(found)]);
  }
  if (pushed.ok) return ok(undefined);
  return pushed.failure.kind === 'cancelled' ? pushed : pushFailure(pushed.failure.message, push.remote);
}

type Setting = readonly [name: string, value: string];

/**
 * Returns the remote under another name, without its tracking branches. Otherwise git would record the branch in the
 * repository, at a commit that may exist only in Deliver's store.
 */
async function untrackedRemote({ repository, remote }: Push): Promise<{ readonly name: string; readonly settings: readonly Setting[] }> {
  const name = `for-deliver-${remote}`;
  const listed = await git({ folder: repository.root }, (client) => client.raw(['config', '-z', '--get-regexp', '^remote\\.']));
  const settings = (valueOf(listed) ?? '').split('\0').flatMap((entry): Setting[] => {
    const [, owner, key] = /^remote\.(.+)\.([^.\n]+)(?:\n|$)/.exec(entry) ?? [];
    const isWanted = owner === remote && ['url', 'pushurl', 'proxy', 'proxyauthmethod', 'receivepack', 'vcs'].includes(key ?? '');
    return isWanted ? [[`remote.${name}.${key}`, entry.slice(entry.indexOf('\n') + 1)]] : [];
  });
  return settings.length === 0 ? { name: remote, settings: [] } : { name, settings };
}

function authorization({ host, user, token }: GitToken): Setting {
  return [`http.${host}/.extraheader`, `Authorization: Basic ${Buffer.from(`${user}:${token}`).toString('base64')}`];
}

/** Returns variables that add settings to those in the user's environment. Other programs could see an argument. */
function settingsInEnvironment(settings: readonly Setting[]): Record<string, string> {
  const before = Number(process.env['GIT_CONFIG_COUNT'] ?? 0) || 0;
  const each = settings.flatMap(([name, value], at) => [
    [`GIT_CONFIG_KEY_${before + at}`, name],
    [`GIT_CONFIG_VALUE_${before + at}`, value],
  ]);
  return Object.fromEntries([['GIT_CONFIG_COUNT', String(before + settings.length)], ...each]) as Record<string, string>;
}

/** A server also reports that a repository does not exist if git's credentials give no access to it. */
function needsCredentials(message: string): boolean {
  return /could not read (Username|Password)|Authentication failed|terminal prompts disabled|HTTP (401|403)|error: 40[13]|repository 'https?:.*' not found/i.test(
    message,
  );
}

function pushFailure(message: string, remote: string): Result<never> {
  const hint = hintFor(message, remote);
  return fail('machinery', `the change could not be pushed to ${remote}: ${message}`, { hint });
}

/** The messages of GitHub (docs.github.com, errors of git and of rulesets) and GitLab (lib/gitlab/git_access.rb). */
function hintFor(message: string, remote: string): string | undefined {
  if (/without [`'"]?workflows?[`'"]? (?:scope|permission)/i.test(message))
    return 'the change touches a workflow: the token for git needs the scope workflow (fine-grained: Workflows, read and write)';
  if (/LFS objects?/i.test(message)) return `Deliver does not push files of Git LFS: run git lfs push ${remote} HEAD`;
  if (/rule violations|being restricted|does not follow the pattern/i.test(message))
    return 'a rule of the repository rejects it: allow branches that begin with deliver/, and their content';
  if (
    /Permission (to .* )?denied to|Permission to .* denied|not allowed to push|error: 403|HTTP 403|protected branch|hook declined/i.test(
      message,
    )
  )
    return 'you need permission to push branches that begin with deliver/. For a fork, name its remote in delivery.yaml: engine: {…: {remote: …}}';
  if (needsCredentials(message) || /publickey|Host key verification|repository not found|could not be found or you/i.test(message))
    return `git push ${remote} must work without a prompt`;
  return undefined;
}
