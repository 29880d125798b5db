import { messageOf } from '../model/result';
import { spawn } from 'node:child_process';
import { ciServices } from '../ci/registry';
import type { Environment } from '../environments/environment';
import type { Pipeline, Step } from '../model/pipeline';
import type { ProcessIdentity, Release, StepState } from '../model/events';
import type { Journal } from '../history/journal';
import type { Result } from '../model/result';
import { currentIdentity } from '../process/process-identity';
import type { WatchedRelease } from './release-watch';
import type { RepositoryHome } from '../support/home';
import { listRuns } from '../history/runs';

/** Decides whether deployed releases stay or are rolled back. */
export interface ReleaseGuard {
  /** The process that has to verify the releases; absent: another process will. */
  readonly owner?: ProcessIdentity;
  /** Returns the address of an environment that another job deployed to. */
  addressOf?(environment: string): string | undefined;
  /** A release is live and not yet verified. */
  deployed(environment: Environment, release: Release, previous: Release | undefined): Promise<void>;
  /** A step has ended. */
  ended(step: Step, state: StepState): Promise<void>;
  /** Called after the last step. Returns why the run has failed although its steps passed, or undefined. */
  finish(): Promise<string | undefined>;
}

interface Pending {
  readonly environment: Environment;
  readonly release: Release;
  readonly previous: Release | undefined;
  /** The steps that have not verified it yet. */
  readonly left: Set<string>;
  /** Milliseconds since the epoch. */
  readonly liveAt: number;
}

/** Guards the releases of a run: a release stays if every step that verifies its environment passes, and is rolled back otherwise. */
export class Verification implements ReleaseGuard {
  readonly owner = currentIdentity();
  /** The reason why a verified release is not live. */
  private lost: string | undefined;
  private readonly pending = new Map<string, Pending>();

  constructor(
    private readonly pipeline: Pipeline,
    private readonly journal: Journal,
    /** The command that starts this program. */
    private readonly program: readonly string[],
  ) {}

  async deployed(environment: Environment, release: Release, previous: Release | undefined): Promise<void> {
    const verifying = this.pipeline.steps.filter((step) => step.verifies === environment.name);
    const pending = { environment, release, previous, left: new Set(verifying.map((step) => step.name)), liveAt: Date.now() };
    if (verifying.length === 0) await this.settle(pending);
    else this.pending.set(environment.name, pending);
  }

  async ended(step: Step, state: StepState): Promise<void> {
    const pending = step.verifies === undefined ? undefined : this.pending.get(step.verifies);
    if (!pending) return;
    if (state !== 'passed') return this.rollBack(pending, `${step.name} ${state === 'failed' ? 'failed' : `was ${state}`}`);
    this.journal.append({ type: 'verified', environment: pending.environment.name, step: step.name });
    pending.left.delete(step.name);
    if (pending.left.size > 0) return;
    this.pending.delete(pending.environment.name);
    await this.settle(pending);
  }

  async finish(): Promise<string | undefined> {
    for (const pending of [...this.pending.values()]) await this.rollBack(pending, `${[...pending.left].join(', ')} did not run`);
    return this.lost;
  }

  private async settle({ environment, release, previous, liveAt }: Pending): Promise<void> {
    this.lost = await settle(this.pipeline, this.journal, environment, release, liveAt);
    if (this.lost === undefined && previous) keepWatch(this.pipeline, environment.name, release, this.journal, this.program, true);
  }

  private async rollBack({ environment, release, liveAt }: Pending, reason: string): Promise<void> {
    this.pending.delete(environment.name);
    await rollBack(this.pipeline, this.journal, environment, release, reason, liveAt);
  }
}

/** Confirms a verified release. Returns the reason if it is no longer live. */
async function settle(
  { service }: Pipeline,
  journal: Journal,
  environment: Environment,
  release: Release,
  liveAt: number,
): Promise<string | undefined> {
  const settled = await persist(async () => environment.settle(service, release.id));
  if (settled.ok) return undefined;
  // The environment may have restored the previous release, because its supervisor was killed.
  const { current } = liveIn(environment, service);
  if (current?.id !== release.id) recordRollback(journal, environment, release, current, settled.failure.message, liveAt);
  return settled.failure.message;
}

/** Rolls an unverified release back and records it. */
async function rollBack(
  { service }: Pipeline,
  journal: Journal,
  environment: Environment,
  release: Release,
  reason: string,
  liveAt: number,
): Promise<void> {
  // `only`: another delivery may have deployed a newer release, which must stay.
  const back = await persist(async () => environment.rollBack(service, { only: release.id }));
  if (back.ok) return recordRollback(journal, environment, release, back.value.to, reason, liveAt);
  const { current, isKnown } = liveIn(environment, service);
  if (isKnown && current?.id !== release.id) return recordRollback(journal, environment, release, current, reason, liveAt);
  journal.append({ type: 'notice', message: `${environment.name} could not be rolled back: ${back.failure.message}` });
}

/** Repeats an action once if the machinery failed: a supervisor that was killed leaves its work to its successor. */
async function persist<T>(act: () => Promise<Result<T>>): Promise<Result<T>> {
  const first = await act();
  return first.ok || first.failure.kind !== 'machinery' ? first : act();
}

function liveIn(environment: Environment, service: string): { readonly isKnown: boolean; readonly current: Release | undefined } {
  const status = environment.status().find((one) => one.service === service);
  return { isKnown: status !== undefined, current: status?.release };
}

function recordRollback(
  journal: Journal,
  { name: environment }: Environment,
  from: Release,
  to: Release | undefined,
  reason: string,
  liveAt: number,
): void {
  journal.append({ type: 'rolled-back', environment, from, ...(to && { to }), reason, errorsMs: Date.now() - liveAt });
}

/**
 * Starts a detached process that watches a verified release and records a rollback in the journal. `isOnRecord`: the
 * rollback is also recorded at the team's CI service, with the tokens of this process.
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
  const jobVariables = ciServices.flatMap(({ jobMarks = [] }) => jobMarks);
  const watched: WatchedRelease = {
    environment,
    service: pipeline.service,
    release: release.id,
    journal: journal.folder,
    ms,
    isOnRecord,
    secrets: [...new Set(pipeline.steps.flatMap(({ secrets }) => secrets))],
  };
  const child = spawn(first, [...args, 'watch-release', JSON.stringify(watched)], {
    env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !jobVariables.includes(name))),
    stdio: 'ignore',
    detached: true,
    windowsHide: true,
  });
  child.on('error', (error) => journal.append({ type: 'notice', message: `${environment} is not watched: ${messageOf(error)}` }));
  child.unref();
}

/** A release that an earlier job deployed and this job verifies. */
export interface ReleaseToVerify {
  readonly environment: Environment;
  readonly release: Release;
  readonly previous?: Release;
  readonly url: string;
}

/**
 * Guards a release if each step is a separate job of a CI service. The release stays unverified until all jobs that verify
 * it have ended. The first job that does not pass rolls it back.
 */
export class JobVerification implements ReleaseGuard {
  private lost: string | undefined;

  constructor(
    private readonly pipeline: Pipeline,
    private readonly journal: Journal,
    private readonly home: RepositoryHome,
    /** The command that starts this program. */
    private readonly program: readonly string[],
    private readonly verified?: ReleaseToVerify,
  ) {}

  addressOf(environment: string): string | undefined {
    return this.verified?.environment.name === environment ? this.verified.url : undefined;
  }

  async deployed(environment: Environment, release: Release, previous: Release | undefined): Promise<void> {
    if (this.verifying(environment.name).length === 0) await this.settle(environment, release, previous);
  }

  async ended(step: Step, state: StepState): Promise<void> {
    if (step.verifies === undefined || !this.verified) return;
    const { environment, release, previous } = this.verified;
    if (state !== 'passed') return this.rollBack(environment, release, `${step.name} ${state === 'failed' ? 'failed' : `was ${state}`}`);
    this.journal.append({ type: 'verified', environment: environment.name, step: step.name });
    const left = this.verifying(environment.name).filter((other) => other.name !== step.name && !this.hasPassed(other, release));
    if (left.length === 0) await this.settle(environment, release, previous);
    else this.journal.append({ type: 'notice', message: `${left.map(({ name }) => name).join(', ')} still verifies this release` });
  }

  async finish(): Promise<string | undefined> {
    return Promise.resolve(this.lost);
  }

  private verifying(environment: string): Step[] {
    return this.pipeline.steps.filter((step) => step.verifies === environment);
  }

  /** Returns true if this machine has recorded that another job verified this release. */
  private hasPassed(step: Step, release: Release): boolean {
    return listRuns(this.home, { service: this.pipeline.service }).some(
      (run) =>
        run.outcome === 'passed' &&
        run.change.commit === release.commit &&
        run.id > release.id &&
        run.steps.some((one) => one.name === step.name && one.state === 'passed'),
    );
  }

  private async settle(environment: Environment, release: Release, previous: Release | undefined): Promise<void> {
    this.lost = await settle(this.pipeline, this.journal, environment, release, Date.parse(release.deployedAt));
    if (this.lost === undefined && previous) keepWatch(this.pipeline, environment.name, release, this.journal, this.program, false);
  }

  private async rollBack(environment: Environment, from: Release, reason: string): Promise<void> {
    await rollBack(this.pipeline, this.journal, environment, from, reason, Date.parse(from.deployedAt));
  }
}
