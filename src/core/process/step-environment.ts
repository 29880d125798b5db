import * as path from 'node:path';
import type { Pipeline, Step } from '../model/pipeline';

export interface StepSurroundings {
  readonly service: string;
  readonly commit: string;
  /** The slot's checkout and the service's folder in it. */
  readonly slot: string;
  readonly folder: string;
  /** The user's working copy, of which nothing may leak into a step. */
  readonly repository: string;
}

/** What the editor, git hooks or a package manager leave in the environment for themselves, and tokens for servers. */
export const foreignVariable =
  /^(ELECTRON_|VSCODE_|GIT_(?!SSH|ASKPASS|CONFIG|AUTHOR|COMMITTER)|npm_|INIT_CWD$|NODE_CHANNEL|DELIVER_(RUN$|MATCHERS$|TOKEN_))/;

/**
 * The variables that all steps of a run share: the user's own, without those meant for other programs,
 * without the secrets of the pipeline, and without the working copy's programs in `PATH`; the programs
 * installed in the slot come first there.
 */
export function sharedEnvironment(base: NodeJS.ProcessEnv, pipeline: Pipeline, around: StepSurroundings): Record<string, string> {
  const declared = new Set(pipeline.steps.flatMap((step) => step.secrets));
  const env: Record<string, string> = { CI: 'true' };
  for (const [name, value] of Object.entries(base)) {
    if (value !== undefined && !foreignVariable.test(name) && !declared.has(name)) env[name] = value;
  }
  const pathName = Object.keys(env).find((name) => name.toUpperCase() === 'PATH') ?? 'PATH';
  env[pathName] = programPath(env[pathName] ?? '', around);
  return { ...env, DELIVERY_SERVICE: around.service, DELIVERY_COMMIT: around.commit };
}

/** The variables of one step: the shared ones, the secrets it asks for, and its own. */
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

/** The values of the secrets that a pipeline declares, as far as they are set. */
export function declaredSecrets(base: NodeJS.ProcessEnv, pipeline: Pick<Pipeline, 'steps'>): Record<string, string> {
  const names = new Set(pipeline.steps.flatMap((step) => step.secrets));
  return Object.fromEntries([...names].flatMap((name) => (base[name] ? [[name, base[name]]] : [])));
}

/** Where packages install programs, from a service's folder up to the root of its slot. */
export function programFolders(service: string, slot: string): string[] {
  const folders: string[] = [];
  for (let folder = service; ; folder = path.dirname(folder)) {
    folders.push(path.join(folder, 'node_modules', '.bin'));
    if (folder === slot || folder === path.dirname(folder)) return folders;
  }
}

function programPath(inherited: string, around: StepSurroundings): string {
  const kept = inherited.split(path.delimiter).filter((entry) => !isWithin(around.repository, entry));
  return [...programFolders(around.folder, around.slot), ...kept].join(path.delimiter);
}

function isWithin(folder: string, entry: string): boolean {
  const relative = path.relative(folder, entry);
  return entry !== '' && relative !== '..' && !relative.startsWith(`..${path.sep}`) && !path.isAbsolute(relative);
}
