import type { Tokens } from '../model/tokens';
import type { OpenedCi } from './connect';
import type { GitToken } from '../git/snapshot-branch';

/** The token of an engine for git, where both are one server. Nothing for a remote over ssh, or elsewhere. */
export function gitTokenFor({ engine, host }: OpenedCi, tokens: Tokens): () => Promise<GitToken | undefined> {
  return async () => {
    if (!host || engine.name === 'jenkins' || !isSameServer(engine.host, host.host)) return undefined;
    const token = await tokens(engine.name, engine.host);
    return token === undefined ? undefined : { host: host.host, user: engine.name === 'github' ? 'x-access-token' : 'oauth2', token };
  };
}

/** `https://api.github.com` is the API of `https://github.com`. */
function isSameServer(api: string, web: string): boolean {
  return api === web || api.replace('//api.', '//') === web;
}
