import { graceMs } from '../core/run/process';
import { isAlive } from '../core/run/process-identity';
import { recover } from '../core/run/recovery';
import { listRuns, readRun } from '../core/run/runs';
import { isFinished, type RunState } from '../core/run/state';
import { locateService } from '../core/pipeline/locate';
import { findRun, openContext } from './context';
import { exitCodes, type Terminal } from './terminal';

/** `deliver cancel`: ends the running and the waiting runs of the service, and everything they started. */
export async function cancel(
  options: { readonly run?: string; readonly service?: string; readonly json?: true },
  terminal: Terminal,
): Promise<number> {
  const context = await openContext();
  if (!context.ok) return terminal.fail(context.failure);
  const { home, repository } = context.value;
  let runs: RunState[];
  if (options.run !== undefined) {
    const found = await findRun(context.value, options);
    if (!found.ok) return terminal.fail(found.failure);
    runs = [found.value];
  } else {
    const place = await locateService(repository.root, process.cwd(), options.service);
    if (!place.ok) return terminal.fail(place.failure);
    runs = listRuns(home, { service: place.value.name, limit: 50 });
  }
  // The waiting ones first: else they would start as soon as the running one ends.
  const going = runs.filter((run) => !isFinished(run.outcome));
  if (going.length === 0) {
    if (options.json) terminal.json([]);
    else terminal.print('nothing is being delivered');
    return 0;
  }
  for (const run of going) signal(run, 'SIGTERM');
  for (const run of going) {
    const deadline = Date.now() + 4 * graceMs;
    while (isAlive(run.runner)) {
      // A runner that does not answer is ended like a crashed one: what it left is ended with it.
      if (Date.now() > deadline) signal(run, 'SIGKILL');
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
  await recover(home);
  const ended = going.map((run) => readRun(home.run(run.id)) ?? run);
  if (options.json) terminal.json(ended.map(({ id, outcome }) => ({ id, outcome })));
  else for (const run of ended) terminal.print(`${run.id} ${run.outcome}`);
  return ended.every((run) => isFinished(run.outcome)) ? 0 : exitCodes.machinery;
}

function signal(run: RunState, name: NodeJS.Signals): void {
  try {
    if (isAlive(run.runner)) process.kill(run.runner.pid, name);
  } catch {
    // It has just ended by itself.
  }
}
