import { git } from '../git/git';
import { parseRemote, type Remote } from '../git/remotes';
import type { Repository } from '../git/repository';
import { fail, ok, valueOf, type Result } from '../model/result';
import { githubAddress } from '../http/github-address';
import type { CiDefinition } from '../model/pipeline';

/** Where a CI service is, and what is pushed to it. */
export interface CiPlace {
  /** The remote of git that changes are pushed to, and where it leads; undefined for a folder. */
  readonly remote: string;
  readonly host: Remote | undefined;
  /** The address that people open. */
  readonly server: string;
  /** The repository, project or job there. */
  readonly place: string;
  /** Where its token goes: `https://host[:port]`. */
  readonly tokenHost: string;
}

/** Read from the definition and, where that is silent, from git. Asks nobody. */
export async function ciPlace(definition: CiDefinition, repository: Pick<Repository, 'root'>): Promise<Result<CiPlace>> {
  const remote = definition.remote ?? (await usualRemote(repository));
  const url = remote === undefined ? undefined : await pushUrl(remote, repository);
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

/** Of a server in a sub-path, as `https://host/gitlab`, that is in front of what an address of http leads to (docs.gitlab.com: install/relative_url). */
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

/** Where a remote is fetched from may be another place, as with a fork. */
async function pushUrl(remote: string, { root }: Pick<Repository, 'root'>): Promise<string | undefined> {
  const url = await git({ folder: root }, (client) => client.remote(['get-url', '--push', '--', remote]));
  return (url.ok && url.value) || undefined;
}

/** The remote that the branch which is checked out follows, else `origin`, else the only one. */
async function usualRemote(repository: Pick<Repository, 'root'>): Promise<string | undefined> {
  const call = { folder: repository.root };
  const branch = valueOf(await git(call, (client) => client.branch(['--show-current'])))?.current;
  const followed = branch ? valueOf(await git(call, (client) => client.getConfig(`branch.${branch}.remote`)))?.value : undefined;
  if (followed && followed !== '.') return followed;
  const remotes = valueOf(await git(call, (client) => client.getRemotes()))?.map(({ name }) => name) ?? [];
  return remotes.find((name) => name === 'origin') ?? (remotes.length === 1 ? remotes[0] : undefined);
}
