/** What a server is, as far as its tokens go. */
export type TokenKind = 'http' | 'sentry' | 'github' | 'gitlab' | 'jenkins';

/** The token for a host (`https://host[:port]`), or none. Asked each time one is sent, so that none is kept. */
export type Tokens = (kind: TokenKind, host: string) => Promise<string | undefined>;
