import type { RemoteJob, RemoteRun } from '../ci-client';

/**
 * `status` and `conclusion` of runs and jobs: docs.github.com, about status checks. One that is unknown is no state: a guess
 * might call something passed that is not.
 */
export function runState(status: string, conclusion: string | undefined): RemoteRun['state'] | undefined {
  const state = stateOf(status, conclusion);
  // Nothing of it was run: nothing was delivered.
  return state === 'skipped' ? 'cancelled' : state;
}

export function jobState(status: string, conclusion: string | undefined): Exclude<RemoteJob['state'], 'kept'> | undefined {
  return stateOf(status, conclusion);
}

type State = Exclude<RemoteJob['state'], 'kept'>;

function stateOf(status: string, conclusion: string | undefined): State | undefined {
  if (status === 'in_progress') return 'running';
  if (['queued', 'requested', 'pending', 'waiting'].includes(status)) return 'waiting';
  return status === 'completed' ? conclusions.get(conclusion ?? '') : undefined;
}

const conclusions: ReadonlyMap<string, State> = new Map<string, State>([
  ['success', 'passed'],
  ['neutral', 'passed'],
  ['failure', 'failed'],
  ['timed_out', 'failed'],
  ['startup_failure', 'failed'],
  ['cancelled', 'cancelled'],
  ['stale', 'cancelled'],
  ['skipped', 'skipped'],
  ['action_required', 'waiting'],
]);

/** Why a run or a job is in its state, where that does not say all. */
export function reasonOf(status: string, conclusion: string | undefined): string | undefined {
  return status === 'completed'
    ? reasons.get(conclusion ?? '')
    : status === 'pending'
      ? 'waits for others of its concurrency group'
      : undefined;
}

const reasons: ReadonlyMap<string, string> = new Map([
  ['timed_out', 'GitHub ended it: it took longer than it may'],
  ['startup_failure', 'GitHub could not start it: the workflow file may be broken'],
  ['stale', 'GitHub gave it up: nothing was heard of it for two weeks'],
  ['action_required', 'waits for somebody to allow it on GitHub'],
]);
