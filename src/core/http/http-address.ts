import type { TokenKind } from '../model/tokens';

/**
 * Returns the URL of an HTTP address without user and password, or a sentence why it is invalid. Relative addresses resolve
 * against `base`.
 */
export function httpAddress(address: string, base?: URL): URL | string {
  let url: URL;
  try {
    url = new URL(address, base);
  } catch {
    return `“${address.replace(/\?.*$/s, '').slice(0, 100)}” is not a valid address`;
  }
  if (!/^https?:$/.test(url.protocol)) return `${url.protocol}// is not a web address`;
  if (url.username !== '' || url.password !== '')
    return `the address of ${url.host} contains a user name or a password, which is not allowed`;
  url.hash = '';
  return url;
}

/** Returns host and path of a URL: its query may contain secrets. */
export function shownAddress(url: string): string {
  const address = httpAddress(url);
  return typeof address === 'string' ? 'the address' : `${address.host}${address.pathname}`;
}

/** Removes a secret from a response that repeats it. */
export function withoutSecret(text: string, secret: string | undefined): string {
  return secret === undefined || secret.length < 8 ? text : text.replaceAll(secret, '…');
}

export interface ApiAddress {
  readonly kind: TokenKind;
  /** The address that paths are appended to. */
  readonly base: string;
  /** The header for the token; `Authorization: Bearer` by default. */
  readonly header?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Encodes the token for the header. Absent: the plain token, after `Bearer` in `Authorization`. */
  readonly credential?: (token: string) => string;
}

export const publicGithub = 'https://github.com';

/** Returns the API address of github.com, a ghe.com tenant or an Enterprise server, from its web address. */
export function githubAddress(server: string): ApiAddress {
  return {
    kind: 'github',
    base: baseOf(server.replace(/\/+$/, '')),
    headers: { Accept: 'application/vnd.github+json', 'X-GitHub-Api-Version': '2022-11-28' },
  };
}

/** Returns whether `name` has the form `owner/name`. */
export function isGithubRepository(name: string): boolean {
  return /^[\w-]+\/(?!\.+$)[\w.-]+$/.test(name);
}

function baseOf(server: string): string {
  if (server === publicGithub) return 'https://api.github.com';
  const tenant = /^https:\/\/([\w-]+\.ghe\.com)$/.exec(server)?.[1];
  if (tenant !== undefined) return `https://api.${tenant}`;
  return /\/api\/v3$|^https:\/\/api\./.test(server) ? server : `${server}/api/v3`;
}
