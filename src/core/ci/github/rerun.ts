import { ok, type CiFailure, type RemoteRun, type Started, type CiResult } from '../ci-client';
import type { GithubRepository } from './github-repository';
import { until, type Patience } from './retry';
import { countOf, failure, linkOf } from './fields';

/** Runs what failed again; all of it where nothing did. */
export async function rerunRun(
  run: RemoteRun,
  repository: GithubRepository,
  patience: Patience,
  signal: AbortSignal,
): Promise<CiResult<Started>> {
  const path = `/actions/runs/${run.id}`;
  const answer = await repository.post(`${path}/${run.state === 'failed' ? 'rerun-failed-jobs' : 'rerun'}`, undefined, signal);
  if (answer.state === 'failed') return whyNotAgain(answer);
  const started = await until(patience, signal, async () => {
    const now = await repository.get(path, signal);
    if (now.state === 'failed') return now;
    const attempt = countOf(now.value['run_attempt']);
    return ok(attempt > run.attempt ? { id: run.id, attempt, url: linkOf(now.value['html_url']) ?? run.url } : undefined);
  });
  return started ?? failure(`GitHub took it, but run ${run.id} has no further attempt yet`);
}

/**
 * A run that is over already needs no end. GitHub answers the same 409 for one that it has not queued yet (actions/runner#3872): that
 * one would go on.
 */
export async function cancelRun(run: string, repository: GithubRepository, signal: AbortSignal): Promise<CiResult<void>> {
  const path = `/actions/runs/${run}`;
  const answer = await repository.post(`${path}/cancel`, undefined, signal);
  if (answer.state !== 'failed') return ok(undefined);
  if (answer.status !== 409) return answer;
  const now = await repository.get(path, signal);
  return now.state === 'ok' && now.value['status'] === 'completed' ? ok(undefined) : answer;
}

/** GitHub says 403 also where no token could do it: its own words tell it apart. */
function whyNotAgain(answer: CiFailure): CiFailure {
  const said = /403\): (.*(?:month ago|already running|cannot be r|can not be r|unable to r|not be retried).*)$/i.exec(answer.message)?.[1];
  if (answer.status !== 403 || said === undefined) return answer;
  return { ...answer, reason: 'answer', message: `GitHub does not run it again: ${said}` };
}
