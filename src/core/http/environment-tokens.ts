import type { Tokens } from '../model/tokens';

/** The variables that the services' own tools use, each for its public host only. */
const commonVariables: Readonly<Record<string, string>> = {
  'https://api.github.com': 'GITHUB_TOKEN',
  'https://gitlab.com': 'GITLAB_TOKEN',
  'https://sentry.io': 'SENTRY_AUTH_TOKEN',
};

/** Reads tokens from the environment. Each host has a variable such as `DELIVER_TOKEN_ERRORS_EXAMPLE_COM`. */
export function environmentTokens(env: NodeJS.ProcessEnv): Tokens {
  return async (_, host) => {
    const own = env[tokenVariable(host)];
    const common = commonVariables[host];
    return Promise.resolve(own ?? (common === undefined ? undefined : env[common]));
  };
}

/** Returns `DELIVER_TOKEN_ERRORS_EXAMPLE_COM_8443` for `https://errors.example.com:8443`. */
export function tokenVariable(host: string): string {
  return `DELIVER_TOKEN_${host
    .replace(/^https?:\/\//, '')
    .toUpperCase()
    .replace(/[^A-Z0-9]+/g, '_')}`;
}
