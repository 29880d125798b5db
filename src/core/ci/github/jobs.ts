import { listOf, numberOf, present, recordOf, textOf } from '../../support/json-value';
import { ok, type CiResult, type RemoteJob, type RemoteRun } from '../ci-client';
import { countOf, idOf, lineOf, linkOf, type Fields, type GithubRepository } from './github-repository';

/** Returns a job, or the error in its description. `attemptAt`: when the run's attempt began, by GitHub's clock. */
export function readJob(job: Fields, attempt: number, attemptAt: string | undefined, { client }: GithubRepository): RemoteJob | string {
  const id = idOf(job['id']);
  const name = lineOf(job['name']);
  if (id === undefined) return 'a job has no id';
  if (name === undefined) return `job ${id} has no name`;
  const status = textOf(job['status']) ?? '';
  const conclusion = textOf(job['conclusion']);
  const state = jobState(status, conclusion);
  if (state === undefined) return `job ${name} is ${[status || 'without a status', conclusion].filter(Boolean).join(', ')}`;
  // GitHub lists no steps for jobs that were kept from an earlier attempt.
  const ran = state === 'passed' || hasRun(job);
  const finished = textOf(job['completed_at']);
  const jobAttempt = job['run_attempt'] === undefined ? attempt : countOf(job['run_attempt']);
  const isEarlier = jobAttempt < attempt || (attempt > 1 && isBefore(finished, attemptAt));
  return {
    id,
    name,
    attempt: jobAttempt,
    state: state === 'passed' && isEarlier ? 'kept' : state,
    hasLog: status === 'completed' && ran,
    ...present({
      // Until a runner takes the job, this is the time of its creation.
      startedAt: ran && state !== 'waiting' ? client.time(textOf(job['started_at'])) : undefined,
      finishedAt: status === 'completed' && ran ? client.time(finished) : undefined,
      reason: reasonOf(status, conclusion) ?? (status === 'queued' && !ran ? runnerOf(job) : undefined),
      url: linkOf(job['html_url']),
    }),
  };
}

/** Returns whether a runner took the job: otherwise it has no steps, and a runner without id and name. */
function hasRun(job: Fields): boolean {
  return listOf(job['steps']).length > 0 || (numberOf(job['runner_id']) ?? 0) > 0 || textOf(job['runner_name']) !== undefined;
}

function runnerOf(job: Fields): string | undefined {
  const labels = listOf(job['labels']).flatMap((label) => lineOf(label, 60) ?? []);
  return labels.length === 0 ? undefined : `waits for a runner with ${labels.slice(0, 10).join(', ')}`;
}

/** Returns whether a job passed before this attempt began: then it was kept, whatever its attempt number. */
function isBefore(time: string | undefined, other: string | undefined): boolean {
  return time !== undefined && other !== undefined && Date.parse(time) < Date.parse(other);
}

/** Returns whether the job waits for the protection rules of an environment. */
export function waitsForRules(job: Fields): boolean {
  return job['status'] === 'waiting';
}

/** Returns the environment that a job deploys to, from its check run, which has the job's id. */
export async function environmentOf(job: Fields, repository: GithubRepository, signal: AbortSignal): Promise<string | undefined> {
  const id = idOf(job['id']);
  const check = id === undefined ? undefined : await repository.get(`/check-runs/${id}`, signal);
  return check?.state === 'ok' ? textOf(recordOf(check.value['deployment'])?.['environment']) : undefined;
}

/**
 * Returns the jobs of the latest attempt and those that it keeps from earlier ones. `filter=latest` includes kept jobs only sometimes
 * (r-universe-org/help#607), so missing ones come from the list of all.
 */
export async function jobFields(run: RemoteRun, repository: GithubRepository, signal: AbortSignal): Promise<CiResult<readonly Fields[]>> {
  const list = async (filter: string): ReturnType<GithubRepository['list']> =>
    repository.list(`/actions/runs/${run.id}/jobs?filter=${filter}&per_page=100`, 'jobs', signal);
  const latest = await list('latest');
  if (latest.state === 'failed' || run.attempt === 1) return latest;
  const all = await list('all');
  return all.state === 'failed' ? all : ok([...keptOf(run, latest.value, all.value), ...latest.value]);
}

/**
 * Returns the kept jobs that the latest attempt does not list. Empty if a passed job ran again: then everything runs again, and missing
 * jobs are not created yet. Empty as well if nothing of the attempt is listed.
 */
function keptOf({ attempt }: RemoteRun, latest: readonly Fields[], all: readonly Fields[]): Fields[] {
  const isListed = new Set(latest.map((job) => textOf(job['name'])));
  const isFresh = new Set(latest.filter((job) => countOf(job['run_attempt']) >= attempt).map((job) => textOf(job['name'])));
  const ids = new Set(latest.map((job) => textOf(job['id'])));
  const earlier = all.filter((job) => countOf(job['run_attempt']) < attempt && !ids.has(textOf(job['id'])));
  const newest = new Map<string | undefined, Fields>();
  for (const job of earlier) {
    const known = newest.get(textOf(job['name']));
    if (!known || countOf(known['run_attempt']) < countOf(job['run_attempt'])) newest.set(textOf(job['name']), job);
  }
  const passed = [...newest].filter(([, job]) => job['conclusion'] === 'success');
  if (isFresh.size === 0 || passed.some(([name]) => isFresh.has(name))) return [];
  return passed.filter(([name]) => !isListed.has(name)).map(([, job]) => job);
}

/** Maps `status` and `conclusion` (docs.github.com, about status checks). Unknown values have no state: a guess might report a success. */
export function runState(status: string, conclusion: string | undefined): RemoteRun['state'] | undefined {
  const state = stateOf(status, conclusion);
  // If nothing ran, nothing was delivered.
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

/** Returns a reason that adds to the state of a run or job. */
export function reasonOf(status: string, conclusion: string | undefined): string | undefined {
  return status === 'completed'
    ? reasons.get(conclusion ?? '')
    : status === 'pending'
      ? 'waits for other runs of its concurrency group'
      : undefined;
}

const reasons: ReadonlyMap<string, string> = new Map([
  ['timed_out', 'GitHub stopped it: it exceeded the time limit'],
  ['startup_failure', 'GitHub could not start the run: the workflow file may be invalid'],
  ['stale', 'GitHub gave it up after two weeks without an update'],
  ['action_required', 'waits for approval on GitHub'],
]);
