import type { ApiAddress } from './api';

export const publicGithub = 'https://github.com';

/** The API of github.com, of a tenant of ghe.com, or of an Enterprise server by the address that people open. */
export function githubAddress(server: string): ApiAddress {
  return {
    kind: 'github',
    base: baseOf(server.replace(/\/+$/, '')),
    headers: { Accept: 'application/vnd.github+json', 'X-GitHub-Api-Version': '2022-11-28' },
  };
}

/** Whether it can be the `owner/name` of a repository. */
export function isGithubRepository(name: string): boolean {
  return /^[\w-]+\/(?!\.+$)[\w.-]+$/.test(name);
}

function baseOf(server: string): string {
  if (server === publicGithub) return 'https://api.github.com';
  const tenant = /^https:\/\/([\w-]+\.ghe\.com)$/.exec(server)?.[1];
  if (tenant !== undefined) return `https://api.${tenant}`;
  return /\/api\/v3$|^https:\/\/api\./.test(server) ? server : `${server}/api/v3`;
}
