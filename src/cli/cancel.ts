import { graceMs } from '../core/process/command';
import { isAlive } from '../core/process/process-identity';
import { recover } from '../core/runner/recovery';
import { listRuns, readRun } from '../core/history/runs';
import { isFinished, type RunState } from '../core/model/run-state';
import { locateService } from '../core/pipeline/locate';
import { ok, type Result } from '../core/model/result';
import { failureOf } from '../core/ci/failure-of';
import { environmentTokens } from '../core/http/environment-tokens';
import { findRun, openContext, type RepositoryContext } from './context';
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
  const there = going.filter(({ engine }) => engine);
  for (const run of there) {
    const told = await cancelThere(context.value, run);
    if (!told.ok) return terminal.fail(told.failure);
  }
  const here = going.filter(({ engine }) => !engine);
  for (const run of here) signal(run, 'SIGTERM');
  for (const run of here) {
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
  return ended.every((run) => isFinished(run.outcome) || run.engine) ? 0 : exitCodes.machinery;
}

/** The CI service is told; whoever follows the run tells its end. */
async function cancelThere({ repository }: RepositoryContext, run: RunState): Promise<Result<void>> {
  const { ciOfRun } = await import('../core/ci/follow/ci-of-run');
  const there = await ciOfRun(repository, run, environmentTokens(process.env));
  if (!there.ok) return there;
  const told = await there.value.engine.cancel(run.engine?.id ?? '', new AbortController().signal);
  return told.state === 'ok' ? ok(undefined) : { ok: false, failure: failureOf(told) };
}

function signal(run: RunState, name: NodeJS.Signals): void {
  try {
    if (isAlive(run.runner)) process.kill(run.runner.pid, name);
  } catch {
    // It has just ended by itself.
  }
}
