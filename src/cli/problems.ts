import { PlacesNow } from '../core/changes/places-now';
import { problemsNow, type ProblemNow } from '../core/run/problems-now';
import { findRun, openContext } from './context';
import type { Terminal } from './terminal';

/** `deliver problems`: what failed in a run, at the lines as they are now. */
export async function problems(
  options: { readonly run?: string; readonly service?: string; readonly json?: true },
  terminal: Terminal,
): Promise<number> {
  const context = await openContext();
  if (!context.ok) return terminal.fail(context.failure);
  const found = await findRun(context.value, options);
  if (!found.ok) return terminal.fail(found.failure);
  const places = new PlacesNow(context.value.repository, context.value.home);
  const all = await problemsNow(found.value, async (commit, path, line) => places.lineNow(commit, path, line));
  if (options.json) {
    terminal.json(all);
    return 0;
  }
  for (const step of new Set(all.map((problem) => problem.step))) {
    terminal.print(terminal.paint('bold', step));
    for (const problem of all.filter((one) => one.step === step)) terminal.print(`  ${lineOf(problem, terminal)}`);
  }
  if (all.length === 0) terminal.print(`run ${found.value.id} of ${found.value.service} has no problems`);
  return 0;
}

/** `src/cart.ts:12:5 error: …`: a terminal of an editor makes a link of the place. */
export function lineOf(problem: ProblemNow, terminal: Terminal): string {
  const { path, line, column, severity, message, printed, count, confidence } = problem;
  const place =
    path === undefined ? printed : [path, line, line === undefined ? undefined : column].filter((part) => part !== undefined).join(':');
  const kind = terminal.paint(severity === 'error' ? 'red' : 'yellow', `${severity}:`);
  const since = confidence === 'edited' || confidence === 'approximate' ? terminal.paint('dim', ' (edited since)') : '';
  const times = count === undefined ? '' : terminal.paint('dim', ` (${count}×)`);
  return [place === undefined ? '' : `${terminal.paint('blue', place)} `, kind, ' ', message.split('\n')[0], times, since].join('');
}
