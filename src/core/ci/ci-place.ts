import { gitOrUndefined } from '../git/git';
import { parseRemote, type Remote } from '../git/remotes';
import type { Repository } from '../git/repository';
import { fail, ok, type Result } from '../model/result';
import { githubAddress } from '../http/github-address';
import type { CiDefinition } from '../model/pipeline';

/** The address of a CI service, and the remote that changes are pushed to. */
export interface CiPlace {
  /** The git remote that changes are pushed to, and its host; undefined for a folder. */
  readonly remote: string;
  readonly host: Remote | undefined;
  /** The address of its web pages. */
  readonly server: string;
  /** The repository, project or job. */
  readonly place: string;
  /** The host that its token is sent to: `https://host[:port]`. */
  readonly tokenHost: string;
}

/** Returns the place from the definition, else from git. Sends no request. */
export async function ciPlace(definition: CiDefinition, repository: Pick<Repository, 'root'>): Promise<Result<CiPlace>> {
  const remote = definition.remote ?? (await usualRemote(repository));
  // Pushes may go elsewhere than fetches, as with a fork.
  const args = ['remote', 'get-url', '--push', '--', remote ?? ''];
  const url = remote === undefined ? undefined : await gitOrUndefined(args, { folder: repository.root });
  if (remote === undefined || url === undefined)
    return fail('usage', `there is no remote ${remote ?? 'of git'} that a change could be pushed to`, {
      hint: 'git remote add origin … adds one; engine: {…: {remote: …}} in delivery.yaml names another',
    });
  const host = parseRemote(url.trim());
  const server = (definition.url ?? host?.host)?.replace(/\/+$/, '');
  const place = placeOf(definition) ?? pathAt(server, url, host);
  if (server === undefined || place === undefined) return nowhere(definition.kind);
  const api = definition.kind === 'github' ? githubAddress(server).base : server;
  return ok({ remote, host, server, place, tokenHost: new URL(api).origin });
}

/** Returns the path of a remote without the sub-path of its server, as in `https://host/gitlab` (docs.gitlab.com: install/relative_url). */
function pathAt(server: string | undefined, url: string, host: Remote | undefined): string | undefined {
  const prefix = server !== undefined && URL.canParse(server) ? new URL(server).pathname.replace(/^\/+/, '') : '';
  if (prefix === '' || !/^https?:/.test(url) || !host?.path.startsWith(`${prefix}/`)) return host?.path;
  return host.path.slice(prefix.length + 1);
}

function placeOf(definition: CiDefinition): string | undefined {
  switch (definition.kind) {
    case 'github':
      return definition.repository;
    case 'gitlab':
      return definition.project;
    case 'jenkins':
      return definition.job;
  }
}

function nowhere(kind: CiDefinition['kind']): Result<never> {
  const what = kind === 'github' ? 'repository' : 'project';
  return fail('usage', `the remote of git does not lead to a server, so the ${what} on ${kind} is not known`, {
    hint: `engine: {${kind}: {url: https://…, ${what}: …}} in delivery.yaml names it`,
  });
}

/** Returns the remote that the current branch follows, else `origin`, else the only remote. */
async function usualRemote(repository: Pick<Repository, 'root'>): Promise<string | undefined> {
  const call = { folder: repository.root };
  const branch = (await gitOrUndefined(['symbolic-ref', '--short', '-q', 'HEAD'], call))?.trim();
  const followed = branch ? (await gitOrUndefined(['config', '--get', `branch.${branch}.remote`], call))?.trim() : undefined;
  if (followed && followed !== '.') return followed;
  const remotes = ((await gitOrUndefined(['remote'], call)) ?? '').split('\n').filter((name) => name !== '');
  return remotes.find((name) => name === 'origin') ?? (remotes.length === 1 ? remotes[0] : undefined);
}
