import * as fs from 'node:fs';
import type { Mask } from '../../logs/masking';
import type { Step } from '../../pipeline/pipeline';
import type { EventBody, Outcome } from '../../run/events';
import type { Journal } from '../../run/journal';
import { logFile } from '../../run/log-file';
import type { ProblemReporter } from '../../run/problem-reporter';
import { fold, type RunState, type StepProgress } from '../../run/state';
import { JobLog } from './job-log';
import type { LogEnd, RemoteEngine, RemoteFailure, RemoteJob, RemoteRun, Told as Answer } from './remote-engine';
import { eventsToldIn } from './told-events';

export interface Following {
  readonly engine: RemoteEngine;
  /** What the journal tells so far; it has begun. */
  readonly state: RunState;
  readonly journal: Journal;
  /** The steps of the pipeline that the run delivers. */
  readonly steps: readonly Step[];
  readonly mask: () => Mask;
  /** Searches what a step left for what went wrong in it. */
  readonly problems: Pick<ProblemReporter, 'report'>;
  /** The run and job that `problems` is asked about now. */
  readonly asked: (run: RemoteRun, job: RemoteJob) => void;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** What one look found. */
export interface Look {
  readonly isOver: boolean;
  readonly hasChanged: boolean;
  readonly isWaiting: boolean;
  readonly failure?: RemoteFailure;
}

/** A step of which a job tells. */
interface Told {
  job: RemoteJob;
  log: JobLog | undefined;
  /** The journal tells how it ended. */
  isTold: boolean;
  /** It was skipped, and runs after all. */
  wasSkipped?: boolean;
  /** It runs once more what another job ran, and the journal does not tell it yet. */
  isFurther?: boolean;
  /** For how long its log was wanted and did not come, and when that was last counted. */
  missing?: { readonly ms: number; readonly at: number };
}

/** A log that the engine does not have comes within seconds; after so long it is given up. */
const logPatienceMs = 60_000;
/** The same where it cannot say whether it has it. */
const awayPatienceMs = 5 * 60_000;
/** While the machine slept, or the service wanted to be left alone, nobody waited. */
const longestWaitMs = 15_000;
/** So long may the jobs of a run contradict its end. */
const endPatienceMs = 60_000;
/** So long after the end of a run its jobs may be told incompletely, by an answer that was made before it. */
const settleMs = 10_000;
/** So long a run that was never seen may only be too new: not all servers of a service know at once what one of them has begun. */
const newMs = 30_000;

/**
 * Tells a journal what goes on in a run on a CI service, look by look. Nothing that the journal has said is taken back: an answer
 * that is older than one before changes nothing. A look that fails leaves all as it was.
 */
export class RunFollower {
  private state: RunState;
  private readonly told = new Map<string, Told>();
  private readonly now: () => number;
  /** For how long the run is over, as far as somebody looked, and when that was last counted. */
  private over: { readonly ms: number; readonly at: number } | undefined;
  /** Since when it is said that there is no such run; `seen`: there was one before. */
  private absent: 'seen' | number | undefined;
  private hasChanged = false;

  constructor(private readonly given: Following) {
    this.state = given.state;
    this.now = given.now ?? Date.now;
  }

  async look(signal: AbortSignal): Promise<Look> {
    const { engine, state } = this.given;
    this.hasChanged = false;
    const answer = await engine.read(state.engine?.id ?? '', signal, state.engine?.attempt);
    if (answer.state === 'failed') return answer.gone ? this.gone(answer) : this.result(false, answer);
    const run = answer.value;
    this.absent = 'seen';
    // Of an attempt before the one that is followed: an answer from a memory somewhere on the way.
    if (run.attempt < (state.engine?.attempt ?? 1)) return this.result(false);
    const isOver = run.state !== 'waiting' && run.state !== 'running';
    const now = this.now();
    const passed = this.over ? this.over.ms + Math.min(now - this.over.at, longestWaitMs) : 0;
    this.over = isOver ? { ms: passed, at: now } : undefined;
    let failure: RemoteFailure | undefined;
    for (const job of run.jobs) if (this.isStep(job) || this.isSettled) failure = (await this.follow(run, job, signal)) ?? failure;
    if (signal.aborted || failure) return this.result(false, failure);
    return this.result(this.end(run));
  }

  /** Whether the engine answers: told once, where it changes. */
  heard(body: Omit<Extract<EventBody, { type: 'engine-heard' }>, 'type'>): void {
    const before = this.state.engine?.heard;
    const same = body.state === 'answers' ? !before : before?.state === body.state && before.message === body.message;
    if (!same) this.tell({ type: 'engine-heard', ...body });
  }

  notice(message: string): void {
    if (!this.state.notices.includes(message)) this.tell({ type: 'notice', message });
  }

  /** Ends the journal's part of it, whatever becomes of the run. */
  finish(outcome: Outcome, reason?: string): void {
    for (const { log } of this.told.values()) log?.close();
    this.told.clear();
    this.tell({ type: 'run-finished', outcome, ...(reason !== undefined && { reason }) });
  }

  /** The run goes on; this process does not. */
  leave(): void {
    for (const { log } of this.told.values()) log?.leave();
    this.told.clear();
  }

  private gone({ gone: _, ...failure }: RemoteFailure): Look {
    const { message } = failure;
    this.absent ??= this.now();
    if (this.absent !== 'seen' && this.now() - this.absent < newMs) return this.result(false, failure);
    this.finish('interrupted', `the run is not there any more: ${message}`);
    return this.result(true);
  }

  private result(isOver: boolean, failure?: RemoteFailure): Look {
    const isWaiting = !this.state.steps.some((step) => step.state === 'running');
    return { isOver, hasChanged: this.hasChanged, isWaiting, ...(failure && { failure }) };
  }

  /** Answers why not all could be told that the engine knows of the job. */
  private async follow(run: RemoteRun, job: RemoteJob, signal: AbortSignal): Promise<RemoteFailure | undefined> {
    const step = this.stepOf(job);
    const known = this.told.get(job.name);
    if (known && known.job.id !== job.id) {
      if (isOlder(job, known.job)) return undefined;
      const failure = await this.replaced(run, known, signal);
      if (failure) return failure;
      this.told.set(job.name, { job, log: undefined, isTold: false, isFurther: true });
    } else if (isBehind(step, job, known)) return undefined;
    // What was told of this very attempt before this process followed it stands.
    const wasTold = isEnd(step) && (step.attempt >= job.attempt || step.attempt === 0);
    const told = this.told.get(job.name) ?? { job, log: undefined, isTold: wasTold };
    this.told.set(job.name, told);
    told.job = job;
    // A job that is skipped may run after all, when one that it needs is run again. None that has begun is skipped.
    if (step.state === 'skipped' && job.state !== 'skipped' && job.startedAt !== undefined)
      Object.assign(told, { isTold: false, wasSkipped: true });
    if (told.isTold) return undefined;
    switch (job.state) {
      case 'waiting':
        return this.waits(step, job);
      case 'running':
        this.starts(step, told);
        return this.given.engine.logs === 'live' ? this.readLog(run, told, signal) : undefined;
      case 'kept':
        return this.ends(told, { state: 'cached', reason: 'it passed in an earlier attempt' });
      case 'skipped':
        return this.ends(told, { state: 'skipped', ...reasonOf(job) });
      case 'cancelled':
      case 'passed':
      case 'failed':
        if (job.startedAt !== undefined || job.hasLog) this.starts(step, told);
        return this.completes(run, told, signal);
    }
  }

  private waits(step: StepProgress, { name, reason, approval }: RemoteJob): undefined {
    if (step.state !== 'waiting' || reason === undefined || (step.reason === reason && step.approval === approval)) return;
    this.tell({ type: 'step-waits', step: name, reason, ...(approval !== undefined && { approval }) });
  }

  private starts(step: StepProgress, told: Told): void {
    const { name, attempt, startedAt } = told.job;
    if (step.state === 'running' && step.attempt === attempt && !told.isFurther) return;
    const logFrom = step.attempt > 0 ? this.afterAttempt(step) : 0;
    told.isFurther = false;
    const since = startedAt === undefined ? {} : { since: startedAt };
    this.tell({ type: 'step-started', step: name, attempt, ...since, ...(logFrom > 0 && { logFrom }) });
  }

  /** Where the log of another attempt begins: after that of the one before and a line between them. */
  private afterAttempt({ name, attempt }: StepProgress): number {
    const file = logFile(this.given.journal.folder, name);
    const between = `\n--- attempt ${attempt} failed ---\n`;
    const log = fs.existsSync(file) ? fs.readFileSync(file) : Buffer.alloc(0);
    // A process that ended before the journal told of the attempt may have written it.
    if (log.length === 0 || log.subarray(-between.length).equals(Buffer.from(between))) return log.length;
    fs.appendFileSync(file, between);
    return log.length + between.length;
  }

  /** A step has ended when its whole log is here: what is told of it afterwards would come too late. */
  private async completes(run: RemoteRun, told: Told, signal: AbortSignal): Promise<RemoteFailure | undefined> {
    const { job } = told;
    const state = job.state === 'passed' || job.state === 'failed' ? job.state : 'cancelled';
    if (job.hasLog) {
      const { isWhole, failure } = await this.wholeLog(run, told, signal);
      if (!isWhole) return failure;
    }
    const log = job.hasLog ? this.logOf(told) : undefined;
    log?.close();
    told.log = undefined;
    const step = this.definitionOf(job.name);
    this.forgetsProblems(job);
    if (log && (state === 'passed' || state === 'failed')) {
      this.given.asked(run, job);
      const began = Date.parse(job.startedAt ?? '') || this.now();
      const { reason } = job;
      await this.given.problems.report(step, { state, log: log.file, from: log.start, began, ...(reason !== undefined && { reason }) });
    }
    for (const event of log ? this.toldBy(step, log) : []) this.tell(event);
    const isFlaky = state === 'passed' && job.attempt > (this.given.state.engine?.attempt ?? 1);
    return this.ends(told, { state, ...(log && { log: log.file }), ...reasonOf(job), ...(isFlaky && { flaky: true }) });
  }

  /** A process that ended while it told the problems of a step told some of them: the step begins anew, and all of them follow. */
  private forgetsProblems({ name, attempt, startedAt }: RemoteJob): void {
    const step = this.state.steps.find((one) => one.name === name);
    if (!step || step.problems.length === 0) return;
    const since = startedAt === undefined ? {} : { since: startedAt };
    this.tell({ type: 'step-started', step: name, attempt, ...since, ...(step.logFrom !== undefined && { logFrom: step.logFrom }) });
  }

  private async wholeLog(
    run: RemoteRun,
    told: Told,
    signal: AbortSignal,
  ): Promise<{ readonly isWhole: boolean; readonly failure?: RemoteFailure }> {
    const before = told.log?.received ?? 0;
    const answer = await this.given.engine.readLog(run, told.job, before, (bytes) => this.logOf(told).take(bytes), signal);
    if (signal.aborted) return { isWhole: false };
    if (answer.state === 'told' && answer.value.isWhole) return { isWhole: true };
    // As long as something arrives, it goes on.
    const waited = (told.log?.received ?? 0) > before ? undefined : told.missing;
    const now = this.now();
    told.missing = { ms: waited ? waited.ms + Math.min(now - waited.at, longestWaitMs) : 0, at: now };
    if (told.missing.ms < patienceFor(answer)) {
      // What the engine has not written yet is no failure of its own.
      const isExpected = answer.state === 'told' || (answer.gone === true && !told.log);
      return { isWhole: false, ...(!isExpected && answer.state === 'failed' && { failure: answer }) };
    }
    const why = answer.state === 'failed' ? answer.message : 'the engine does not have it';
    this.notice(`the log of ${told.job.name} could not be read to its end: ${why}`);
    return { isWhole: true };
  }

  private async readLog(run: RemoteRun, told: Told, signal: AbortSignal): Promise<RemoteFailure | undefined> {
    if (!told.job.hasLog) return undefined;
    const answer = await this.given.engine.readLog(
      run,
      told.job,
      told.log?.received ?? 0,
      (bytes) => {
        this.hasChanged = true;
        this.logOf(told).take(bytes);
      },
      signal,
    );
    return answer.state === 'failed' && !answer.gone ? answer : undefined;
  }

  /** The engine runs the step again as another job. What the one before printed is read to its end first. */
  private async replaced(run: RemoteRun, known: Told, signal: AbortSignal): Promise<RemoteFailure | undefined> {
    if (!known.isTold && known.job.hasLog) {
      const ended: Told = { ...known, job: { ...known.job, state: 'failed' } };
      const { isWhole, failure } = await this.wholeLog(run, ended, signal);
      Object.assign(known, { log: ended.log, missing: ended.missing });
      if (!isWhole) return failure ?? { state: 'failed', reason: 'answer', message: `the log of ${known.job.name} is not whole yet` };
      known.log?.close();
      known.log = undefined;
    }
    return undefined;
  }

  private toldBy(step: Step, { file, start }: JobLog): EventBody[] {
    if (step.deploy === undefined && step.verifies === undefined) return [];
    const own = { id: this.state.id };
    return eventsToldIn(fs.readFileSync(file).toString('utf8', start), step, this.state.service)
      .map((event): EventBody => {
        // The job called it by a name of its own.
        if (event.type === 'deployed') return { ...event, release: { ...event.release, ...own } };
        return event.type === 'rolled-back' ? { ...event, from: { ...event.from, ...own } } : event;
      })
      .filter((event) => !this.isKnown(event));
  }

  /** Whether the journal tells it already: by a process that ended before it told the end of the step. */
  private isKnown(event: EventBody): boolean {
    return this.state.deployments.some((known) => {
      if (event.type === 'deployed')
        return known.environment === event.environment && known.release.deployedAt === event.release.deployedAt;
      if (event.type === 'verified') return known.environment === event.environment && known.state !== 'unverified';
      return event.type === 'rolled-back' && known.environment === event.environment && known.state === 'rolled-back';
    });
  }

  private ends(told: Told, end: Pick<StepProgress, 'state'> & Partial<StepProgress>): undefined {
    const { name, startedAt, finishedAt, exitCode } = told.job;
    const { state, log, reason, flaky } = end;
    told.isTold = true;
    const durationMs = Math.max(0, Date.parse(finishedAt ?? '') - Date.parse(startedAt ?? '')) || 0;
    this.tell({
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

  /** Whether all has been told. A run whose jobs say something else than it does is looked at again for a while. */
  private end(run: RemoteRun): boolean {
    if (!this.over) return false;
    const open = this.state.steps.filter(
      (step) => step.state === 'running' || run.jobs.some((job) => job.name === step.name && !isEnd(step)),
    );
    if (open.length > 0 && this.over.ms < endPatienceMs) return false;
    // A step that no job tells of never ran, and a job that is no step is one more.
    const isClear = this.state.steps.every(isEnd) && run.jobs.every((job) => this.isStep(job));
    if (!isClear && !this.isSettled) return false;
    if (open.length > 0) this.notice(`the run has ended, and nothing tells how ${open.map(({ name }) => name).join(', ')} did`);
    this.finish(run.state, run.reason);
    return true;
  }

  /** Whether what is told of the jobs of a run is no older than its end. */
  private get isSettled(): boolean {
    return !this.over || this.over.ms >= settleMs;
  }

  private isStep({ name }: RemoteJob): boolean {
    return this.state.steps.some((step) => step.name === name);
  }

  private stepOf({ name }: RemoteJob): StepProgress {
    const find = (): StepProgress | undefined => this.state.steps.find((step) => step.name === name);
    if (!find()) this.tell({ type: 'step-found', step: { name, needs: [], kind: 'run' } });
    const step = find();
    if (!step) throw new Error(`the step ${name} was told and is not there`);
    return step;
  }

  private definitionOf(name: string): Step {
    const step = this.given.steps.find((one) => one.name === name);
    return step ?? { name, needs: [], outputs: [], env: {}, secrets: [], reports: [], retries: 0 };
  }

  private logOf(told: Told): JobLog {
    if (told.log) return told.log;
    const file = logFile(this.given.journal.folder, told.job.name);
    // What another process had read before is passed over; a further attempt comes after the one before it.
    const from = this.state.steps.find(({ name }) => name === told.job.name)?.logFrom ?? 0;
    return (told.log = new JobLog(file, from, this.given.engine.plain(), this.given.mask()));
  }

  private tell(body: EventBody): void {
    this.hasChanged = true;
    const state = fold(this.state, this.given.journal.append(body));
    if (state) this.state = state;
  }
}

function isEnd({ state }: StepProgress): boolean {
  return state !== 'waiting' && state !== 'running';
}

function reasonOf({ reason }: RemoteJob): { readonly reason?: string } {
  return reason === undefined ? {} : { reason };
}

/** None that has begun waits: an answer that says so is an old one. So is one that it is skipped, where it ran after that. */
function isBehind({ state, attempt }: StepProgress, job: RemoteJob, known: Told | undefined): boolean {
  const isBefore = job.state === 'waiting' || (job.state === 'skipped' && known?.wasSkipped === true);
  return state === 'running' && attempt === job.attempt && isBefore;
}

/** Engines count their jobs; an answer that names one before the known one is an old answer. */
function isOlder(job: RemoteJob, known: RemoteJob): boolean {
  return job.attempt < known.attempt || (job.attempt === known.attempt && known.state !== 'waiting' && Number(job.id) < Number(known.id));
}

function patienceFor(answer: Answer<LogEnd>): number {
  if (answer.state === 'told') return logPatienceMs;
  // What it does not allow now it will allow later, and the run is not read in the meantime either.
  if (answer.reason === 'limit') return Infinity;
  return answer.reason === 'offline' || (answer.status ?? 0) >= 500 ? awayPatienceMs : logPatienceMs;
}
