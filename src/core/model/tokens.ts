/** A kind of server that takes tokens. A CI service and a feedback source on the same server share it. */
export interface TokenServer {
  /** The name that {@link Tokens} knows it by: `github`. */
  readonly kind: string;
  /** The permissions that a token needs, in a sentence. */
  readonly permissions: string;
  /** Environment variables that the tools of the server read, by its public hosts: `{ 'https://gitlab.com': 'GITLAB_TOKEN' }`. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Returns the address of the server's repositories, whose credentials git may have. Absent: the server has no repositories. */
  readonly gitHost?: (host: string) => string;
  /** Returns the token for a user name and a password from a store. By default the password. */
  readonly fromLogin?: (login: { readonly login: string; readonly password: string }) => string;
  /** The sign-ins that the editor itself has for such servers. */
  readonly signIns?: readonly EditorSignIn[];
}

/** An authentication provider of the editor. */
export interface EditorSignIn {
  readonly provider: string;
  readonly scopes: readonly string[];
  /** The host that it signs in to, or the setting of the editor that holds the address. */
  readonly host: string | { readonly setting: string };
}

/** Returns the token for a host (`https://host[:port]`), or undefined. Called for each request, so that no token is kept. */
export type Tokens = (kind: string, host: string) => Promise<string | undefined>;
