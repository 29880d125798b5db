import { randomBytes } from 'node:crypto';

/** The scripted state of a CI service, independent of its API. Tests change it; servers present it in their own format. */
export class ScriptedRuns {
  readonly runs: ScriptedRun[] = [];
  readonly deployments: ScriptedDeployment[] = [];
  private readonly waiting: ((run: ScriptedRun) => void)[] = [];
  private count = 1000;

  /** `jobs`: names with their needs, in the order of the pipeline. */
  constructor(readonly jobs: Readonly<Record<string, readonly string[]>>) {}

  /** Starts a run. */
  begin(facts: Partial<Pick<ScriptedRun, 'branch' | 'commit' | 'subject' | 'by' | 'event'>> = {}): ScriptedRun {
    const run = new ScriptedRun(String(++this.count), this.jobs, () => ++this.count, facts);
    this.runs.unshift(run);
    for (const tell of this.waiting.splice(0)) tell(run);
    return run;
  }

  /** Returns the next run that is started over the API. */
  async next(): Promise<ScriptedRun> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  find(id: string): ScriptedRun | undefined {
    return this.runs.find((run) => run.id === id);
  }

  /** Returns a job of any run, also of an earlier attempt. */
  findJob(id: string): ScriptedJob | undefined {
    return this.runs.flatMap((run) => run.allJobs).find((job) => job.id === id);
  }

  delete(run: ScriptedRun): void {
    this.runs.splice(this.runs.indexOf(run), 1);
  }
}

export type ScriptedState = 'waiting' | 'running' | 'passed' | 'failed' | 'cancelled' | 'skipped';

export class ScriptedRun {
  readonly branch: string;
  readonly commit: string;
  readonly subject: string;
  readonly by: string;
  /** GitHub's event: `workflow_dispatch`, `push`. */
  readonly event: string;
  readonly createdAt = new Date();
  attempt = 1;
  /** The start of the latest attempt. */
  attemptAt = this.createdAt;
  /** All jobs so far, the newest attempt last. */
  readonly allJobs: ScriptedJob[] = [];
  /** A cancellation was requested. */
  isCancelled = false;
  /** Fails the run before it starts. */
  startupFailure: string | undefined;

  constructor(
    readonly id: string,
    definition: Readonly<Record<string, readonly string[]>>,
    private readonly newId: () => number,
    facts: Partial<Pick<ScriptedRun, 'branch' | 'commit' | 'subject' | 'by' | 'event'>>,
  ) {
    this.branch = facts.branch ?? 'main';
    this.commit = facts.commit ?? randomBytes(20).toString('hex');
    this.subject = facts.subject ?? 'A change';
    this.by = facts.by ?? 'octocat';
    this.event = facts.event ?? 'workflow_dispatch';
    for (const [name, needs] of Object.entries(definition)) this.allJobs.push(new ScriptedJob(String(newId()), name, needs, 1));
  }

  /** The newest job of each name. */
  get jobs(): ScriptedJob[] {
    return [...new Map(this.allJobs.map((job) => [job.name, job])).values()];
  }

  job(name: string): ScriptedJob {
    const job = this.jobs.find((one) => one.name === name);
    if (!job) throw new Error(`the run has no job ${name}`);
    return job;
  }

  /** Passes all jobs, one after another. */
  pass(): void {
    for (const job of this.jobs) if (!job.isOver) job.pass();
  }

  get state(): ScriptedState {
    const { jobs } = this;
    if (this.startupFailure !== undefined) return 'failed';
    if (jobs.some(({ state }) => state === 'running')) return 'running';
    const failed = jobs.some(({ state }) => state === 'failed');
    // Jobs whose need did not pass never run.
    if (!failed && !this.isCancelled && jobs.some(({ state }) => state === 'waiting'))
      return jobs.some((job) => job.isOver) ? 'running' : 'waiting';
    if (this.isCancelled) return 'cancelled';
    return failed ? 'failed' : 'passed';
  }

  get finishedAt(): Date | undefined {
    if (this.state === 'waiting' || this.state === 'running') return undefined;
    return new Date(Math.max(this.createdAt.getTime(), ...this.jobs.map((job) => job.finishedAt?.getTime() ?? 0)));
  }

  /** Ends running jobs and skips waiting ones. */
  cancel(): void {
    this.isCancelled = true;
    for (const job of this.jobs) if (!job.isOver) job.end('cancelled');
  }

  /** Starts another attempt of all jobs that did not pass. */
  rerunFailed(): void {
    this.again(({ state }) => state !== 'passed');
  }

  /** Starts another attempt in which skipped jobs stay, and only wait again. */
  retryFailed(): void {
    this.again(({ state }) => state === 'failed' || state === 'cancelled');
  }

  /** Starts another attempt of all jobs. */
  rerunAll(): void {
    this.again(() => true);
  }

  private again(isWanted: (job: ScriptedJob) => boolean): void {
    this.attempt += 1;
    this.attemptAt = new Date();
    this.isCancelled = false;
    for (const job of this.jobs)
      if (isWanted(job)) this.allJobs.push(new ScriptedJob(String(this.newId()), job.name, job.needs, this.attempt));
  }

  /** Skips jobs that can no longer run, because a need did not pass. */
  isSkipped(job: ScriptedJob): boolean {
    return job.needs.some((name) => {
      const need = this.job(name);
      return ['failed', 'cancelled', 'skipped'].includes(need.state) || (!need.isOver && this.isSkipped(need));
    });
  }
}

export class ScriptedJob {
  state: ScriptedState = 'waiting';
  startedAt: Date | undefined;
  finishedAt: Date | undefined;
  exitCode: number | undefined;
  /** The log. */
  log: Buffer = Buffer.alloc(0);
  /** The environment of a deployment that waits for approval. */
  approval: string | undefined;
  /** No runner takes the job. */
  isStuck = false;
  /** JUnit XML. */
  report: string | undefined;
  deployedTo: { readonly environment: string; readonly url: string } | undefined;

  constructor(
    readonly id: string,
    readonly name: string,
    readonly needs: readonly string[],
    readonly attempt: number,
  ) {}

  get isOver(): boolean {
    return this.state !== 'waiting' && this.state !== 'running';
  }

  start(): this {
    this.state = 'running';
    this.startedAt = new Date();
    this.approval = undefined;
    return this;
  }

  print(text: string | Buffer): this {
    this.log = Buffer.concat([this.log, Buffer.from(text as string)]);
    return this;
  }

  end(state: Exclude<ScriptedState, 'waiting' | 'running'>, exitCode = state === 'failed' ? 1 : 0): this {
    this.state = state;
    this.finishedAt = new Date();
    this.exitCode = exitCode;
    return this;
  }

  pass(): this {
    return this.state === 'running' ? this.end('passed') : this.start().end('passed');
  }
}

export interface ScriptedDeployment {
  readonly id: string;
  readonly environment: string;
  readonly commit: string;
  readonly ref: string;
  readonly by: string;
  readonly createdAt: Date;
  state: 'success' | 'failure' | 'in_progress' | 'inactive';
  url: string;
}
