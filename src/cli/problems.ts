import { PlacesNow } from '../core/location/places-now';
import { problemsNow, withoutPlace } from '../core/location/problems-now';
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
  const steps = run.steps.map((step) => ({
    name: step.name,
    found: all.filter((problem) => problem.step === step.name),
    missing: withoutPlace(step),
  }));
  for (const { name, found, missing } of steps) {
    if (found.length > 0) terminal.print(terminal.paint('bold', name));
    for (const problem of found) terminal.print(`  ${problemLine(problem, terminal)}`);
    if (missing !== undefined) terminal.print(`${missing}: deliver log ${name}`);
  }
  if (steps.every(({ found, missing }) => found.length === 0 && missing === undefined))
    terminal.print(`run ${run.id} of ${run.service} has no problems`);
  return 0;
}
