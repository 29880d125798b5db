import type { TokenKind } from '../model/tokens';

/** An address that may be asked; else why not, in a sentence. Relative ones are of `base`. */
export function httpAddress(address: string, base?: URL): URL | string {
  let url: URL;
  try {
    url = new URL(address, base);
  } catch {
    return `“${address.replace(/\?.*$/s, '').slice(0, 100)}” is no address`;
  }
  if (!/^https?:$/.test(url.protocol)) return `${url.protocol}// is no address of the web`;
  if (url.username !== '' || url.password !== '') return `the address of ${url.host} holds a user or a password, which do not belong there`;
  url.hash = '';
  return url;
}

/** `url` without what could be secret in its query. */
export function shownAddress(url: string): string {
  const address = httpAddress(url);
  return typeof address === 'string' ? 'the address' : `${address.host}${address.pathname}`;
}

/** An answer that repeats what it was sent does not spread it. */
export function withoutSecret(text: string, secret: string | undefined): string {
  return secret === undefined || secret.length < 8 ? text : text.replaceAll(secret, '…');
}

export interface ApiAddress {
  readonly kind: TokenKind;
  /** What paths are appended to. */
  readonly base: string;
  /** The header of its token; `Authorization: Bearer` unless named. */
  readonly header?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** How the token is written; absent: as it is, after `Bearer` in `Authorization`. */
  readonly credential?: (token: string) => string;
}

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
