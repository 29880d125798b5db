import type { EventBody, Outcome } from '../../model/events';
import type { Journal } from '../../history/journal';
import type { RunState } from '../../model/run-state';
import { hasEnded, JobFollower, type FollowingJobs } from './job-follower';
import type { CiFailure, RemoteRun } from '../ci-client';
import { RunRecorder } from './run-recorder';

export interface Following extends FollowingJobs {
  /** What the journal tells so far; it has begun. */
  readonly state: RunState;
  readonly journal: Journal;
}

/** What one look found. */
export interface Look {
  readonly isOver: boolean;
  readonly hasChanged: boolean;
  readonly isWaiting: boolean;
  readonly failure?: CiFailure;
}

/** So long may the jobs of a run contradict its end. */
const endPatienceMs = 60_000;
/** So long after the end of a run its jobs may be told incompletely, by an answer that was made before it. */
const settleMs = 10_000;
/** While the machine slept, or the service wanted to be left alone, nobody waited. */
const longestWaitMs = 15_000;
/** So long a run that was never seen may only be too new: not all servers of a service know at once what one of them has begun. */
const newMs = 30_000;

/**
 * Tells a journal what goes on in a run on a CI service, look by look. Nothing that the journal has said is taken back: an answer
 * that is older than one before changes nothing. A look that fails leaves all as it was.
 */
export class RunFollower {
  private readonly told: RunRecorder;
  private readonly jobs: JobFollower;
  /** For how long the run is over, as far as somebody looked, and when that was last counted. */
  private over: { readonly ms: number; readonly at: number } | undefined;
  /** Since when it is said that there is no such run; `seen`: there was one before. */
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
    // Of an attempt before the one that is followed: an answer from a memory somewhere on the way.
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

  /** Whether the engine answers: told once, where it changes. */
  heard(body: Omit<Extract<EventBody, { type: 'engine-heard' }>, 'type'>): void {
    const before = this.told.state.engine?.heard;
    const same = body.state === 'answers' ? !before : before?.state === body.state && before.message === body.message;
    if (!same) this.told.tell({ type: 'engine-heard', ...body });
  }

  notice(message: string): void {
    this.told.notice(message);
  }

  /** Ends the journal's part of it, whatever becomes of the run. */
  finish(outcome: Outcome, reason?: string): void {
    this.jobs.close();
    this.told.tell({ type: 'run-finished', outcome, ...(reason !== undefined && { reason }) });
  }

  /** The run goes on; this process does not. */
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

  /** Whether all has been told. A run whose jobs say something else than it does is looked at again for a while. */
  private end(run: RemoteRun): boolean {
    if (!this.over) return false;
    const { steps } = this.told.state;
    const open = steps.filter((step) => step.state === 'running' || run.jobs.some((job) => job.name === step.name && !hasEnded(step)));
    if (open.length > 0 && this.over.ms < endPatienceMs) return false;
    // A step that no job tells of never ran, and a job that is no step is one more.
    const isClear = steps.every(hasEnded) && run.jobs.every(({ name }) => this.told.step(name));
    if (!isClear && !this.isSettled) return false;
    if (open.length > 0) this.notice(`the run has ended, and nothing tells how ${open.map(({ name }) => name).join(', ')} did`);
    this.finish(run.state, run.reason);
    return true;
  }

  /** Whether what is told of the jobs of a run is no older than its end. */
  private get isSettled(): boolean {
    return !this.over || this.over.ms >= settleMs;
  }
}
