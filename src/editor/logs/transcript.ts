import * as fs from 'node:fs/promises';
import { StringDecoder } from 'node:string_decoder';
import { isFinished, type RunState, type StepProgress } from '../../core/model/run-state';
import { duration, joined, megabytes, shortCommit } from '../../core/support/format';
import { PlainLines } from '../../core/support/terminal-text';

/** Writes whole lines. */
export type WriteLines = (lines: readonly string[]) => void;

const marks = {
  passed: '✓',
  cached: '✓',
  failed: '✗',
  skipped: '-',
  cancelled: '■',
  interrupted: '■',
  running: '▶',
  waiting: ' ',
} as const;

/** The text of a run: `update` sets the state of the run, `pump` writes the new output of its steps. */
export class Transcript {
  private run: RunState | undefined;
  private readonly following = new Map<string, LogFollower>();
  private readonly written = new Set<string>();
  private pumping: Promise<void> | undefined;

  constructor(
    private readonly write: WriteLines,
    /** Returns the log file of a step. */
    private readonly logOf: (step: string) => string,
    /** Returns the prefix of output lines, which separates several runs. */
    private readonly prefix: () => string,
  ) {}

  /** The run has finished and all of it is written. */
  get done(): boolean {
    return this.run !== undefined && isFinished(this.run.outcome) && this.written.has('run-finished');
  }

  update(run: RunState): void {
    this.run = run;
    if (run.outcome === 'waiting')
      this.writeOnce('waiting', [
        run.handedTo === undefined
          ? `${run.service} is waiting for the previous delivery: ${run.change.subject}`
          : `${run.service} is being submitted to ${run.handedTo}: ${run.change.subject}`,
      ]);
    if (run.outcome !== 'waiting') this.writeOnce('started', headOf(run));
    for (const notice of run.notices) this.writeOnce(`notice ${notice}`, [`! ${notice}`]);
    for (const step of run.steps)
      if (step.startedAt !== undefined && !this.written.has(`end ${step.name}`) && !this.following.has(step.name))
        this.following.set(step.name, new LogFollower(this.logOf(step.name)));
  }

  /** Writes one chunk of each running step's log, and the rest of finished ones. A second call waits for the first. */
  async pump(): Promise<void> {
    this.pumping ??= this.pumpOnce().finally(() => (this.pumping = undefined));
    await this.pumping;
  }

  private async pumpOnce(): Promise<void> {
    const steps = this.run?.steps ?? [];
    for (const step of steps.filter(({ state }) => state !== 'running' && state !== 'waiting')) await this.writeEnd(step);
    const running = steps.filter((step) => step.state === 'running');
    for (const step of running) await this.writeChunk(step, running.length > 1);
    const { run } = this;
    if (run && isFinished(run.outcome) && this.following.size === 0) this.writeOnce('run-finished', footOf(run));
  }

  /** Writes the rest of a step's output and then its result. */
  private async writeEnd(step: StepProgress): Promise<void> {
    if (this.written.has(`end ${step.name}`)) return;
    while (this.following.has(step.name) && !(await this.writeChunk(step, false)));
    const rest = this.following.get(step.name)?.rest() ?? [];
    this.following.delete(step.name);
    if (rest.length > 0) this.write(rest);
    this.writeOnce(`end ${step.name}`, [endOf(step)]);
  }

  /** Returns true if no more output was available. */
  private async writeChunk(step: StepProgress, isParallel: boolean): Promise<boolean> {
    const follower = this.following.get(step.name);
    if (!follower) return true;
    this.writeOnce(`start ${step.name}`, [`▶ ${step.name}`]);
    const { lines, omitted, isComplete } = await follower.next();
    const before = `${this.prefix()}${isParallel ? `${step.name} | ` : ''}`;
    if (omitted > 0) this.write([`… ${megabytes(omitted)} omitted. Full log: ${follower.file}`]);
    if (lines.length > 0) this.write(lines.map((line) => before + line));
    return isComplete;
  }

  private writeOnce(key: string, lines: readonly string[]): void {
    if (this.written.has(key)) return;
    this.written.add(key);
    this.write(lines);
  }
}

function headOf(run: RunState): string[] {
  const dirty = run.change.dirty ? ' with uncommitted changes' : '';
  const ci = run.engine ? [`${run.engine.label}: ${run.engine.url ?? run.engine.place}`] : [];
  return [`── ${run.service}: ${run.change.subject} (${shortCommit(run.change.commit)}${dirty}) ──`, ...ci];
}

function endOf(step: StepProgress): string {
  const took =
    step.durationMs !== undefined && step.state !== 'cached' && step.state !== 'skipped' ? `in ${duration(step.durationMs)}` : '';
  const result = joined([step.state, step.flaky ? '(flaky)' : '', took], ' ');
  const reason = step.state === 'cached' ? undefined : (step.reason ?? (step.exitCode ? `exit code ${step.exitCode}` : undefined));
  return `${marks[step.state]} ${step.name}: ${joined([result, reason], ', ')}`;
}

function footOf(run: RunState): string[] {
  const took = run.finishedAt ? ` in ${duration(Date.parse(run.finishedAt) - Date.parse(run.startedAt))}` : '';
  const mark = run.outcome === 'passed' ? marks.passed : run.outcome === 'failed' ? marks.failed : marks.cancelled;
  const places = run.deployments.map((deployment) =>
    deployment.state === 'rolled-back'
      ? `  ${deployment.environment}: rolled back${deployment.previous ? ` to ${shortCommit(deployment.previous.commit)}` : ''}`
      : `  ${deployment.environment}: ${deployment.url}`,
  );
  return [`${mark} ${run.service} ${run.outcome}${took}${run.reason ? `: ${run.reason}` : ''}`, ...places, ''];
}

/** A reader that is this far behind skips to the end: the newest output matters most. */
const maxBacklog = 512 * 1024;
const chunkSize = 64 * 1024;
const maxLineLength = 4000;

interface LogChunk {
  readonly lines: readonly string[];
  /** The number of skipped bytes before these lines. */
  readonly omitted: number;
  /** The chunk reached the end of the file. */
  readonly isComplete: boolean;
}

/** Reads a growing log as plain lines, one bounded chunk at a time. */
class LogFollower {
  private position = 0;
  private decoder = new StringDecoder('utf8');
  private readonly plain = new PlainLines();

  constructor(readonly file: string) {}

  /** Returns the next chunk. It is empty if the file does not exist yet. */
  async next(): Promise<LogChunk> {
    let handle: fs.FileHandle;
    try {
      handle = await fs.open(this.file, 'r');
    } catch {
      return { lines: [], omitted: 0, isComplete: true };
    }
    try {
      const { size } = await handle.stat();
      const omitted = this.skipBacklog(size);
      const buffer = Buffer.allocUnsafe(Math.min(chunkSize, Math.max(0, size - this.position)));
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, this.position);
      this.position += bytesRead;
      const lines = this.plain.take(this.decoder.write(buffer.subarray(0, bytesRead)));
      // The first line after a skip is incomplete.
      if (omitted > 0) lines.shift();
      return { lines: lines.map(shortened), omitted, isComplete: this.position >= size };
    } finally {
      await handle.close();
    }
  }

  /** Returns the last line if it has no line break. */
  rest(): string[] {
    return this.plain.end().map(shortened);
  }

  private skipBacklog(size: number): number {
    if (size - this.position <= maxBacklog) return 0;
    const from = size - chunkSize;
    const omitted = from - this.position;
    this.position = from;
    this.decoder = new StringDecoder('utf8');
    this.plain.end();
    return omitted;
  }
}

function shortened(line: string): string {
  return line.length > maxLineLength ? `${line.slice(0, maxLineLength)} …` : line;
}
