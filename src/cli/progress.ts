import type { Failure } from '../core/model/result';
import type { CiConnection, RolledBack, RunEvent, RunFinished } from '../core/model/events';
import type { RunState, StepProgress } from '../core/model/run-state';
import type { Terminal } from './terminal';
import { duration } from '../core/support/format';
import { stepLine } from './format';

/**
 * Prints the progress of a run. On a terminal, the running steps with their current and usual durations are redrawn below
 * the output. Elsewhere each event is one line.
 */
export class Progress {
  private state: RunState | undefined;
  private drawn = 0;
  /** The end of the run, which `close` prints. Its reason is left out if the command fails for the same reason. */
  private ended: RunFinished | undefined;
  private readonly timer: NodeJS.Timeout | undefined;

  constructor(private readonly terminal: Terminal) {
    this.timer = terminal.live ? setInterval(() => this.draw(), 250).unref() : undefined;
  }

  /** Prints an event. `state` is the state of the run after it. */
  show(event: RunEvent, state: RunState | undefined): void {
    this.state = state;
    const line = this.factOf(event);
    this.erase();
    if (line !== undefined) this.terminal.print(line);
    this.draw();
  }

  /** Stops drawing, so that other output may follow. */
  stop(): void {
    clearInterval(this.timer);
    this.erase();
  }

  /** Prints the end of the run, without its reason if that is also the message of `failure`. */
  close(failure?: Failure): void {
    this.stop();
    const { outcome, reason } = this.ended ?? {};
    if (outcome !== undefined) this.terminal.print(this.ending(outcome, reason === failure?.message ? undefined : reason));
  }

  private factOf(event: RunEvent): string | undefined {
    const { terminal, state } = this;
    switch (event.type) {
      case 'run-queued':
        return event.behind === undefined ? undefined : `waiting for run ${event.behind} of ${event.service}`;
      case 'run-started':
        return [
          `${terminal.paint('bold', `delivering ${event.service}`)} ${event.change.commit.slice(0, 7)} ${event.change.subject}`,
          ...(event.engine ? [`  on ${event.engine.label} ${terminal.paint('blue', event.engine.url ?? event.engine.place)}`] : []),
        ].join('\n');
      case 'step-started':
        return terminal.live ? undefined : `▸ ${event.step}${event.attempt > 1 ? ` attempt ${event.attempt}` : ''}`;
      case 'step-finished': {
        const step = state?.steps.find((other) => other.name === event.step);
        return step && stepLine(step, terminal);
      }
      case 'deployed':
        return `  ${event.service} is live in ${event.environment}${event.url === '' ? '' : `: ${terminal.paint('blue', event.url)}`}`;
      case 'verified':
        return `  ${event.environment} is verified`;
      case 'rolled-back':
        return terminal.paint(
          'yellow',
          `  ${event.environment} was rolled back ${event.to ? `to ${event.to.commit.slice(0, 7)}` : '(no earlier release)'} — ${event.reason}${outageText(event)}`,
        );
      case 'notice':
        return terminal.paint('yellow', `  ${event.message}`);
      case 'run-finished':
        this.ended = event;
        return undefined;
      case 'engine-heard':
        return this.connectionLine(event);
      case 'step-waits':
        return terminal.paint('dim', `  ${event.step}: ${event.reason}`);
      case 'problem':
      case 'step-found':
      case 'run-followed':
        return undefined;
    }
  }

  private connectionLine({ state, message, hint }: CiConnection): string {
    const { terminal } = this;
    if (state === 'answers') return terminal.paint('dim', `  ${this.state?.engine?.label ?? 'the CI service'} is available again`);
    return terminal.paint('yellow', `  ${message ?? 'the CI service does not answer'}${hint === undefined ? '' : ` (${hint})`}`);
  }

  private ending(outcome: string, reason?: string): string {
    const took = this.state?.finishedAt ? duration(Date.parse(this.state.finishedAt) - Date.parse(this.state.startedAt)) : '';
    return this.terminal.paint(outcome === 'passed' ? 'green' : 'red', `${outcome} in ${took}${reason ? ` — ${reason}` : ''}`);
  }

  private draw(): void {
    if (!this.terminal.live) return;
    this.erase();
    const running = this.state?.steps.filter((step) => step.state === 'running') ?? [];
    for (const step of running) process.stdout.write(`${this.runningLine(step).slice(0, this.terminal.columns + 12)}\n`);
    this.drawn = running.length;
  }

  private runningLine(step: StepProgress): string {
    const sofar = duration(Date.now() - Date.parse(step.startedAt ?? ''));
    const usual = step.usualMs === undefined ? '' : ` of about ${duration(step.usualMs)}`;
    return `${this.terminal.paint('blue', '▸')} ${step.name} ${this.terminal.paint('dim', `${sofar}${usual}`)}`;
  }

  private erase(): void {
    if (this.drawn > 0) process.stdout.write(`\x1b[${this.drawn}A\x1b[J`);
    this.drawn = 0;
  }
}

function outageText({ errorsMs }: RolledBack): string {
  return errorsMs === undefined ? '' : `; customers may have seen errors for ${duration(errorsMs)}`;
}
