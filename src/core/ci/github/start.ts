import { recordOf } from '../../support/json-value';
import { ok, type CiFailure, type CiResult, type RemoteRun, type Started, type StartRequest } from '../ci-client';
import { countOf, failure, idOf, linkOf, workflowOf, type Fields, type GithubRepository } from './github-repository';
import { setTimeout as delay } from 'node:timers/promises';

/** Starts the workflow on a branch that only this delivery uses: its run there is the started one. */
export async function startRun(
  request: StartRequest,
  repository: GithubRepository,
  retries: RetrySchedule,
  signal: AbortSignal,
): Promise<CiResult<Started>> {
  const workflow = workflowOf(request.file);
  const send = async (more: object): ReturnType<GithubRepository['post']> =>
    repository.post(`${workflow}/dispatches`, { ref: request.branch, ...more }, signal);
  const first = await send({ return_run_details: true });
  // Enterprise servers without this field may refuse the request. Then nothing was started.
  const isUnknownField = first.state === 'failed' && first.status === 422 && first.message.includes('return_run_details');
  const answer = isUnknownField ? await send({}) : first;
  if (answer.state === 'failed') {
    // A lost answer may have been a success.
    const isUncertain = !signal.aborted && (answer.reason === 'offline' || (answer.status ?? 0) >= 500);
    const found = isUncertain ? await findRun(workflow, request, repository, { ...retries, attempts: 3 }, signal) : undefined;
    return found?.state === 'ok' ? found : startFailure(answer, request, repository);
  }
  const details = recordOf(answer.value);
  const id = idOf(details?.['workflow_run_id']);
  if (id === undefined) return findRun(workflow, request, repository, retries, signal);
  const url = linkOf(details?.['html_url']);
  return ok({ id, attempt: 1, url });
}

/** Returns the run that an answer without details started, once it is listed. */
async function findRun(
  workflow: string,
  { branch, commit }: StartRequest,
  repository: GithubRepository,
  retries: RetrySchedule,
  signal: AbortSignal,
): Promise<CiResult<Started>> {
  const query = new URLSearchParams({ branch, event: 'workflow_dispatch', head_sha: commit }).toString();
  const found = await retryUntilFound(retries, signal, async () => {
    const runs = await repository.list(`${workflow}/runs?${query}`, 'workflow_runs', signal);
    return runs.state === 'failed' ? runs : ok(runs.value.map((run) => startedOf(run, branch, commit)).find(Boolean));
  });
  return (
    found ??
    failure(`GitHub accepted the start of ${branch}, but no run appeared`, 'look for the run on the Actions page of the repository')
  );
}

/** Matches a run to the request, because some servers ignore the filters. */
function startedOf(run: Fields, branch: string, commit: string): Started | undefined {
  if (run['head_branch'] !== branch || run['head_sha'] !== commit || run['event'] !== 'workflow_dispatch') return undefined;
  const id = idOf(run['id']);
  const url = linkOf(run['html_url']);
  return id === undefined ? undefined : { id, attempt: countOf(run['run_attempt']), url };
}

const exportHint = 'run `deliver export github`, and push the file to the default branch';

function startFailure({ gone: _, ...answer }: CiFailure, { file, branch }: StartRequest, { name }: GithubRepository): CiFailure {
  switch (answer.status) {
    case 404:
      return {
        ...answer,
        message: `${name} has no ${file} on its default branch, or the token may not read it (404)`,
        hint: `${exportHint}; a token needs write access to Actions (classic: repo)`,
      };
    case 422:
      return { ...answer, ...invalidRequest(answer.message, file, branch) };
    case 403:
      return answer.reason === 'limit'
        ? answer
        : { ...answer, hint: 'a token needs write access to Actions (classic: repo), and Actions has to be enabled for the repository' };
    default:
      return answer;
  }
}

function invalidRequest(reason: string, file: string, branch: string): { message?: string; hint?: string } {
  if (/workflow_dispatch.{0,3} trigger/.test(reason))
    return { message: `${file} has no \`workflow_dispatch\` trigger, so it cannot be started (422)`, hint: exportHint };
  if (/disabled workflow/i.test(reason))
    return { message: `${file} is disabled on GitHub (422)`, hint: 'enable it on the Actions page of the repository' };
  if (/No ref found/i.test(reason)) return { message: `GitHub has no branch ${branch} (422)`, hint: 'push it first' };
  return {};
}

/** Runs the failed jobs again, or all jobs if none failed. */
export async function rerunRun(
  run: RemoteRun,
  repository: GithubRepository,
  retries: RetrySchedule,
  signal: AbortSignal,
): Promise<CiResult<Started>> {
  const path = `/actions/runs/${run.id}`;
  const answer = await repository.post(`${path}/${run.state === 'failed' ? 'rerun-failed-jobs' : 'rerun'}`, undefined, signal);
  if (answer.state === 'failed') return rerunFailure(answer);
  const started = await retryUntilFound(retries, signal, async () => {
    const current = await repository.get(path, signal);
    if (current.state === 'failed') return current;
    const attempt = countOf(current.value['run_attempt']);
    return ok(attempt > run.attempt ? { id: run.id, attempt, url: linkOf(current.value['html_url']) ?? run.url } : undefined);
  });
  return started ?? failure(`GitHub accepted the rerun, but run ${run.id} has no further attempt yet`);
}

/**
 * Cancels a run. Success if it is over already. GitHub also answers 409 for a run that is not queued yet (actions/runner#3872): that is a
 * failure.
 */
export async function cancelRun(run: string, repository: GithubRepository, signal: AbortSignal): Promise<CiResult<void>> {
  const path = `/actions/runs/${run}`;
  const answer = await repository.post(`${path}/cancel`, undefined, signal);
  if (answer.state !== 'failed') return ok(undefined);
  if (answer.status !== 409) return answer;
  const current = await repository.get(path, signal);
  return current.state === 'ok' && current.value['status'] === 'completed' ? ok(undefined) : answer;
}

/** Returns the reason of a refused rerun. GitHub answers 403 also for reasons other than the token; only its message differs. */
function rerunFailure(answer: CiFailure): CiFailure {
  const reason = /403\): (.*(?:month ago|already running|cannot be r|can not be r|unable to r|not be retried).*)$/i.exec(
    answer.message,
  )?.[1];
  if (answer.status !== 403 || reason === undefined) return answer;
  return { ...answer, reason: 'answer', message: `GitHub refused the rerun: ${reason}` };
}

export interface RetrySchedule {
  /** Before the second attempt; doubled for each further one. */
  readonly firstDelayMs: number;
  readonly attempts: number;
}

/** About a minute in total. */
export const defaultRetries: RetrySchedule = { firstDelayMs: 500, attempts: 8 };

/** Calls `request` until it returns a value. Returns undefined if it never does. */
export async function retryUntilFound<T>(
  { firstDelayMs, attempts }: RetrySchedule,
  signal: AbortSignal,
  request: () => Promise<CiResult<T | undefined>>,
): Promise<CiResult<T> | undefined> {
  for (let done = 0; done < attempts; done++) {
    if (done > 0) await delay(firstDelayMs * 2 ** (done - 1), undefined, { signal }).catch(() => undefined);
    const answer = await request();
    if (answer.state === 'failed') return answer;
    if (answer.value !== undefined) return ok(answer.value);
  }
  return undefined;
}
