import type { Mask } from '../../support/masking';
import type { Step } from '../../model/pipeline';
import type { EventBody } from '../../model/events';
import type { ProblemReporter } from '../../logs/problem-reporter';
import { fold, type RunState, type StepProgress } from '../../model/run-state';
import { afterAttempt, FollowedLog, jobEventMark, JobLog, markedLines, newJobEvents, type LogRead } from './job-log';
import type { CiClient, CiFailure, RemoteJob, RemoteRun } from '../ci-client';
import type { Journal } from '../../history/journal';
import { logFile } from '../../support/home';

export interface FollowingJobs {
  readonly client: CiClient;
  readonly steps: readonly Step[];
  readonly mask: () => Mask;
  /** Finds the problems in the log and reports of a step. */
  readonly problems: Pick<ProblemReporter, 'report'>;
  /** Sets the run and job that `problems` reports on next. */
  readonly setProblemSource: (run: RemoteRun, job: RemoteJob) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** A job that is followed as a step. */
interface FollowedJob {
  job: RemoteJob;
  readonly log: FollowedLog;
  /** The journal has the end of the step. */
  isRecorded: boolean;
  /** The job was skipped earlier, and runs now. */
  wasSkipped?: boolean;
  /** The CI service runs the step as a new job, and the journal does not have its start yet. */
  isFurther?: boolean;
}

/** Records the jobs of a run as steps: start, log, problems and end. */
export class JobFollower {
  private readonly followed = new Map<string, FollowedJob>();

  constructor(
    private readonly options: FollowingJobs,
    private readonly recorder: RunRecorder,
  ) {}

  /** Records the current state of a job. Returns the failure that kept a part from being read. */
  async follow(run: RemoteRun, job: RemoteJob, signal: AbortSignal): Promise<CiFailure | undefined> {
    const step = this.stepOf(job);
    const known = this.followed.get(job.name);
    if (known && known.job.id !== job.id) {
      if (isOlder(job, known.job)) return undefined;
      const failure = await this.completeReplaced(run, known, signal);
      if (failure) return failure;
      this.followed.set(job.name, { job, log: this.logOf(job), isRecorded: false, isFurther: true });
    } else if (isBehind(step, job, known)) return undefined;
    // The journal has this attempt already, from an earlier process.
    const isKnown = hasEnded(step) && (step.attempt >= job.attempt || step.attempt === 0);
    const followed = this.followed.get(job.name) ?? { job, log: this.logOf(job), isRecorded: isKnown };
    this.followed.set(job.name, followed);
    followed.job = job;
    // A skipped job may run later, if a job that it needs runs again. A job that has started is never skipped.
    if (step.state === 'skipped' && job.state !== 'skipped' && job.startedAt !== undefined)
      Object.assign(followed, { isRecorded: false, wasSkipped: true });
    if (followed.isRecorded) return undefined;
    switch (job.state) {
      case 'waiting':
        return this.recordWaiting(step, job);
      case 'running':
        this.recordStart(step, followed);
        return this.options.client.logs === 'live' ? this.readMore(run, followed, signal) : undefined;
      case 'kept':
        return this.recordEnd(followed, { state: 'cached', reason: 'it passed in an earlier attempt' });
      case 'skipped':
        return this.recordEnd(followed, { state: 'skipped', reason: job.reason });
      case 'cancelled':
      case 'passed':
      case 'failed':
        if (job.startedAt !== undefined || job.hasLog) this.recordStart(step, followed);
        return this.complete(run, followed, signal);
    }
  }

  /** Closes all logs at the end of the run. */
  close(): void {
    for (const { log } of this.followed.values()) log.close();
    this.followed.clear();
  }

  /** Stops following while the jobs are still running. */
  leave(): void {
    for (const { log } of this.followed.values()) log.leave();
    this.followed.clear();
  }

  private recordWaiting(step: StepProgress, { name, reason, approval }: RemoteJob): undefined {
    if (step.state !== 'waiting' || reason === undefined || (step.reason === reason && step.approval === approval)) return;
    this.recorder.record({ type: 'step-waits', step: name, reason, approval });
  }

  private recordStart(step: StepProgress, followed: FollowedJob): void {
    const { name, attempt, startedAt } = followed.job;
    if (step.state === 'running' && step.attempt === attempt && !followed.isFurther) return;
    const logFrom = step.attempt > 0 ? afterAttempt(this.recorder.logFile(name), step.attempt) : 0;
    followed.isFurther = false;
    this.recorder.record({ type: 'step-started', step: name, attempt, since: startedAt, logFrom: logFrom > 0 ? logFrom : undefined });
  }

  private async readMore(run: RemoteRun, { job, log }: FollowedJob, signal: AbortSignal): Promise<CiFailure | undefined> {
    if (!job.hasLog) return undefined;
    const before = log.received;
    const failure = await log.readMore(run, job, signal);
    if (log.received > before) this.recorder.hasChanged = true;
    return failure;
  }

  /** Ends a step once its log is complete: problems that are found later would be missed. */
  private async complete(run: RemoteRun, followed: FollowedJob, signal: AbortSignal): Promise<CiFailure | undefined> {
    const { job } = followed;
    const state = job.state === 'passed' || job.state === 'failed' ? job.state : 'cancelled';
    if (job.hasLog) {
      const read = await this.readToEnd(run, followed, signal);
      if (!read.isWhole) return read.failure;
    } else followed.log.leave(); // the log was erased
    const log = job.hasLog ? followed.log.finish() : undefined;
    const step = this.definitionOf(job.name);
    this.restartIfPartlyRecorded(job);
    if (log && (state === 'passed' || state === 'failed')) {
      this.options.setProblemSource(run, job);
      await this.options.problems.report(step, { state, log: log.file, from: log.start, reason: job.reason });
    }
    for (const event of log ? await this.newEventsIn(step, log) : []) this.recorder.record(event);
    const isFlaky = state === 'passed' && job.attempt > (this.recorder.state.engine?.attempt ?? 1);
    return this.recordEnd(followed, { state, log: log?.file, reason: job.reason, flaky: isFlaky || undefined });
  }

  private async readToEnd(run: RemoteRun, { job, log }: Pick<FollowedJob, 'job' | 'log'>, signal: AbortSignal): Promise<LogRead> {
    const read = await log.readToEnd(run, job, signal);
    if (read.isWhole && read.lacks !== undefined)
      this.recorder.notice(`the log of ${job.name} could not be read to its end: ${read.lacks}`);
    return read;
  }

  /** Starts the step again if an earlier process exited while it recorded the problems: all of them follow. */
  private restartIfPartlyRecorded({ name, attempt, startedAt }: RemoteJob): void {
    const step = this.recorder.step(name);
    if (!step || step.problems.length === 0) return;
    this.recorder.record({ type: 'step-started', step: name, attempt, since: startedAt, logFrom: step.logFrom });
  }

  /** Reads the old job's log to its end when the CI service runs the step again as another job. */
  private async completeReplaced(
    run: RemoteRun,
    { job, log, isRecorded }: FollowedJob,
    signal: AbortSignal,
  ): Promise<CiFailure | undefined> {
    if (isRecorded || !job.hasLog) return undefined;
    const read = await this.readToEnd(run, { job: { ...job, state: 'failed' }, log }, signal);
    if (!read.isWhole) return read.failure ?? { state: 'failed', reason: 'answer', message: `the log of ${job.name} is incomplete so far` };
    log.close();
    return undefined;
  }

  private async newEventsIn(step: Step, { file, start }: JobLog): Promise<EventBody[]> {
    if (step.deploy === undefined && step.verifies === undefined) return [];
    return newJobEvents(await markedLines(file, start, jobEventMark), step, this.recorder.state);
  }

  private recordEnd(followed: FollowedJob, end: Pick<StepProgress, 'state'> & Partial<StepProgress>): undefined {
    const { name, startedAt, finishedAt, exitCode } = followed.job;
    const { state, log, reason, flaky } = end;
    followed.isRecorded = true;
    const durationMs = Math.max(0, Date.parse(finishedAt ?? '') - Date.parse(startedAt ?? '')) || 0;
    this.recorder.record({
      type: 'step-finished',
      step: name,
      state,
      durationMs,
      exitCode,
      log,
      reason,
      flaky,
    });
  }

  private stepOf({ name }: RemoteJob): StepProgress {
    if (!this.recorder.step(name)) this.recorder.record({ type: 'step-found', step: { name, needs: [], kind: 'run' } });
    const step = this.recorder.step(name);
    if (!step) throw new Error(`the step ${name} was recorded, but is missing`);
    return step;
  }

  private definitionOf(name: string): Step {
    const step = this.options.steps.find((candidate) => candidate.name === name);
    return step ?? { name, needs: [], outputs: [], env: {}, secrets: [], reports: [], retries: 0 };
  }

  private logOf({ name }: RemoteJob): FollowedLog {
    const { client, mask, now } = this.options;
    // The part that an earlier process has read is skipped. The log of a further attempt is appended.
    const open = (): JobLog => new JobLog(this.recorder.logFile(name), this.recorder.step(name)?.logFrom ?? 0, client.plain(), mask());
    return new FollowedLog(client, open, now);
  }
}

export function hasEnded({ state }: StepProgress): boolean {
  return state !== 'waiting' && state !== 'running';
}

/** Returns whether an answer is outdated: a started job does not wait, and a job that ran after it was skipped is not skipped. */
function isBehind({ state, attempt }: StepProgress, job: RemoteJob, known: FollowedJob | undefined): boolean {
  const isBefore = job.state === 'waiting' || (job.state === 'skipped' && known?.wasSkipped === true);
  return state === 'running' && attempt === job.attempt && isBefore;
}

/** Returns whether an answer is outdated because its job precedes the known one: ids and attempts only increase. */
function isOlder(job: RemoteJob, known: RemoteJob): boolean {
  return job.attempt < known.attempt || (job.attempt === known.attempt && known.state !== 'waiting' && Number(job.id) < Number(known.id));
}

/** A run with its journal. Recorded events change the state at once. */
export class RunRecorder {
  /** An event was recorded or a log grew since the last look began. */
  hasChanged = false;

  constructor(
    private current: RunState,
    private readonly journal: Journal,
  ) {}

  get state(): RunState {
    return this.current;
  }

  step(name: string): StepProgress | undefined {
    return this.current.steps.find((step) => step.name === name);
  }

  logFile(step: string): string {
    return logFile(this.journal.folder, step);
  }

  record(body: EventBody): void {
    this.hasChanged = true;
    this.current = fold(this.current, this.journal.append(body)) ?? this.current;
  }

  notice(message: string): void {
    if (!this.current.notices.includes(message)) this.record({ type: 'notice', message });
  }
}
