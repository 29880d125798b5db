import type { StepProgress } from '../core/model/run-state';
import { duration } from '../core/support/format';
import type { Terminal } from './terminal';
import type { ProblemNow } from '../core/location/problems-now';

/** Formats the state of a step as a line. */
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

/** Formats a problem as `src/cart.ts:12:5 error: …`, which terminals in editors turn into a link. */
export function problemLine(problem: Omit<ProblemNow, 'step'>, terminal: Terminal): string {
  const { path, line, column, severity, message, printed, count, confidence } = problem;
  const parts = [path, line, line === undefined ? undefined : column].filter((part) => part !== undefined);
  const place = path === undefined ? printed : parts.join(':');
  const kind = terminal.paint(severity === 'error' ? 'red' : 'yellow', `${severity}:`);
  const since = confidence === 'edited' || confidence === 'approximate' ? terminal.paint('dim', ' (edited since)') : '';
  const times = count === undefined ? '' : terminal.paint('dim', ` (${count}×)`);
  return [place === undefined ? '' : `${terminal.paint('blue', place)} `, kind, ' ', message.split('\n')[0], times, since].join('');
}
