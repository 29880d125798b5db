import * as path from 'node:path';

/** What a program needs of the machine to run at all, and nothing of what the user works on. */
const needed =
  /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LC_.*|TZ|TMPDIR|TEMP|TMP|XDG_.*|SystemRoot|SystemDrive|ComSpec|PATHEXT|windir|USERPROFILE|APPDATA|LOCALAPPDATA|ProgramFiles.*|ProgramData|SSL_CERT_.*|NODE_EXTRA_CA_CERTS|JAVA_HOME|GOPATH|GOROOT|https?_proxy|no_proxy)$/i;

/**
 * The variables that a release inherits. Production knows nothing of a developer's shell: no secret
 * of it reaches a release, and none works only because of it.
 */
export function plainEnvironment(base: NodeJS.ProcessEnv): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(base)) if (value !== undefined && needed.test(name)) env[name] = value;
  const pathName = Object.keys(env).find((name) => name.toUpperCase() === 'PATH') ?? 'PATH';
  const programs = (env[pathName] ?? '').split(path.delimiter).filter((entry) => !entry.endsWith(path.join('node_modules', '.bin')));
  return { ...env, [pathName]: programs.join(path.delimiter) };
}

/** The variable that tells a release where another service answers: `order-api` is found at `ORDER_API_URL`. */
export function addressVariable(service: string): string {
  return `${service.toUpperCase().replace(/[^A-Z0-9]+/g, '_')}_URL`;
}
