import { valueOf } from '../model/result';
import { git } from './git';
import type { Repository } from './repository';

/** Where a repository is hosted. */
export interface Remote {
  /** `https://host[:port]`, as a browser would open it. */
  readonly host: string;
  /** `owner/name`, or deeper. */
  readonly path: string;
}

/** The host of `origin`; undefined for none, or a folder. */
export async function originOf(repository: Repository): Promise<Remote | undefined> {
  const url = valueOf(await git({ folder: repository.root }, (client) => client.getConfig('remote.origin.url')))?.value;
  return typeof url === 'string' ? parseRemote(url.trim()) : undefined;
}

/** Other names of a host for git alone: ssh at the port of https (docs.github.com, using SSH over the HTTPS port; docs.gitlab.com, user/gitlab_com). */
const gitHosts: Readonly<Record<string, string>> = {
  'ssh.github.com': 'github.com',
  'www.github.com': 'github.com',
  'altssh.gitlab.com': 'gitlab.com',
};

/** `git@host:owner/name.git`, `ssh://git@host/owner/name`, `https://host/owner/name.git`. */
export function parseRemote(url: string): Remote | undefined {
  const scp = /^(?:[\w.-]+@)?([\w.-]+\.[A-Za-z]+):(?!\/\/)(.+)$/.exec(url);
  const standard = /^(https?|ssh|git):\/\/(?:[^@/]+@)?([\w.-]+)(?::(\d+))?\/(.+)$/.exec(url);
  const [host, path] = scp ? [scp[1], scp[2]] : [standard?.[2], standard?.[4]];
  if (host === undefined || path === undefined) return undefined;
  // The port of ssh is not that of the web.
  const port = standard?.[1]?.startsWith('http') && standard[3] !== undefined ? `:${standard[3]}` : '';
  const scheme = standard?.[1] === 'http' ? 'http' : 'https';
  const name = host.toLowerCase();
  return { host: `${scheme}://${gitHosts[name] ?? name}${port}`, path: path.replace(/^\/|\/$/g, '').replace(/\.git$/, '') };
}
