import type { ProblemNow } from '../core/location/problems-now';
import type { Terminal } from './terminal';

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
