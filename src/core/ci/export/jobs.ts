import { createHash } from 'node:crypto';
import type { Pipeline, Step } from '../../model/pipeline';

/** A step as a job of a CI service: what it needs of the jobs before it. */
export interface Job {
  readonly step: Step;
  /** Its name on the engine. */
  readonly id: string;
  readonly needs: readonly Job[];
  /** The jobs before it, direct or not, whose outputs it may read; in the file's order. */
  readonly handed: readonly Job[];
  /** What decides whether its outputs stand; absent where it runs every time, as in a local run. */
  readonly key?: JobKey;
  /** It deploys, verifies, or comes after one that does. */
  readonly isRelease: boolean;
  /**
   * The environment that it deploys to or verifies. What is live in one, and what can be brought back, is on
   * record on the machine that deploys to it.
   */
  readonly environment?: string;
}

export interface JobKey {
  /** Globs of its own inputs and those of all jobs before it. */
  readonly inputs: readonly string[];
  /** Of the commands, variables and outputs of the same jobs. */
  readonly digest: string;
}

/** The jobs of a pipeline, in the file's order. `idOf` names each on the engine, uniquely. */
export function jobsOf(pipeline: Pipeline, idOf: (step: string) => string): readonly Job[] {
  const made = new Map<string, Job>();
  const steps = new Map(pipeline.steps.map((step) => [step.name, step]));
  const make = (name: string): Job => {
    const known = made.get(name);
    if (known) return known;
    const step = steps.get(name);
    if (!step) throw new Error(`the parser let the unknown step ${name} pass`);
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

/** As in a local run: a step has a key where it names its inputs and all that it needs have one. */
function keyOf(step: Step, needs: readonly Job[]): JobKey | undefined {
  if (step.inputs === undefined || !isOwnCommand(step)) return undefined;
  const keys = needs.flatMap((need) => need.key ?? []);
  if (keys.length < needs.length) return undefined;
  const parts = [step.run, step.env, step.secrets, step.outputs, keys.map((key) => key.digest)];
  return {
    inputs: [...new Set([...keys.flatMap((key) => key.inputs), ...step.inputs])],
    digest: createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 8),
  };
}

/** Its command is the whole of it: a CI service needs no Deliver for it. */
export function isOwnCommand(step: Step): boolean {
  return step.run !== undefined && step.verifies === undefined;
}

/** Whether programs that earlier jobs installed with a package manager are called by their names. */
export function hasPrograms(job: Job): boolean {
  return job.handed.some(({ step }) => step.outputs.some((output) => /(^|\/)node_modules(\/|$)/.test(output)));
}

/** Steps that others need and that hand nothing on: on another machine, what they leave is gone. */
export function handingNothingOn(jobs: readonly Job[]): string[] {
  const needed = new Set(jobs.flatMap((job) => job.needs));
  return [...needed].filter(({ step }) => isOwnCommand(step) && step.outputs.length === 0).map(({ step }) => step.name);
}
