import type { Mask } from '../../support/masking';
import type { Step } from '../../model/pipeline';
import type { EventBody } from '../../model/events';
import type { ProblemReporter } from '../../logs/problem-reporter';
import type { StepProgress } from '../../model/run-state';
import { FollowedLog, type LogRead } from './followed-log';
import { afterAttempt, JobLog } from './job-log';
import { markedLines } from './marked-lines';
import type { CiClient, CiFailure, RemoteJob, RemoteRun } from '../ci-client';
import { mark, newJobEvents } from './job-events';
import type { RunRecorder } from './run-recorder';

export interface FollowingJobs {
  readonly engine: CiClient;
  /** The steps of the pipeline that the run delivers. */
  readonly steps: readonly Step[];
  readonly mask: () => Mask;
  /** Searches what a step left for what went wrong in it. */
  readonly problems: Pick<ProblemReporter, 'report'>;
  /** The run and job that `problems` is asked about now. */
  readonly asked: (run: RemoteRun, job: RemoteJob) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** A step of which a job tells. */
interface FollowedJob {
  job: RemoteJob;
  readonly log: FollowedLog;
  /** The journal tells how it ended. */
  isTold: boolean;
  /** It was skipped, and runs after all. */
  wasSkipped?: boolean;
  /** It runs once more what another job ran, and the journal does not tell it yet. */
  isFurther?: boolean;
}

/** Tells of the jobs of a run as of its steps: when each began, what it prints, how it ended and what went wrong in it. */
export class JobFollower {
  private readonly followed = new Map<string, FollowedJob>();

  constructor(
    private readonly given: FollowingJobs,
    private readonly told: RunRecorder,
  ) {}

  /** Answers why not all could be told that the engine knows of the job. */
  async follow(run: RemoteRun, job: RemoteJob, signal: AbortSignal): Promise<CiFailure | undefined> {
    const step = this.stepOf(job);
    const known = this.followed.get(job.name);
    if (known && known.job.id !== job.id) {
      if (isOlder(job, known.job)) return undefined;
      const failure = await this.replaced(run, known, signal);
      if (failure) return failure;
      this.followed.set(job.name, { job, log: this.logOf(job), isTold: false, isFurther: true });
    } else if (isBehind(step, job, known)) return undefined;
    // What was told of this very attempt before this process followed it stands.
    const wasTold = hasEnded(step) && (step.attempt >= job.attempt || step.attempt === 0);
    const followed = this.followed.get(job.name) ?? { job, log: this.logOf(job), isTold: wasTold };
    this.followed.set(job.name, followed);
    followed.job = job;
    // A job that is skipped may run after all, when one that it needs is run again. None that has begun is skipped.
    if (step.state === 'skipped' && job.state !== 'skipped' && job.startedAt !== undefined)
      Object.assign(followed, { isTold: false, wasSkipped: true });
    if (followed.isTold) return undefined;
    switch (job.state) {
      case 'waiting':
        return this.waits(step, job);
      case 'running':
        this.starts(step, followed);
        return this.given.engine.logs === 'live' ? this.readOn(run, followed, signal) : undefined;
      case 'kept':
        return this.ends(followed, { state: 'cached', reason: 'it passed in an earlier attempt' });
      case 'skipped':
        return this.ends(followed, { state: 'skipped', ...reasonOf(job) });
      case 'cancelled':
      case 'passed':
      case 'failed':
        if (job.startedAt !== undefined || job.hasLog) this.starts(step, followed);
        return this.completes(run, followed, signal);
    }
  }

  /** Nothing more will come of any of them. */
  close(): void {
    for (const { log } of this.followed.values()) log.close();
    this.followed.clear();
  }

  /** They go on; this process does not. */
  leave(): void {
    for (const { log } of this.followed.values()) log.leave();
    this.followed.clear();
  }

  private waits(step: StepProgress, { name, reason, approval }: RemoteJob): undefined {
    if (step.state !== 'waiting' || reason === undefined || (step.reason === reason && step.approval === approval)) return;
    this.told.tell({ type: 'step-waits', step: name, reason, ...(approval !== undefined && { approval }) });
  }

  private starts(step: StepProgress, followed: FollowedJob): void {
    const { name, attempt, startedAt } = followed.job;
    if (step.state === 'running' && step.attempt === attempt && !followed.isFurther) return;
    const logFrom = step.attempt > 0 ? afterAttempt(this.told.logFile(name), step.attempt) : 0;
    followed.isFurther = false;
    const since = startedAt === undefined ? {} : { since: startedAt };
    this.told.tell({ type: 'step-started', step: name, attempt, ...since, ...(logFrom > 0 && { logFrom }) });
  }

  private async readOn(run: RemoteRun, { job, log }: FollowedJob, signal: AbortSignal): Promise<CiFailure | undefined> {
    if (!job.hasLog) return undefined;
    const before = log.received;
    const failure = await log.readOn(run, job, signal);
    if (log.received > before) this.told.hasChanged = true;
    return failure;
  }

  /** A step has ended when its whole log is here: what is told of it afterwards would come too late. */
  private async completes(run: RemoteRun, followed: FollowedJob, signal: AbortSignal): Promise<CiFailure | undefined> {
    const { job } = followed;
    const state = job.state === 'passed' || job.state === 'failed' ? job.state : 'cancelled';
    if (job.hasLog) {
      const read = await this.readToEnd(run, followed, signal);
      if (!read.isWhole) return read.failure;
    } else followed.log.leave(); // it was erased
    const log = job.hasLog ? followed.log.ended() : undefined;
    const step = this.definitionOf(job.name);
    this.forgetsProblems(job);
    if (log && (state === 'passed' || state === 'failed')) {
      this.given.asked(run, job);
      const began = Date.parse(job.startedAt ?? '') || this.given.now();
      await this.given.problems.report(step, { state, log: log.file, from: log.start, began, ...reasonOf(job) });
    }
    for (const event of log ? await this.deliveredBy(step, log) : []) this.told.tell(event);
    const isFlaky = state === 'passed' && job.attempt > (this.told.state.engine?.attempt ?? 1);
    return this.ends(followed, { state, ...(log && { log: log.file }), ...reasonOf(job), ...(isFlaky && { flaky: true }) });
  }

  private async readToEnd(run: RemoteRun, { job, log }: Pick<FollowedJob, 'job' | 'log'>, signal: AbortSignal): Promise<LogRead> {
    const read = await log.readToEnd(run, job, signal);
    if (read.isWhole && read.lacks !== undefined) this.told.notice(`the log of ${job.name} could not be read to its end: ${read.lacks}`);
    return read;
  }

  /** A process that ended while it told the problems of a step told some of them: the step begins anew, and all of them follow. */
  private forgetsProblems({ name, attempt, startedAt }: RemoteJob): void {
    const step = this.told.step(name);
    if (!step || step.problems.length === 0) return;
    const since = startedAt === undefined ? {} : { since: startedAt };
    this.told.tell({ type: 'step-started', step: name, attempt, ...since, ...(step.logFrom !== undefined && { logFrom: step.logFrom }) });
  }

  /** The engine runs the step again as another job. What the one before printed is read to its end first. */
  private async replaced(run: RemoteRun, { job, log, isTold }: FollowedJob, signal: AbortSignal): Promise<CiFailure | undefined> {
    if (isTold || !job.hasLog) return undefined;
    const read = await this.readToEnd(run, { job: { ...job, state: 'failed' }, log }, signal);
    if (!read.isWhole) return read.failure ?? { state: 'failed', reason: 'answer', message: `the log of ${job.name} is not whole yet` };
    log.close();
    return undefined;
  }

  private async deliveredBy(step: Step, { file, start }: JobLog): Promise<EventBody[]> {
    if (step.deploy === undefined && step.verifies === undefined) return [];
    return newJobEvents(await markedLines(file, start, mark), step, this.told.state);
  }

  private ends(followed: FollowedJob, end: Pick<StepProgress, 'state'> & Partial<StepProgress>): undefined {
    const { name, startedAt, finishedAt, exitCode } = followed.job;
    const { state, log, reason, flaky } = end;
    followed.isTold = true;
    const durationMs = Math.max(0, Date.parse(finishedAt ?? '') - Date.parse(startedAt ?? '')) || 0;
    this.told.tell({
      type: 'step-finished',
      step: name,
      state,
      durationMs,
      ...(exitCode !== undefined && { exitCode }),
      ...(log !== undefined && { log }),
      ...(reason !== undefined && { reason }),
      ...(flaky && { flaky }),
    });
  }

  private stepOf({ name }: RemoteJob): StepProgress {
    if (!this.told.step(name)) this.told.tell({ type: 'step-found', step: { name, needs: [], kind: 'run' } });
    const step = this.told.step(name);
    if (!step) throw new Error(`the step ${name} was told and is not there`);
    return step;
  }

  private definitionOf(name: string): Step {
    const step = this.given.steps.find((one) => one.name === name);
    return step ?? { name, needs: [], outputs: [], env: {}, secrets: [], reports: [], retries: 0 };
  }

  private logOf({ name }: RemoteJob): FollowedLog {
    const { engine, mask, now } = this.given;
    // What another process had read before is passed over; a further attempt comes after the one before it.
    const open = (): JobLog => new JobLog(this.told.logFile(name), this.told.step(name)?.logFrom ?? 0, engine.plain(), mask());
    return new FollowedLog(engine, open, now);
  }
}

export function hasEnded({ state }: StepProgress): boolean {
  return state !== 'waiting' && state !== 'running';
}

function reasonOf({ reason }: RemoteJob): { readonly reason?: string } {
  return reason === undefined ? {} : { reason };
}

/** None that has begun waits: an answer that says so is an old one. So is one that it is skipped, where it ran after that. */
function isBehind({ state, attempt }: StepProgress, job: RemoteJob, known: FollowedJob | undefined): boolean {
  const isBefore = job.state === 'waiting' || (job.state === 'skipped' && known?.wasSkipped === true);
  return state === 'running' && attempt === job.attempt && isBefore;
}

/** Engines count their jobs; an answer that names one before the known one is an old answer. */
function isOlder(job: RemoteJob, known: RemoteJob): boolean {
  return job.attempt < known.attempt || (job.attempt === known.attempt && known.state !== 'waiting' && Number(job.id) < Number(known.id));
}
