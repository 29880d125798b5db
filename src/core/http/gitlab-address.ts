import type { TokenServer } from '../model/tokens';
import type { ApiAddress } from './api';

export const publicGitlab = 'https://gitlab.com';

export const gitlabTokens: TokenServer = {
  kind: 'gitlab',
  permissions: 'Required scope: api, or read_api for read-only access.',
  variables: { [publicGitlab]: 'GITLAB_TOKEN' },
};

/** Returns the API of a GitLab server, by the address that people open or the address of the API. */
export function gitlabAddress(server: string): ApiAddress {
  const base = `${server.replace(/\/+$/, '').replace(/\/api\/v4$/, '')}/api/v4`;
  return { kind: gitlabTokens.kind, base, header: 'PRIVATE-TOKEN' };
}
