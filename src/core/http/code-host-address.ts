import type { TokenServer } from '../model/tokens';
import type { ApiAddress } from './api';

export const publicGithub = 'https://github.com';
const publicApi = 'https://api.github.com';

/** The scope `workflow` allows git to push a changed workflow where it has no credentials of its own. */
const scopes = ['repo', 'workflow'];

export const githubTokens: TokenServer = {
  kind: 'github',
  permissions: 'Required scope: repo. For a fine-grained token: read and write Actions, Deployments and Issues.',
  variables: { [publicApi]: 'GITHUB_TOKEN' },
  gitHost: (host) => host.replace('//api.', '//'),
  signIns: [
    { provider: 'github', scopes, host: publicApi },
    { provider: 'github-enterprise', scopes, host: { setting: 'github-enterprise.uri' } },
  ],
};

/** Returns the API of github.com, of a tenant of ghe.com, or of an Enterprise server, by the address that people open. */
export function githubAddress(server: string): ApiAddress {
  return {
    kind: githubTokens.kind,
    base: baseOf(server.replace(/\/+$/, '')),
    headers: { Accept: 'application/vnd.github+json', 'X-GitHub-Api-Version': '2022-11-28' },
  };
}

/** Returns whether a name can be the `owner/name` of a repository. */
export function isGithubRepository(name: string): boolean {
  return /^[\w-]+\/(?!\.+$)[\w.-]+$/.test(name);
}

function baseOf(server: string): string {
  if (server === publicGithub) return publicApi;
  const tenant = /^https:\/\/([\w-]+\.ghe\.com)$/.exec(server)?.[1];
  if (tenant !== undefined) return `https://api.${tenant}`;
  return /\/api\/v3$|^https:\/\/api\./.test(server) ? server : `${server}/api/v3`;
}

export const publicGitlab = 'https://gitlab.com';

export const gitlabTokens: TokenServer = {
  kind: 'gitlab',
  permissions: 'Required scope: api, or read_api for read-only access.',
  variables: { [publicGitlab]: 'GITLAB_TOKEN' },
  gitHost: (host) => host,
};

/** Returns the API of a GitLab server, by the address that people open or the address of the API. */
export function gitlabAddress(server: string): ApiAddress {
  const base = `${server.replace(/\/+$/, '').replace(/\/api\/v4$/, '')}/api/v4`;
  // Unlike PRIVATE-TOKEN, Authorization takes OAuth tokens as well (docs.gitlab.com, REST API authentication).
  return { kind: gitlabTokens.kind, base };
}
