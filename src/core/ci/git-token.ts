import type { Tokens } from '../model/tokens';
import type { OpenedCi } from './connect';
import type { GitToken } from '../git/snapshot-branch';

/** Returns the token that git sends, if git and the CI service use the same server. Returns undefined for ssh remotes and other hosts. */
export function gitTokenFor({ engine, host }: OpenedCi, tokens: Tokens): () => Promise<GitToken | undefined> {
  return async () => {
    if (!host || engine.name === 'jenkins' || !isSameServer(engine.host, host.host)) return undefined;
    const token = await tokens(engine.name, engine.host);
    return token === undefined ? undefined : { host: host.host, user: engine.name === 'github' ? 'x-access-token' : 'oauth2', token };
  };
}

/** The API of `https://github.com` is `https://api.github.com`. */
function isSameServer(api: string, web: string): boolean {
  return api === web || api.replace('//api.', '//') === web;
}
