import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { ciServices } from '../ci/registry';
import { sourceKinds } from '../feedback/registry';
import { storedCredential } from '../git/credentials';
import { maySendToken } from '../http/http-address';
import type { Tokens, TokenServer } from '../model/tokens';

/** Every kind of server that a CI service or a feedback source sends tokens to. */
export const tokenServers: readonly TokenServer[] = [...new Set([...ciServices, ...sourceKinds].flatMap(({ tokens }) => tokens ?? []))];

/** Returns whether a variable holds a token for Deliver itself. A step gets such a variable only as one of its secrets. */
export function isTokenVariable(name: string): boolean {
  return name.startsWith(prefix) || tokenServers.some(({ variables }) => Object.values(variables ?? {}).includes(name));
}

/**
 * Returns the tokens of the command line. The first of these that has a token for the host counts: the variable of the host, the usual
 * variable of a public host, `~/.netrc`, and git's credential helpers for hosts of repositories.
 */
export function environmentTokens(env: NodeJS.ProcessEnv): Tokens {
  const stored = new Map<string, Promise<string | undefined>>();
  return async (kind, host) => {
    if (!maySendToken(host)) return undefined;
    const server = tokenServers.find((each) => each.kind === kind);
    const variables = [tokenVariable(host), server?.variables?.[host]];
    const given = variables.map((name) => (name === undefined ? undefined : env[name])).find((token) => token);
    if (given !== undefined) return given;
    const found = stored.get(host) ?? storedToken(host, server, env);
    stored.set(host, found);
    return found;
  };
}

async function storedToken(host: string, server: TokenServer | undefined, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const gitHost = server?.gitHost?.(host);
  const inFile = readNetrc(env, host) ?? (gitHost === undefined ? undefined : readNetrc(env, gitHost));
  const login = inFile ?? (gitHost === undefined ? undefined : await storedCredential(gitHost));
  return login && (server?.fromLogin?.(login) ?? login.password);
}

const prefix = 'DELIVER_TOKEN_';

/**
 * Returns the variable with the token for an origin: `DELIVER_TOKEN_MY__ERRORS_EXAMPLE_COM_8443` for `https://my-errors.example.com:8443`.
 * A dot or the colon of the port is one underscore, a hyphen is two, so that no two hosts share a variable. Undefined for hosts whose
 * variable would be ambiguous, such as IPv6 addresses.
 */
export function tokenVariable(origin: string): string | undefined {
  const { host } = new URL(origin);
  const label = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;
  if (!host.split(/[.:]/).every((part) => label.test(part))) return undefined;
  return `${prefix}${host.toUpperCase().replace(/-/g, '__').replace(/[.:]/g, '_')}`;
}

interface Login {
  readonly login: string;
  readonly password: string;
}

/**
 * Returns the entry of `~/.netrc` for a host, in the format of `ftp(1)` that curl and git read, too. The entry `default` does not count:
 * it would give the password to any host that a delivery.yaml names.
 */
function readNetrc(env: NodeJS.ProcessEnv, origin: string): Login | undefined {
  const { protocol, hostname, port } = new URL(origin);
  if (protocol !== 'https:' || port !== '') return undefined;
  const home = env['HOME'] ?? os.homedir();
  const names = process.platform === 'win32' ? ['_netrc', '.netrc'] : ['.netrc'];
  for (const file of env['NETRC'] ? [env['NETRC']] : names.map((name) => path.join(home, name))) {
    let text: string;
    try {
      text = fs.readFileSync(file, 'utf8');
    } catch {
      continue;
    }
    // A macro ends at an empty line.
    const words = text.replace(/^\s*macdef\s[^]*?(?:\n\s*\n|$(?![^]))/gm, '').match(/"(?:\\.|[^"\\])*"|[^\s"]\S*/g) ?? [];
    const machines = words.flatMap((word, at) => (word === 'machine' || word === 'default' ? [at] : []));
    for (const [index, at] of machines.entries()) {
      if (words[at] !== 'machine' || words[at + 1]?.toLowerCase() !== hostname) continue;
      const entry = words.slice(at + 2, machines[index + 1]);
      const valueOf = (name: string): string | undefined =>
        entry[entry.indexOf(name) + 1]?.replace(/^"([^]*)"$/, '$1').replace(/\\(.)/g, '$1');
      const password = entry.includes('password') ? valueOf('password') : undefined;
      if (password !== undefined) return { login: (entry.includes('login') && valueOf('login')) || '', password };
    }
  }
  return undefined;
}
