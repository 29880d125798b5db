import * as path from 'node:path';
import type { Pipeline, Step } from '../pipeline/pipeline';

export interface StepSurroundings {
  readonly service: string;
  readonly commit: string;
  /** The slot's checkout and the service's folder in it. */
  readonly slot: string;
  readonly folder: string;
  /** The user's working copy, of which nothing may leak into a step. */
  readonly repository: string;
}

/** What the editor, git hooks or a package manager leave in the environment for themselves. */
const foreign = /^(ELECTRON_|VSCODE_|GIT_(?!SSH|ASKPASS|CONFIG|AUTHOR|COMMITTER)|npm_|INIT_CWD$|NODE_CHANNEL|DELIVER_RUN$)/;

/**
 * The variables of a step: the user's own, without those meant for other programs, without the
 * secrets that the step did not ask for, and without the working copy's programs in `PATH`; the
 * programs installed in the slot come first there.
 */
export function stepEnvironment(
  base: NodeJS.ProcessEnv,
  pipeline: Pipeline,
  step: Step,
  around: StepSurroundings,
  extra: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const declared = new Set(pipeline.steps.flatMap((other) => other.secrets));
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(base)) {
    if (value === undefined || foreign.test(name)) continue;
    if (declared.has(name) && !step.secrets.includes(name)) continue;
    env[name] = value;
  }
  const pathName = Object.keys(env).find((name) => name.toUpperCase() === 'PATH') ?? 'PATH';
  env[pathName] = programPath(env[pathName] ?? '', around);
  return {
    CI: 'true',
    ...env,
    DELIVERY_SERVICE: around.service,
    DELIVERY_COMMIT: around.commit,
    ...extra,
    ...step.env,
  };
}

/** The values of the secrets that a pipeline declares, as far as they are set. */
export function declaredSecrets(base: NodeJS.ProcessEnv, pipeline: Pipeline): Record<string, string> {
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
