import { gitOrUndefined } from '../git/git';
import { parseRemote, type Remote } from '../git/remotes';
import type { Repository } from '../git/repository';
import type { CiDefinition } from '../model/pipeline';
import { fail, ok, type Result } from '../model/result';
import { findCiService } from './registry';

/** The place of a pipeline on a CI service, and the remote that changes are pushed to. */
export interface CiPlace {
  /** The git remote, and the host that it leads to; undefined for a folder. */
  readonly remote: string;
  readonly host: Remote | undefined;
  /** The address that people open. */
  readonly server: string;
  /** The repository, project or job on the server. */
  readonly place: string;
  /** The host that its token is for: `https://host[:port]`. */
  readonly tokenHost: string;
}

/** Returns the place from the definition and, where the definition does not say, from git. Sends no request. */
export async function ciPlace(definition: CiDefinition, repository: Pick<Repository, 'root'>): Promise<Result<CiPlace>> {
  const remote = definition.remote ?? (await defaultRemote(repository));
  // A fork is fetched from another place than it is pushed to.
  const args = ['remote', 'get-url', '--push', '--', remote ?? ''];
  const url = remote === undefined ? undefined : await gitOrUndefined(args, { folder: repository.root });
  if (remote === undefined || url === undefined)
    return fail('usage', `there is no remote ${remote ?? 'of git'} that a change could be pushed to`, {
      hint: 'add one with git remote add origin …, or name another in delivery.yaml: engine: {…: {remote: …}}',
    });
  const host = parseRemote(url.trim());
  const server = (definition.url ?? host?.host)?.replace(/\/+$/, '');
  const place = definition.place ?? pathAt(server, url, host);
  const descriptor = findCiService(definition.kind);
  if (server === undefined || place === undefined) {
    const setting = descriptor?.place ?? 'place';
    return fail('usage', `the git remote does not lead to a server, so the ${setting} on ${definition.kind} is not known`, {
      hint: `name it in delivery.yaml: engine: {${definition.kind}: {url: https://…, ${setting}: …}}`,
    });
  }
  return ok({ remote, host, server, place, tokenHost: new URL(descriptor?.apiOf?.(server) ?? server).origin });
}

/** Returns the path on a server that itself has a path, like `https://host/gitlab` (docs.gitlab.com: install/relative_url). */
function pathAt(server: string | undefined, url: string, host: Remote | undefined): string | undefined {
  const prefix = server !== undefined && URL.canParse(server) ? new URL(server).pathname.replace(/^\/+/, '') : '';
  if (prefix === '' || !/^https?:/.test(url) || !host?.path.startsWith(`${prefix}/`)) return host?.path;
  return host.path.slice(prefix.length + 1);
}

/** Returns the remote of the branch that is checked out, else `origin`, else the only remote. */
async function defaultRemote(repository: Pick<Repository, 'root'>): Promise<string | undefined> {
  const call = { folder: repository.root };
  const branch = (await gitOrUndefined(['symbolic-ref', '--short', '-q', 'HEAD'], call))?.trim();
  const followed = branch ? (await gitOrUndefined(['config', '--get', `branch.${branch}.remote`], call))?.trim() : undefined;
  if (followed && followed !== '.') return followed;
  const remotes = ((await gitOrUndefined(['remote'], call)) ?? '').split('\n').filter((name) => name !== '');
  return remotes.find((name) => name === 'origin') ?? (remotes.length === 1 ? remotes[0] : undefined);
}
