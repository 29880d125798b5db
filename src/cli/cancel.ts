import { graceMs } from '../core/process/command';
import { isAlive } from '../core/process/process-identity';
import { recover } from '../core/runner/recovery';
import { listRuns, readRun } from '../core/history/runs';
import { isFinished, type RunState } from '../core/model/run-state';
import { locateService } from '../core/pipeline/locate';
import { ok, type Result } from '../core/model/result';
import { failureOf } from '../core/ci/failure-of';
import { environmentTokens } from '../core/pipeline/environment-tokens';
import { findRun, openContext, type RepositoryContext } from './context';
import { exitCodes, type Terminal } from './terminal';

/** `deliver cancel`: cancels the running and queued runs of the service and ends all their processes. */
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
  // Newest first: otherwise a queued run would start as soon as the running one ends.
  const active = runs.filter((run) => !isFinished(run.outcome));
  if (active.length === 0) {
    if (options.json) terminal.json([]);
    else terminal.print('no delivery is running');
    return 0;
  }
  const onCi = active.filter(({ engine }) => engine);
  for (const run of onCi) {
    const cancelled = await cancelOnCi(context.value, run);
    if (!cancelled.ok) return terminal.fail(cancelled.failure);
  }
  const local = active.filter(({ engine }) => !engine);
  for (const run of local) signal(run, 'SIGTERM');
  for (const run of local) {
    const deadline = Date.now() + 4 * graceMs;
    while (isAlive(run.runner)) {
      // A runner that does not react is killed. Recovery then ends its processes.
      if (Date.now() > deadline) signal(run, 'SIGKILL');
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
  await recover(home);
  const ended = active.map((run) => readRun(home.run(run.id)) ?? run);
  if (options.json) terminal.json(ended.map(({ id, outcome }) => ({ id, outcome })));
  else for (const run of ended) terminal.print(`${run.id} ${run.outcome}`);
  return ended.every((run) => isFinished(run.outcome) || run.engine) ? 0 : exitCodes.machinery;
}

/** Requests the cancellation. The process that follows the run records its end. */
async function cancelOnCi({ repository }: RepositoryContext, run: RunState): Promise<Result<void>> {
  const { ciOfRun } = await import('./ci-of-run');
  const connected = await ciOfRun(repository, run, environmentTokens(process.env));
  if (!connected.ok) return connected;
  const answer = await connected.value.engine.cancel(run.engine?.id ?? '', new AbortController().signal);
  return answer.state === 'ok' ? ok(undefined) : { ok: false, failure: failureOf(answer) };
}

function signal(run: RunState, name: NodeJS.Signals): void {
  try {
    if (isAlive(run.runner)) process.kill(run.runner.pid, name);
  } catch {
    // The process has just ended.
  }
}
