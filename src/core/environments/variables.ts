import * as path from 'node:path';
import { programFolders } from '../process/step-environment';

/** The variables that programs need to run on this machine, and nothing specific to the developer. */
const inheritedVariables =
  /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LC_.*|TZ|TMPDIR|TEMP|TMP|XDG_.*|SystemRoot|SystemDrive|ComSpec|PATHEXT|windir|USERPROFILE|APPDATA|LOCALAPPDATA|ProgramFiles.*|ProgramData|SSL_CERT_.*|NODE_EXTRA_CA_CERTS|JAVA_HOME|GOPATH|GOROOT|https?_proxy|no_proxy)$/i;

/**
 * Returns the variables that a release inherits. Secrets of a developer's shell must not reach a release, and no release may
 * depend on them.
 */
export function plainEnvironment(base: NodeJS.ProcessEnv): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(base)) if (value !== undefined && inheritedVariables.test(name)) env[name] = value;
  const pathName = pathVariable(env);
  const programs = (env[pathName] ?? '').split(path.delimiter).filter((entry) => !entry.endsWith(path.join('node_modules', '.bin')));
  return { ...env, [pathName]: programs.join(path.delimiter) };
}

/** Returns the variables for the programs of a release. The programs installed in its checkout come first in `PATH`. */
export function releaseEnvironment(folder: string, slot: string): Record<string, string> {
  const env = plainEnvironment(process.env);
  const pathName = pathVariable(env);
  return { ...env, [pathName]: [...programFolders(folder, slot), env[pathName]].join(path.delimiter) };
}

/** Returns true for a value that occurs everywhere in logs, and so is no secret. */
export function isOrdinary(value: string): boolean {
  return /^(true|false|yes|no|on|off|null|none|\d{1,5}|localhost|127\.0\.0\.1|0\.0\.0\.0|development|production|staging|test|testing|local|debug|info|warn|warning|error)?$/i.test(
    value,
  );
}

/** Returns the name of `PATH` in the spelling of this machine: Windows writes `Path`. */
function pathVariable(env: Readonly<Record<string, string>>): string {
  return Object.keys(env).find((name) => name.toUpperCase() === 'PATH') ?? 'PATH';
}

/** Returns the name of the variable that holds the address of another service: `ORDER_API_URL` for `order-api`. */
export function addressVariable(service: string): string {
  return `${service.toUpperCase().replace(/[^A-Z0-9]+/g, '_')}_URL`;
}
