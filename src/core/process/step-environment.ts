import * as path from 'node:path';
import type { Pipeline, Step } from '../model/pipeline';

export interface StepLocation {
  readonly service: string;
  readonly commit: string;
  /** The slot's checkout and the service's folder in it. */
  readonly slot: string;
  readonly folder: string;
  /** The user's working copy, whose programs must not be used by a step. */
  readonly repository: string;
}

/** Variables that the editor, git hooks or a package manager set for themselves, and tokens for servers. */
export const foreignVariable =
  /^(ELECTRON_|VSCODE_|GIT_(?!SSH|ASKPASS|CONFIG|AUTHOR|COMMITTER)|npm_|INIT_CWD$|NODE_CHANNEL|DELIVER_(RUN$|MATCHERS$|TOKEN_))/;

/**
 * Returns the variables that all steps of a run share: the user's variables without those for other programs and
 * without the secrets of the pipeline. `PATH` begins with the programs in the slot, and lacks those in the working
 * copy.
 */
export function sharedEnvironment(base: NodeJS.ProcessEnv, pipeline: Pipeline, location: StepLocation): Record<string, string> {
  const declared = new Set(pipeline.steps.flatMap((step) => step.secrets));
  const env: Record<string, string> = { CI: 'true' };
  for (const [name, value] of Object.entries(base)) {
    if (value !== undefined && !foreignVariable.test(name) && !declared.has(name)) env[name] = value;
  }
  const pathName = Object.keys(env).find((name) => name.toUpperCase() === 'PATH') ?? 'PATH';
  env[pathName] = programPath(env[pathName] ?? '', location);
  return { ...env, DELIVERY_SERVICE: location.service, DELIVERY_COMMIT: location.commit };
}

/** Returns the variables of a step: the shared ones, its secrets, and those in its `env`. */
export function stepEnvironment(
  shared: Readonly<Record<string, string>>,
  step: Step,
  base: NodeJS.ProcessEnv,
  extra: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const env = { ...shared };
  for (const name of step.secrets) {
    const value = base[name];
    if (value !== undefined) env[name] = value;
  }
  return { ...env, ...extra, ...step.env };
}

/** Returns the values of the pipeline's secrets that are set. */
export function declaredSecrets(base: NodeJS.ProcessEnv, pipeline: Pick<Pipeline, 'steps'>): Record<string, string> {
  const names = new Set(pipeline.steps.flatMap((step) => step.secrets));
  return Object.fromEntries([...names].flatMap((name) => (base[name] ? [[name, base[name]]] : [])));
}

/** Returns the folders where packages install programs, from a service's folder up to the root of its slot. */
export function programFolders(service: string, slot: string): string[] {
  const folders: string[] = [];
  for (let folder = service; ; folder = path.dirname(folder)) {
    folders.push(path.join(folder, 'node_modules', '.bin'));
    if (folder === slot || folder === path.dirname(folder)) return folders;
  }
}

function programPath(inherited: string, location: StepLocation): string {
  const kept = inherited.split(path.delimiter).filter((entry) => !isWithin(location.repository, entry));
  return [...programFolders(location.folder, location.slot), ...kept].join(path.delimiter);
}

function isWithin(folder: string, entry: string): boolean {
  const relative = path.relative(folder, entry);
  return entry !== '' && relative !== '..' && !relative.startsWith(`..${path.sep}`) && !path.isAbsolute(relative);
}
