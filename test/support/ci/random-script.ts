import type { Random } from '../random';
import { ScriptedJob, ScriptedRun } from './scripted-runs';

/** Names with their needs. */
const pipelines: readonly Readonly<Record<string, readonly string[]>>[] = [
  { build: [], test: ['build'] },
  { build: [], lint: [], test: ['build', 'lint'] },
  { build: [], test: ['build'], lint: ['build'], pack: ['test', 'lint'] },
  { build: [], lint: [], test: [], pack: ['build'] },
];

export type Printer = (random: Random) => Buffer;

/** A run that changes at random with each step. */
export class RandomScript {
  readonly run: ScriptedRun;
  /** Jobs that could not run at some time, because a need had failed. */
  readonly wereSkipped = new Set<string>();
  private next: number;

  constructor(
    id: number,
    private readonly random: Random,
    private readonly piece: Printer,
    private readonly trace: (line: string) => void,
    /** Failed jobs are retried while others are running. */
    readonly retries: boolean,
  ) {
    this.next = id;
    this.run = new ScriptedRun(String(id), random.one(pipelines), () => ++this.next, {});
  }

  get isOver(): boolean {
    return this.run.finishedAt !== undefined;
  }

  private get ready(): ScriptedJob[] {
    const { run } = this;
    return run.jobs.filter((job) => job.state === 'waiting' && job.needs.every((need) => run.job(need).state === 'passed'));
  }

  private start(job: ScriptedJob): void {
    job.start();
    this.trace(`script: ${job.name} starts`);
  }

  step(): void {
    if (!this.isOver) this.happen();
    for (const job of this.run.jobs) if (job.state === 'waiting' && this.run.isSkipped(job)) this.wereSkipped.add(job.name);
  }

  private happen(): void {
    const { run, random } = this;
    const { ready } = this;
    const going = run.jobs.filter(({ state }) => state === 'running');
    if (ready.length > 0 && (going.length === 0 || random.happens(0.3))) {
      this.start(random.one(ready));
      return;
    }
    const failed = run.jobs.find(({ state, attempt }) => state === 'failed' && attempt < 3);
    if (this.retries && failed && going.length > 0 && random.happens(0.4)) {
      run.allJobs.push(new ScriptedJob(String(++this.next), failed.name, failed.needs, failed.attempt + 1));
      this.trace(`script: ${failed.name} is to run again`);
      return;
    }
    if (random.happens(0.02)) {
      run.cancel();
      this.trace('script: the run is cancelled');
      return;
    }
    if (going.length === 0) return;
    const job = random.one(going);
    if (random.happens(0.7)) {
      const piece = this.piece(random);
      job.print(piece);
      this.trace(`script: ${job.name} prints ${piece.length} bytes`);
      return;
    }
    job.end(random.happens(this.retries ? 0.5 : 0.2) ? 'failed' : 'passed');
    this.trace(`script: ${job.name} ${job.state}`);
    // A failed run is over when no job is running: independent jobs start before.
    if (going.length === 1) for (const next of this.ready) this.start(next);
  }
}

const pieces: readonly Printer[] = [
  (random) => Buffer.from(`a line ${random.below(1000)}\n`),
  () => Buffer.from('without an end'),
  () => Buffer.from('\u001b[32mgreen\u001b[0m and ünïcödé 🚀\r\n'),
  () => Buffer.from('10%\r50%\r100%\n'),
  (random) => Buffer.from(`${'x'.repeat(random.below(9000))}\n`),
  () => Buffer.from('<b>&amp; "quoted" https://example.com/a?b=c&d</b>\n'),
  () => Buffer.from('\n\n'),
  (random) => Buffer.from(Array.from({ length: random.below(50) }, (_, at) => `line ${at}\n`).join('')),
];

/** Random text. */
export const text: Printer = (random) => random.one(pieces)(random);

/** Random text with invalid bytes. */
export const anything: Printer = (random) =>
  random.happens(0.3) ? Buffer.from(Array.from({ length: 1 + random.below(40) }, () => random.below(256))) : text(random);
