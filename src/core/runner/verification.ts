import { ciServices } from '../ci/registry';
import { spawn } from 'node:child_process';
import type { Environment } from '../environments/environment';
import type { Pipeline, Step } from '../model/pipeline';
import type { ProcessIdentity, Release, StepState } from '../model/events';
import type { Journal } from '../history/journal';
import { ownIdentity } from '../process/process-identity';
import type { WatchedRelease } from './release-watch';

/** Decides what becomes of the releases that steps deploy. */
export interface ReleaseGuard {
  /** The process that has to verify them; absent: another one will. */
  readonly owner?: ProcessIdentity;
  /** Where an environment answers that was not deployed to here. */
  addressOf?(environment: string): string | undefined;
  /** A release is live and not yet verified. */
  deployed(environment: Environment, release: Release, previous: Release | undefined): Promise<void>;
  /** A step has ended. */
  ended(step: Step, state: StepState): Promise<void>;
  /** Nothing more will run. Answers why the run cannot count as passed though its steps did, if that is so. */
  finish(): Promise<string | undefined>;
}

interface Pending {
  readonly environment: Environment;
  readonly release: Release;
  readonly previous: Release | undefined;
  /** The steps that have yet to verify it. */
  readonly left: Set<string>;
  /** When it went live, in milliseconds since the epoch. */
  readonly liveAt: number;
}

/**
 * Watches over what a run deployed: a release stays when every step that verifies its environment
 * has passed; as soon as one does not, the previous release is brought back.
 */
export class Verification implements ReleaseGuard {
  readonly owner = ownIdentity();
  /** Why a release that was verified is not live all the same. */
  private lost: string | undefined;
  private readonly pending = new Map<string, Pending>();

  constructor(
    private readonly pipeline: Pipeline,
    private readonly journal: Journal,
    /** How the command line is called. */
    private readonly program: readonly string[],
  ) {}

  /** A release is live and not yet verified. */
  async deployed(environment: Environment, release: Release, previous: Release | undefined): Promise<void> {
    const verifying = this.pipeline.steps.filter((step) => step.verifies === environment.name);
    const pending = { environment, release, previous, left: new Set(verifying.map((step) => step.name)), liveAt: Date.now() };
    if (verifying.length === 0) await this.settle(pending);
    else this.pending.set(environment.name, pending);
  }

  /** A step that verifies an environment has ended in `state`. Every other step passes through. */
  async ended(step: Step, state: StepState): Promise<void> {
    const pending = step.verifies === undefined ? undefined : this.pending.get(step.verifies);
    if (!pending) return;
    if (state !== 'passed') return this.giveBack(pending, `${step.name} ${state === 'failed' ? 'failed' : `was ${state}`}`);
    this.journal.append({ type: 'verified', environment: pending.environment.name, step: step.name });
    pending.left.delete(step.name);
    if (pending.left.size > 0) return;
    this.pending.delete(pending.environment.name);
    await this.settle(pending);
  }

  /**
   * Nothing more will run: what was not verified until now never will be. Answers why the run cannot
   * count as passed though its steps did, if that is so.
   */
  async finish(): Promise<string | undefined> {
    for (const pending of [...this.pending.values()]) await this.giveBack(pending, `${[...pending.left].join(', ')} did not run`);
    return this.lost;
  }

  private async settle({ environment, release, previous }: Pending): Promise<void> {
    const settled = await environment.settle(this.pipeline.service, release.id);
    if (!settled.ok) this.lost = settled.failure.message;
    else if (previous) keepWatch(this.pipeline, environment.name, release, this.journal, this.program, true);
  }

  private async giveBack({ environment, release, liveAt }: Pending, reason: string): Promise<void> {
    this.pending.delete(environment.name);
    const back = await environment.rollBack(this.pipeline.service, { only: release.id });
    if (back.ok)
      this.journal.append({
        type: 'rolled-back',
        environment: environment.name,
        from: release,
        ...(back.value.to && { to: back.value.to }),
        reason,
        errorsMs: Date.now() - liveAt,
      });
    else this.journal.append({ type: 'notice', message: `${environment.name} could not be rolled back: ${back.failure.message}` });
  }
}

/**
 * A release is watched for a while after it was verified. Nobody need wait for that: a process of its own does,
 * and tells it in the journal. `program` is how the command line is called, `isOnRecord` says that the deployment is told to the CI service
 * of the team with the tokens that this process has.
 */
export function keepWatch(
  pipeline: Pipeline,
  environment: string,
  release: Release,
  journal: Journal,
  program: readonly string[],
  isOnRecord: boolean,
): void {
  const ms = pipeline.environments[environment]?.watchMs ?? 0;
  const [first, ...args] = program;
  if (ms === 0 || first === undefined) return;
  const jobMarks = ciServices.flatMap((service) => service.jobMarks ?? []);
  const watched: WatchedRelease = { environment, service: pipeline.service, release: release.id, journal: journal.folder, ms, isOnRecord };
  const child = spawn(first, [...args, 'watch-release', JSON.stringify(watched)], {
    env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !jobMarks.includes(name))),
    stdio: 'ignore',
    detached: true,
    windowsHide: true,
  });
  child.on('error', (error) => journal.append({ type: 'notice', message: `${environment} is not watched: ${error.message}` }));
  child.unref();
}
