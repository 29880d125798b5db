import type { StepProgress } from '../core/model/run-state';
import type { Terminal } from './terminal';

/** `340 ms`, `4.2 s`, `3 min 12 s`, `2 h 5 min`, `3 days 4 h`. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  const hours = Math.floor(seconds / 3_600);
  return hours < 48 ? `${hours} h ${Math.floor((seconds % 3_600) / 60)} min` : `${Math.floor(hours / 24)} days ${hours % 24} h`;
}

/** `just now`, `5 min ago`, `3 h ago`, `12 days ago`. */
export function age(iso: string, now = Date.now()): string {
  const minutes = Math.max(0, Math.round((now - Date.parse(iso)) / 60_000));
  if (minutes < 1) return 'just now';
  if (minutes < 60) return `${minutes} min ago`;
  if (minutes < 48 * 60) return `${Math.round(minutes / 60)} h ago`;
  return `${Math.round(minutes / 1_440)} days ago`;
}

/** One line for one step, as it stands. */
export function stepLine(step: StepProgress, terminal: Terminal): string {
  const took = step.durationMs === undefined || step.state === 'skipped' ? '' : terminal.paint('dim', ` ${duration(step.durationMs)}`);
  const flaky = step.flaky ? terminal.paint('yellow', ` flaky: attempt ${step.attempt}`) : '';
  const reason = step.reason && step.state !== 'cached' ? ` — ${step.reason}` : '';
  return `${mark(step, terminal)} ${step.name} ${step.state}${took}${flaky}${reason}`;
}

function mark(step: StepProgress, terminal: Terminal): string {
  switch (step.state) {
    case 'passed':
      return terminal.paint(step.flaky ? 'yellow' : 'green', '✓');
    case 'cached':
      return terminal.paint('green', '=');
    case 'failed':
      return terminal.paint('red', '✗');
    case 'running':
      return terminal.paint('blue', '▸');
    case 'cancelled':
    case 'interrupted':
      return terminal.paint('yellow', '■');
    case 'waiting':
    case 'skipped':
      return terminal.paint('dim', '·');
  }
}
