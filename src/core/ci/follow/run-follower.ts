import type { EventBody, Outcome } from '../../model/events';
import type { Journal } from '../../history/journal';
import type { RunState } from '../../model/run-state';
import { hasEnded, JobFollower, RunRecorder, type FollowingJobs } from './job-follower';
import type { CiFailure, RemoteRun } from '../ci-client';

export interface Following extends FollowingJobs {
  /** The state that the journal describes so far, with the start of the run. */
  readonly state: RunState;
  readonly journal: Journal;
}

/** The result of one look. */
export interface Look {
  readonly isOver: boolean;
  readonly hasChanged: boolean;
  readonly isWaiting: boolean;
  readonly failure?: CiFailure;
}

/** How long the jobs of a run may contradict its end. */
const endPatienceMs = 60_000;
/** How long after the end of a run an answer may still show an older state of its jobs. */
const settleMs = 10_000;
/** Longer pauses do not count: the machine slept, or the rate limit was reached. */
const longestWaitMs = 15_000;
/** How long a new run may be missing: replicas of a CI service learn of it with a delay. */
const newMs = 30_000;

/** Records a run of a CI service in its journal, look by look. Recorded events stand: outdated answers and failed looks change nothing. */
export class RunFollower {
  private readonly told: RunRecorder;
  private readonly jobs: JobFollower;
  /** How long the run has been over, and when that was last counted. */
  private over: { readonly ms: number; readonly at: number } | undefined;
  /** Since when the run is missing; `seen`: it existed before. */
  private absent: 'seen' | number | undefined;

  constructor(private readonly given: Following) {
    this.told = new RunRecorder(given.state, given.journal);
    this.jobs = new JobFollower(given, this.told);
  }

  async look(signal: AbortSignal): Promise<Look> {
    const { engine, state, now } = this.given;
    this.told.hasChanged = false;
    const answer = await engine.read(state.engine?.id ?? '', signal, state.engine?.attempt);
    if (answer.state === 'failed') return answer.gone ? this.gone(answer) : this.result(false, answer);
    const run = answer.value;
    this.absent = 'seen';
    // An earlier attempt than the followed one comes from a cache on the way.
    if (run.attempt < (state.engine?.attempt ?? 1)) return this.result(false);
    const isOver = run.state !== 'waiting' && run.state !== 'running';
    const passed = this.over ? this.over.ms + Math.min(now() - this.over.at, longestWaitMs) : 0;
    this.over = isOver ? { ms: passed, at: now() } : undefined;
    let failure: CiFailure | undefined;
    for (const job of run.jobs)
      if (this.told.step(job.name) || this.isSettled) failure = (await this.jobs.follow(run, job, signal)) ?? failure;
    if (signal.aborted || failure) return this.result(false, failure);
    return this.result(this.end(run));
  }

  /** Records whether the CI service answers, once per change. */
  heard(body: Omit<Extract<EventBody, { type: 'engine-heard' }>, 'type'>): void {
    const before = this.told.state.engine?.heard;
    const same = body.state === 'answers' ? !before : before?.state === body.state && before.message === body.message;
    if (!same) this.told.tell({ type: 'engine-heard', ...body });
  }

  notice(message: string): void {
    this.told.notice(message);
  }

  /** Ends the journal, whatever happens to the run. */
  finish(outcome: Outcome, reason?: string): void {
    this.jobs.close();
    this.told.tell({ type: 'run-finished', outcome, ...(reason !== undefined && { reason }) });
  }

  /** Stops following while the run is still running. */
  leave(): void {
    this.jobs.leave();
  }

  private gone({ gone: _, ...failure }: CiFailure): Look {
    const { message } = failure;
    this.absent ??= this.given.now();
    if (this.absent !== 'seen' && this.given.now() - this.absent < newMs) return this.result(false, failure);
    this.finish('interrupted', `the run is not there any more: ${message}`);
    return this.result(true);
  }

  private result(isOver: boolean, failure?: CiFailure): Look {
    const { state, hasChanged } = this.told;
    const isWaiting = !state.steps.some((step) => step.state === 'running');
    return { isOver, hasChanged, isWaiting, ...(failure && { failure }) };
  }

  /** Ends the journal if all is recorded. Contradicting jobs are polled again for a while. */
  private end(run: RemoteRun): boolean {
    if (!this.over) return false;
    const { steps } = this.told.state;
    const open = steps.filter((step) => step.state === 'running' || run.jobs.some((job) => job.name === step.name && !hasEnded(step)));
    if (open.length > 0 && this.over.ms < endPatienceMs) return false;
    // A step without a job never ran. A job that is not a step becomes one.
    const isClear = steps.every(hasEnded) && run.jobs.every(({ name }) => this.told.step(name));
    if (!isClear && !this.isSettled) return false;
    if (open.length > 0) this.notice(`the run has ended, and nothing tells how ${open.map(({ name }) => name).join(', ')} did`);
    this.finish(run.state, run.reason);
    return true;
  }

  /** Returns whether the state of the jobs is as recent as the end of the run. */
  private get isSettled(): boolean {
    return !this.over || this.over.ms >= settleMs;
  }
}
