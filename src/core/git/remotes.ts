import { valueOf } from '../model/result';
import { git } from './git';
import type { Repository } from './repository';

/** The place where a repository is hosted. */
export interface Remote {
  /** `https://host[:port]`, as a browser would open it. */
  readonly host: string;
  /** `owner/name`, or deeper. */
  readonly path: string;
}

/** Returns the host of `origin`, or undefined if there is none or it is a folder. */
export async function originOf(repository: Repository): Promise<Remote | undefined> {
  const url = valueOf(await git({ folder: repository.root }, (client) => client.getConfig('remote.origin.url')))?.value;
  return typeof url === 'string' ? parseRemote(url.trim()) : undefined;
}

/** Hosts for git alone, such as ssh at the port of https (docs.github.com, using SSH over the HTTPS port; docs.gitlab.com, user/gitlab_com). */
const webHosts: Readonly<Record<string, string>> = {
  'ssh.github.com': 'github.com',
  'www.github.com': 'github.com',
  'altssh.gitlab.com': 'gitlab.com',
};

/** Parses `git@host:owner/name.git`, `ssh://git@host/owner/name` and `https://host/owner/name.git`. */
export function parseRemote(url: string): Remote | undefined {
  const scp = /^(?:[\w.-]+@)?([\w.-]+\.[A-Za-z]+):(?!\/\/)(.+)$/.exec(url);
  const standard = /^(https?|ssh|git):\/\/(?:[^@/]+@)?([\w.-]+)(?::(\d+))?\/(.+)$/.exec(url);
  const [host, path] = scp ? [scp[1], scp[2]] : [standard?.[2], standard?.[4]];
  if (host === undefined || path === undefined) return undefined;
  // A port of ssh is no port of the web server.
  const port = standard?.[1]?.startsWith('http') && standard[3] !== undefined ? `:${standard[3]}` : '';
  const scheme = standard?.[1] === 'http' ? 'http' : 'https';
  const name = host.toLowerCase();
  return { host: `${scheme}://${webHosts[name] ?? name}${port}`, path: path.replace(/^\/|\/$/g, '').replace(/\.git$/, '') };
}
