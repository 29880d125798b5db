import { ciServices } from '../ci/registry';
import { sourceKinds } from '../feedback/registry';
import type { Tokens, TokenServer } from '../model/tokens';

/** Every kind of server that a CI service or a feedback source sends tokens to. */
export const tokenServers: readonly TokenServer[] = [...new Set([...ciServices, ...sourceKinds].flatMap(({ tokens }) => tokens ?? []))];

/** Returns tokens from environment variables: `DELIVER_TOKEN_` and the host, or the usual variable of a public host. */
export function environmentTokens(env: NodeJS.ProcessEnv): Tokens {
  return async (_, host) => {
    const usual = tokenServers.find(({ variables }) => variables?.[host] !== undefined)?.variables?.[host];
    return Promise.resolve(env[tokenVariable(host)] ?? (usual === undefined ? undefined : env[usual]));
  };
}

/** `https://errors.example.com:8443` has its token in `DELIVER_TOKEN_ERRORS_EXAMPLE_COM_8443`. */
export function tokenVariable(host: string): string {
  return `DELIVER_TOKEN_${host
    .replace(/^https?:\/\//, '')
    .toUpperCase()
    .replace(/[^A-Z0-9]+/g, '_')}`;
}
