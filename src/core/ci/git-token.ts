import type { GitToken } from '../git/snapshot-branch';
import type { Tokens } from '../model/tokens';
import type { OpenedCi } from './connect';

/** Returns the token of a CI service for git, if both are one server. Nothing for a remote over ssh, or on another host. */
export function gitTokenFor({ descriptor, engine, host }: OpenedCi, tokens: Tokens): () => Promise<GitToken | undefined> {
  return async () => {
    const { gitUser: user } = descriptor;
    if (!host || user === undefined || descriptor.tokens.gitHost?.(engine.host) !== host.host) return undefined;
    const token = await tokens(descriptor.tokens.kind, engine.host);
    return token === undefined ? undefined : { host: host.host, user, token };
  };
}
