import { createHash } from 'node:crypto';
import type { Pipeline, Step } from '../../model/pipeline';
import type { ExportOptions } from '../ci-service';
import { below } from './plain-globs';
import { isProgram } from './shell';
import { foldersUp } from './toolchains';

/** A step as a job of a CI service. */
export interface Job {
  readonly step: Step;
  /** The job's name on the CI service. */
  readonly id: string;
  readonly needs: readonly Job[];
  /** All earlier jobs, direct or not, whose outputs it may read, in the order of the file. */
  readonly handed: readonly Job[];
  /** The cache key of its outputs. Absent: the job always runs, as in a local run. */
  readonly key?: JobKey;
  /** It deploys, verifies, or follows a job that does. */
  readonly isRelease: boolean;
  /** The environment that it deploys to or verifies. The releases of an environment are recorded on the machine that deploys to it. */
  readonly environment?: string;
}

export interface JobKey {
  /** Globs of its inputs and of the inputs of all jobs before it. */
  readonly inputs: readonly string[];
  /** A digest of the commands, variables and outputs of the same jobs. */
  readonly digest: string;
}

/** Returns the jobs of a pipeline, in the order of the file. `idOf` returns a unique name on the CI service. */
export function jobsOf(pipeline: Pipeline, idOf: (step: string) => string): readonly Job[] {
  const made = new Map<string, Job>();
  const steps = new Map(pipeline.steps.map((step) => [step.name, step]));
  const make = (name: string): Job => {
    const known = made.get(name);
    if (known) return known;
    const step = steps.get(name);
    if (!step) throw new Error(`the parser accepted the unknown step ${name}`);
    const job = jobOf(step, idOf(name), step.needs.map(make));
    made.set(name, job);
    return job;
  };
  const jobs = pipeline.steps.map((step) => make(step.name));
  const order = new Map(jobs.map((job, index) => [job, index]));
  return jobs.map((job) => Object.assign(job, { handed: [...job.handed].sort((a, b) => (order.get(a) ?? 0) - (order.get(b) ?? 0)) }));
}

function jobOf(step: Step, id: string, needs: readonly Job[]): Job {
  const environment = step.deploy ?? step.verifies;
  const key = keyOf(step, needs);
  return {
    step,
    id,
    needs,
    handed: [...new Set(needs.flatMap((need) => [...need.handed, ...(need.step.outputs.length > 0 ? [need] : [])]))],
    ...(key && { key }),
    isRelease: environment !== undefined || needs.some((need) => need.isRelease),
    ...(environment !== undefined && { environment }),
  };
}

/** Returns the key of a step, as in a local run: it must declare its inputs, and all its needs must have a key. */
function keyOf(step: Step, needs: readonly Job[]): JobKey | undefined {
  // The values of inherited variables are unknown before the job runs.
  if (step.inputs === undefined || !isOwnCommand(step) || step.inherits?.length) return undefined;
  const keys = needs.flatMap((need) => need.key ?? []);
  if (keys.length < needs.length) return undefined;
  const parts = [step.run, step.env, step.secrets, step.outputs, keys.map((key) => key.digest)];
  return {
    inputs: [...new Set([...keys.flatMap((key) => key.inputs), ...step.inputs])],
    digest: createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 8),
  };
}

/** Returns whether a step is only its command: a CI service runs it without Deliver. */
export function isOwnCommand(step: Step): boolean {
  return step.run !== undefined && step.verifies === undefined;
}

/**
 * Returns the folders that a local run puts on the PATH of a step, relative to the root: `node_modules/.bin` from the service's folder up.
 * Empty where they cannot matter: npm adds them itself.
 */
export function programFolders(job: Job, folder: string, { repository }: ExportOptions): string[] {
  const { run = '' } = job.step;
  if (!isOwnCommand(job.step) || (isProgram(run) && /^npm /.test(run))) return [];
  const isUsed = [job, ...job.handed].some(({ step }) => [step.run, ...step.outputs].some((text) => text?.includes('node_modules')));
  const folders = foldersUp(folder).filter((each) => repository?.read(below(each, 'package.json')) !== undefined);
  return (isUsed ? [...new Set([folder, ...folders])] : folders).map((each) => below(each, 'node_modules/.bin'));
}

/** Returns whether an earlier job installed the packages of npm. */
export function hasNodeModules({ handed }: Job): boolean {
  return handed.some(({ step }) => step.outputs.some((output) => output.includes('node_modules')));
}

/** The time after which a job without a longer timeout counts as hanging. */
export const jobMinutes = 60;

/** Returns the time that a job may take: the timeouts of its attempts, and time for its preparation. */
export function minutesOf({ timeoutMs = 0 }: Step, attempts: number): number {
  return Math.max(jobMinutes, Math.ceil((timeoutMs * attempts) / 60_000) + 10);
}

/** Returns the steps that others need and that have no outputs: on another machine their files are lost. */
export function stepsWithoutOutputs(jobs: readonly Job[]): string[] {
  const needed = new Set(jobs.flatMap((job) => job.needs));
  return [...needed].filter(({ step }) => isOwnCommand(step) && step.outputs.length === 0).map(({ step }) => step.name);
}

/** Returns a function that maps names of delivery.yaml to unique names of a CI service. `adapt` returns the nearest valid name. */
export function distinctNames(names: readonly string[], adapt: (name: string) => string): (name: string) => string {
  const taken = new Set<string>();
  const mapped = new Map<string, string>();
  const take = (name: string, wanted: string): void => {
    let free = wanted;
    for (let number = 2; taken.has(free.toLowerCase()); number++) free = `${wanted}-${number}`;
    taken.add(free.toLowerCase());
    mapped.set(name, free);
  };
  // Valid names stay, whatever the others are mapped to.
  for (const name of names) if (adapt(name) === name && !taken.has(name.toLowerCase())) take(name, name);
  for (const name of names) if (!mapped.has(name)) take(name, adapt(name));
  return (name) => mapped.get(name) ?? adapt(name);
}

/** Returns the warnings that hold for every CI service. `runner` is how a file selects a self-hosted machine. */
export function commonWarnings(pipeline: Pipeline, jobs: readonly Job[], { runner }: { readonly runner: string }): string[] {
  const environments = [...new Set(jobs.flatMap((job) => job.environment ?? []))];
  const secrets = [...new Set(pipeline.steps.flatMap((step) => step.secrets))];
  return [
    ...environments.map(
      (name) => `the releases of ${name} are recorded on the machine that deploys: its jobs need one permanent machine (${runner})`,
    ),
    ...(secrets.length > 0 ? [`${pipeline.service} needs the secrets ${secrets.join(', ')} on the CI service`] : []),
  ];
}
