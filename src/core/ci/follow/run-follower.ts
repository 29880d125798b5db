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
const contradictionTimeoutMs = 60_000;
/** How long after the end of a run an answer may still show an older state of its jobs. */
const settleMs = 10_000;
/** Longer pauses do not count: the machine slept, or the rate limit was reached. */
const maxPauseMs = 15_000;
/** How long a new run may be missing: replicas of a CI service learn of it with a delay. */
const newRunMs = 30_000;

/** Records a run of a CI service in its journal, look by look. Recorded events stand: outdated answers and failed looks change nothing. */
export class RunFollower {
  private readonly recorder: RunRecorder;
  private readonly jobs: JobFollower;
  /** How long the run has been over, and when that was last counted. */
  private over: { readonly ms: number; readonly at: number } | undefined;
  /** Since when the run is missing; `known`: it existed before. */
  private absent: 'known' | number | undefined;

  constructor(private readonly options: Following) {
    this.recorder = new RunRecorder(options.state, options.journal);
    this.jobs = new JobFollower(options, this.recorder);
  }

  async look(signal: AbortSignal): Promise<Look> {
    const { client, state, now } = this.options;
    this.recorder.hasChanged = false;
    const answer = await client.read(state.engine?.id ?? '', signal, state.engine?.attempt);
    if (answer.state === 'failed') return answer.gone ? this.handleMissing(answer) : this.result(false, answer);
    const run = answer.value;
    this.absent = 'known';
    // An earlier attempt than the followed one comes from a cache on the way.
    if (run.attempt < (state.engine?.attempt ?? 1)) return this.result(false);
    const isOver = run.state !== 'waiting' && run.state !== 'running';
    const passed = this.over ? this.over.ms + Math.min(now() - this.over.at, maxPauseMs) : 0;
    this.over = isOver ? { ms: passed, at: now() } : undefined;
    let failure: CiFailure | undefined;
    for (const job of run.jobs)
      if (this.recorder.step(job.name) || this.isSettled) failure = (await this.jobs.follow(run, job, signal)) ?? failure;
    if (signal.aborted || failure) return this.result(false, failure);
    return this.result(this.end(run));
  }

  /** Records whether the CI service answers, once per change. */
  recordConnection(body: Omit<Extract<EventBody, { type: 'engine-heard' }>, 'type'>): void {
    const before = this.recorder.state.engine?.heard;
    const same = body.state === 'answers' ? !before : before?.state === body.state && before.message === body.message;
    if (!same) this.recorder.record({ type: 'engine-heard', ...body });
  }

  notice(message: string): void {
    this.recorder.notice(message);
  }

  /** Ends the journal, whatever happens to the run. */
  finish(outcome: Outcome, reason?: string): void {
    this.jobs.close();
    this.recorder.record({ type: 'run-finished', outcome, reason });
  }

  /** Stops following while the run is still running. */
  leave(): void {
    this.jobs.leave();
  }

  private handleMissing({ gone: _, ...failure }: CiFailure): Look {
    const { message } = failure;
    this.absent ??= this.options.now();
    if (this.absent !== 'known' && this.options.now() - this.absent < newRunMs) return this.result(false, failure);
    this.finish('interrupted', `the run no longer exists: ${message}`);
    return this.result(true);
  }

  private result(isOver: boolean, failure?: CiFailure): Look {
    const { state, hasChanged } = this.recorder;
    const isWaiting = !state.steps.some((step) => step.state === 'running');
    return { isOver, hasChanged, isWaiting, failure };
  }

  /** Ends the journal if all is recorded. Contradicting jobs are polled again for a while. */
  private end(run: RemoteRun): boolean {
    if (!this.over) return false;
    const { steps } = this.recorder.state;
    const open = steps.filter((step) => step.state === 'running' || run.jobs.some((job) => job.name === step.name && !hasEnded(step)));
    if (open.length > 0 && this.over.ms < contradictionTimeoutMs) return false;
    // A step without a job never ran. A job that is not a step becomes one.
    const isClear = steps.every(hasEnded) && run.jobs.every(({ name }) => this.recorder.step(name));
    if (!isClear && !this.isSettled) return false;
    if (open.length > 0) this.notice(`the run has ended, but the result of ${open.map(({ name }) => name).join(', ')} is unknown`);
    this.finish(run.state, run.reason);
    return true;
  }

  /** Returns whether the state of the jobs is as recent as the end of the run. */
  private get isSettled(): boolean {
    return !this.over || this.over.ms >= settleMs;
  }
}
