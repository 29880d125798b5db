import { textOf } from '../../support/json-value';
import { isCommit, ok, type DeploymentHistory, type PastDeployment, type CiResult } from '../ci-client';
import type { Fields, GithubRepository } from './github-repository';
import { idOf } from './fields';

/** Each is a request of its own. */
const mostDeployments = 200;
const onPage = 100;
const atOnce = 6;

/**
 * Deployments of GitHub with the statuses that each had: when it succeeded first, and whether it failed after that. A deployment
 * that never succeeded was never live, unless it is said to be inactive: that is how one is recorded that is gone already.
 */
export async function githubHistory(
  repository: GithubRepository,
  environment: string,
  since: string,
  signal: AbortSignal,
): Promise<CiResult<DeploymentHistory>> {
  const found: PastDeployment[] = [];
  let read = 0;
  let oldest: string | undefined;
  for (let page = 1; ; page++) {
    const query = new URLSearchParams({ environment, per_page: String(onPage), page: String(page) }).toString();
    const list = await repository.list(`/deployments?${query}`, undefined, signal, 1);
    if (list.state === 'failed') return list;
    if (list.value.length === 0) return ok({ deployments: found.reverse() });
    for (let at = 0; at < list.value.length; at += atOnce) {
      if (read >= mostDeployments) return ok({ deployments: found.reverse(), ...(oldest !== undefined && { wholeSince: oldest }) });
      const some = list.value.slice(at, at + atOnce);
      const answers = await Promise.all(some.map(async (one) => withStatuses(one, repository, signal)));
      for (const answer of answers) {
        if (answer.state === 'failed') return answer;
        if (answer.value) found.push(answer.value);
      }
      read += some.length;
      oldest = repository.asking.time(textOf(some.at(-1)?.['created_at'])) ?? oldest;
      // What was live when it all began is known, too.
      if (found.some(({ state, at: when }) => state === 'live' && when < since)) return ok({ deployments: found.reverse() });
    }
  }
}

/** Undefined: it was never live, was deleted meanwhile, or is not understood. */
async function withStatuses(
  fields: Fields,
  repository: GithubRepository,
  signal: AbortSignal,
): Promise<CiResult<PastDeployment | undefined>> {
  const [id, commit] = [idOf(fields['id']), textOf(fields['sha'])];
  const made = repository.asking.time(textOf(fields['created_at']));
  if (id === undefined || !isCommit(commit) || made === undefined) return ok(undefined);
  const statuses = await repository.list(`/deployments/${id}/statuses?per_page=100`, undefined, signal, 1);
  if (statuses.state === 'failed') return statuses.gone ? ok(undefined) : statuses;
  const said = statuses.value
    .map((one) => ({ state: textOf(one['state']) ?? '', at: repository.asking.time(textOf(one['created_at'])) ?? made }))
    .sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  const live = said.findIndex(({ state }) => state === 'success');
  const at = said[live]?.at;
  if (at === undefined) return ok(said.at(-1)?.state === 'inactive' ? { commit, state: 'gone', at: made } : undefined);
  const failed = said.slice(live + 1).find(({ state }) => state === 'failure' || state === 'error');
  return ok({ commit, state: 'live', at, ...(failed && { failedAt: failed.at }) });
}
