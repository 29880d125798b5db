import { isFinished, type RunState, type StepProgress } from '../../core/model/run-state';
import { LogFollower } from './log-follower';
import { duration, joined, megabytes, shortCommit } from '../../core/support/format';

/** Where a transcript is written: whole lines. */
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

/**
 * One run as text, as it happens: what starts, what it prints, how it ends. `update` tells it the
 * run's state; `pump` writes what the logs hold by now.
 */
export class Transcript {
  private run: RunState | undefined;
  private readonly following = new Map<string, LogFollower>();
  private readonly told = new Set<string>();
  private pumping: Promise<void> | undefined;

  constructor(
    private readonly write: WriteLines,
    /** The file of a step's log. */
    private readonly logOf: (step: string) => string,
    /** Put before the lines of parallel steps where several runs are shown at once. */
    private readonly prefix: () => string,
  ) {}

  /** Everything was written that there will ever be. */
  get done(): boolean {
    return this.run !== undefined && isFinished(this.run.outcome) && this.told.has('run-finished');
  }

  update(run: RunState): void {
    this.run = run;
    if (run.outcome === 'waiting')
      this.tell('waiting', [
        run.handedTo === undefined
          ? `${run.service} waits for the delivery before it: ${run.change.subject}`
          : `${run.service} is being handed over to ${run.handedTo}: ${run.change.subject}`,
      ]);
    if (run.outcome !== 'waiting') this.tell('started', headOf(run));
    for (const notice of run.notices) this.tell(`notice ${notice}`, [`! ${notice}`]);
    for (const step of run.steps)
      if (step.startedAt !== undefined && !this.told.has(`end ${step.name}`) && !this.following.has(step.name))
        this.following.set(step.name, new LogFollower(this.logOf(step.name)));
  }

  /** One piece of each log that is followed, all that is left of those that ended; a second call waits for the first. */
  async pump(): Promise<void> {
    this.pumping ??= this.pumpOnce().finally(() => (this.pumping = undefined));
    await this.pumping;
  }

  private async pumpOnce(): Promise<void> {
    const steps = this.run?.steps ?? [];
    for (const step of steps.filter((one) => one.state !== 'running' && one.state !== 'waiting')) await this.end(step);
    const running = steps.filter((step) => step.state === 'running');
    for (const step of running) await this.piece(step, running.length > 1);
    const { run } = this;
    if (run && isFinished(run.outcome) && this.following.size === 0) this.tell('run-finished', footOf(run));
  }

  /** A step's end stands below all of its output. */
  private async end(step: StepProgress): Promise<void> {
    if (this.told.has(`end ${step.name}`)) return;
    while (this.following.has(step.name) && !(await this.piece(step, false)));
    const rest = this.following.get(step.name)?.rest() ?? [];
    this.following.delete(step.name);
    if (rest.length > 0) this.write(rest);
    this.tell(`end ${step.name}`, [endOf(step)]);
  }

  /** Whether that was all that is there by now. */
  private async piece(step: StepProgress, several: boolean): Promise<boolean> {
    const follower = this.following.get(step.name);
    if (!follower) return true;
    this.tell(`start ${step.name}`, [`▶ ${step.name}`]);
    const { lines, leftOut, caughtUp } = await follower.next();
    const before = `${this.prefix()}${several ? `${step.name} | ` : ''}`;
    if (leftOut > 0) this.write([`… ${megabytes(leftOut)} left out; whole log: ${follower.file}`]);
    if (lines.length > 0) this.write(lines.map((line) => before + line));
    return caughtUp;
  }

  private tell(what: string, lines: readonly string[]): void {
    if (this.told.has(what)) return;
    this.told.add(what);
    this.write(lines);
  }
}

function headOf(run: RunState): string[] {
  const dirty = run.change.dirty ? ' with uncommitted changes' : '';
  const there = run.engine ? [`${run.engine.label}: ${run.engine.url ?? run.engine.place}`] : [];
  return [`── ${run.service}: ${run.change.subject} (${shortCommit(run.change.commit)}${dirty}) ──`, ...there];
}

function endOf(step: StepProgress): string {
  const took =
    step.durationMs !== undefined && step.state !== 'cached' && step.state !== 'skipped' ? `in ${duration(step.durationMs)}` : '';
  const words = joined([step.state, step.flaky ? '(flaky)' : '', took], ' ');
  const why = step.state === 'cached' ? undefined : (step.reason ?? (step.exitCode ? `exit code ${step.exitCode}` : undefined));
  return `${marks[step.state]} ${step.name}: ${joined([words, why], ', ')}`;
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
