import { PlacesNow } from '../core/location/places-now';
import { problemsNow } from '../core/location/problems-now';
import { openRun } from './context';
import { problemLine } from './format';
import type { Terminal } from './terminal';

/** `deliver problems`: lists the problems of a run at their current lines. */
export async function problems(
  options: { readonly run?: string; readonly service?: string; readonly json?: true },
  terminal: Terminal,
): Promise<number> {
  const opened = await openRun(options);
  if (!opened.ok) return terminal.fail(opened.failure);
  const { repository, home, run } = opened.value;
  const places = new PlacesNow(repository, home);
  const all = await problemsNow(run, async (commit, path, line) => places.lineNow(commit, path, line));
  if (options.json) {
    terminal.json(all);
    return 0;
  }
  for (const step of new Set(all.map((problem) => problem.step))) {
    terminal.print(terminal.paint('bold', step));
    for (const problem of all.filter((one) => one.step === step)) terminal.print(`  ${problemLine(problem, terminal)}`);
  }
  if (all.length === 0) terminal.print(`run ${run.id} of ${run.service} has no problems`);
  return 0;
}
