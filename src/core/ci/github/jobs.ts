import { listOf, numberOf, present, recordOf, textOf } from '../../support/json-value';
import type { RemoteJob } from '../ci-client';
import type { Fields, GithubRepository } from './github-repository';
import { jobState, reasonOf } from './states';
import { countOf, idOf, lineOf, linkOf } from './fields';

/** A job as it was answered; else what is wrong with the answer. `attemptAt`: when the attempt of its run began, by GitHub's clock. */
export function readJob(job: Fields, attempt: number, attemptAt: string | undefined, { asking }: GithubRepository): RemoteJob | string {
  const id = idOf(job['id']);
  const name = lineOf(job['name']);
  if (id === undefined) return 'a job has no id';
  if (name === undefined) return `job ${id} has no name`;
  const status = textOf(job['status']) ?? '';
  const conclusion = textOf(job['conclusion']);
  const state = jobState(status, conclusion);
  if (state === undefined) return `job ${name} is ${[status || 'without a status', conclusion].filter(Boolean).join(', ')}`;
  // Of jobs that an attempt took over, GitHub tells no steps.
  const ran = state === 'passed' || hasRun(job);
  const finished = textOf(job['completed_at']);
  const own = job['run_attempt'] === undefined ? attempt : countOf(job['run_attempt']);
  const isEarlier = own < attempt || (attempt > 1 && isBefore(finished, attemptAt));
  return {
    id,
    name,
    attempt: own,
    state: state === 'passed' && isEarlier ? 'kept' : state,
    hasLog: status === 'completed' && ran,
    ...present({
      // Before a runner has it, GitHub says when it was made.
      startedAt: ran && state !== 'waiting' ? asking.time(textOf(job['started_at'])) : undefined,
      finishedAt: status === 'completed' && ran ? asking.time(finished) : undefined,
      reason: reasonOf(status, conclusion) ?? (status === 'queued' && !ran ? runnerOf(job) : undefined),
      url: linkOf(job['html_url']),
    }),
  };
}

/** A job that no runner ever took has no steps, and a runner without a number or a name. */
function hasRun(job: Fields): boolean {
  return listOf(job['steps']).length > 0 || (numberOf(job['runner_id']) ?? 0) > 0 || textOf(job['runner_name']) !== undefined;
}

function runnerOf(job: Fields): string | undefined {
  const labels = listOf(job['labels']).flatMap((label) => lineOf(label, 60) ?? []);
  return labels.length === 0 ? undefined : `waits for a runner with ${labels.slice(0, 10).join(', ')}`;
}

/** What passed before this attempt began was taken over from an earlier one, whatever number it has now. */
function isBefore(time: string | undefined, other: string | undefined): boolean {
  return time !== undefined && other !== undefined && Date.parse(time) < Date.parse(other);
}

/** Whether it waits for the protection rules of an environment. */
export function isHeld(job: Fields): boolean {
  return job['status'] === 'waiting';
}

/** The environment that a job deploys to, by its check run; its number is that of the job. */
export async function environmentOf(job: Fields, repository: GithubRepository, signal: AbortSignal): Promise<string | undefined> {
  const id = idOf(job['id']);
  const check = id === undefined ? undefined : await repository.get(`/check-runs/${id}`, signal);
  return check?.state === 'ok' ? textOf(recordOf(check.value['deployment'])?.['environment']) : undefined;
}
