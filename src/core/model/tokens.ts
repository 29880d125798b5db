/** The kind of server that a token is for. */
export type TokenKind = 'http' | 'sentry' | 'github' | 'gitlab' | 'jenkins';

/** Returns the token for a host (`https://host[:port]`), or undefined. Called for each request, so that no token is kept in memory. */
export type Tokens = (kind: TokenKind, host: string) => Promise<string | undefined>;
