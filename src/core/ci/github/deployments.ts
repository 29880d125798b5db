import { present, recordOf, textOf } from '../../support/json-value';
import {
  isCommit,
  ok,
  type CiResult,
  type DeploymentHistory,
  type DeploymentRecord,
  type PastDeployment,
  type RemoteDeployment,
  type RemoteJob,
  type RemoteRun,
} from '../ci-client';
import { failure, idOf, lineOf, linkOf, loginOf, type Fields, type GithubRepository } from './github-repository';

const maxEnvironments = 30;
const concurrentRequests = 6;

const states: ReadonlyMap<string, RemoteDeployment['state']> = new Map<string, RemoteDeployment['state']>([
  ['success', 'live'],
  ['in_progress', 'going on'],
  ['queued', 'going on'],
  ['pending', 'going on'],
  ['waiting', 'going on'],
  ['failure', 'failed'],
  ['error', 'failed'],
  ['inactive', 'gone'],
]);

/** Returns the newest deployment to each environment, with its latest status. */
export async function latestDeployments(repository: GithubRepository, signal: AbortSignal): Promise<CiResult<readonly RemoteDeployment[]>> {
  const list = await repository.list('/deployments?per_page=100', undefined, signal, 1);
  if (list.state === 'failed') return list;
  const newest = new Map<string, Fields>();
  for (const one of [...list.value].sort((a, b) => createdAt(b) - createdAt(a))) {
    const environment = textOf(one['environment']);
    if (environment !== undefined && !newest.has(environment)) newest.set(environment, one);
  }
  const wanted = [...newest.values()].slice(0, maxEnvironments);
  const read: RemoteDeployment[] = [];
  for (let at = 0; at < wanted.length; at += concurrentRequests) {
    const answers = await Promise.all(wanted.slice(at, at + concurrentRequests).map(async (one) => withStatus(one, repository, signal)));
    for (const answer of answers) {
      if (answer.state === 'failed') return answer;
      if (answer.value) read.push(answer.value);
    }
  }
  return ok(read);
}

function createdAt(deployment: Fields): number {
  return Date.parse(textOf(deployment['created_at']) ?? '') || 0;
}

/** Returns undefined if the deployment was deleted or has an unknown format. */
async function withStatus(
  fields: Fields,
  repository: GithubRepository,
  signal: AbortSignal,
): Promise<CiResult<RemoteDeployment | undefined>> {
  const id = idOf(fields['id']);
  const environment = textOf(fields['environment']);
  const commit = textOf(fields['sha']);
  const made = repository.client.time(textOf(fields['created_at']));
  if (id === undefined || environment === undefined || commit === undefined || made === undefined) return ok(undefined);
  const statuses = await repository.list(`/deployments/${id}/statuses?per_page=1`, undefined, signal, 1);
  if (statuses.state === 'failed') return statuses.gone ? ok(undefined) : statuses;
  const status = statuses.value[0];
  const state = status ? states.get(textOf(status['state']) ?? '') : 'going on';
  if (state === undefined) return ok(undefined);
  return ok({
    environment,
    state,
    url: linkOf(status?.['environment_url']) ?? '',
    commit,
    deployedAt: (state === 'live' ? repository.client.time(textOf(status?.['created_at'])) : undefined) ?? made,
    ...present({
      ref: textOf(fields['ref']),
      by: loginOf(fields['creator']),
      page: linkOf(status?.['log_url']) ?? linkOf(status?.['target_url']),
    }),
  });
}

const statusNames = { live: 'success', failed: 'failure', gone: 'inactive' } as const;

/** Records a deployment with its status. If it is no longer live, the existing deployment is updated. */
export async function reportGithubDeployment(
  deployment: DeploymentRecord,
  repository: GithubRepository,
  signal: AbortSignal,
): Promise<CiResult<void>> {
  const { environment, commit, state } = deployment;
  const made = state === 'gone' ? await existingDeployment(deployment, repository, signal) : ok(undefined);
  if (made.state === 'failed') return made;
  const id = made.value === undefined ? await createDeployment(deployment, repository, signal) : ok(made.value);
  if (id.state === 'failed') return id;
  const url = linkOf(deployment.url);
  const status = {
    state: statusNames[state],
    environment_url: state === 'live' ? url : undefined,
    auto_inactive: state === 'live' ? true : undefined,
  };
  const answer = await repository.post(`/deployments/${id.value}/statuses`, status, signal);
  if (answer.state === 'failed')
    return { ...answer, message: `the deployment of ${commit.slice(0, 7)} to ${environment}: ${answer.message}` };
  return ok(undefined);
}

async function existingDeployment(
  { environment, commit }: DeploymentRecord,
  repository: GithubRepository,
  signal: AbortSignal,
): Promise<CiResult<string | undefined>> {
  const query = new URLSearchParams({ environment, sha: commit, per_page: '1' }).toString();
  const list = await repository.list(`/deployments?${query}`, undefined, signal, 1);
  return list.state === 'failed' ? list : ok(idOf(list.value[0]?.['id']));
}

async function createDeployment(
  { environment, commit, subject }: DeploymentRecord,
  repository: GithubRepository,
  signal: AbortSignal,
): Promise<CiResult<string>> {
  // It is deployed already: GitHub must not merge or wait for checks.
  const body = { ref: commit, environment, auto_merge: false, required_contexts: [], description: lineOf(subject, 130) ?? '' };
  const answer = await repository.post('/deployments', body, signal);
  if (answer.state === 'failed') {
    if (answer.status !== 409 && answer.status !== 422) return answer;
    return {
      ...answer,
      message: `GitHub refused the deployment of ${commit.slice(0, 7)}: ${answer.message}`,
      hint: 'push the commit first',
    };
  }
  const id = idOf(recordOf(answer.value)?.['id']);
  return id === undefined ? failure('GitHub accepted the deployment, but did not return its id') : ok(id);
}

/** Each deployment takes a request. */
const maxDeployments = 200;
const pageSize = 100;

/**
 * Returns the deployments of an environment with the time of their first success and of a later failure. A deployment without success was
 * never live, unless it is inactive: Deliver records ended deployments so.
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
    const query = new URLSearchParams({ environment, per_page: String(pageSize), page: String(page) }).toString();
    const list = await repository.list(`/deployments?${query}`, undefined, signal, 1);
    if (list.state === 'failed') return list;
    if (list.value.length === 0) return ok({ deployments: found.reverse() });
    for (let at = 0; at < list.value.length; at += concurrentRequests) {
      if (read >= maxDeployments) return ok({ deployments: found.reverse(), wholeSince: oldest });
      const some = list.value.slice(at, at + concurrentRequests);
      const answers = await Promise.all(some.map(async (one) => withStatuses(one, repository, signal)));
      for (const answer of answers) {
        if (answer.state === 'failed') return answer;
        if (answer.value) found.push(answer.value);
      }
      read += some.length;
      oldest = repository.client.time(textOf(some.at(-1)?.['created_at'])) ?? oldest;
      // The deployment that was live at the start is included.
      if (found.some(({ state, at: when }) => state === 'live' && when < since)) return ok({ deployments: found.reverse() });
    }
  }
}

/** Returns undefined if the deployment was never live, was deleted, or has an unknown format. */
async function withStatuses(
  fields: Fields,
  repository: GithubRepository,
  signal: AbortSignal,
): Promise<CiResult<PastDeployment | undefined>> {
  const [id, commit] = [idOf(fields['id']), textOf(fields['sha'])];
  const made = repository.client.time(textOf(fields['created_at']));
  if (id === undefined || !isCommit(commit) || made === undefined) return ok(undefined);
  const statuses = await repository.list(`/deployments/${id}/statuses?per_page=100`, undefined, signal, 1);
  if (statuses.state === 'failed') return statuses.gone ? ok(undefined) : statuses;
  const history = statuses.value
    .map((one) => ({ state: textOf(one['state']) ?? '', at: repository.client.time(textOf(one['created_at'])) ?? made }))
    .sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  const live = history.findIndex(({ state }) => state === 'success');
  const at = history[live]?.at;
  if (at === undefined) return ok(history.at(-1)?.state === 'inactive' ? { commit, state: 'gone', at: made } : undefined);
  const failed = history.slice(live + 1).find(({ state }) => state === 'failure' || state === 'error');
  return ok({ commit, state: 'live', at, failedAt: failed?.at });
}

/** Deployments of one commit. Only repeated deployments exceed this. */
const maxCheckedDeployments = 10;

/** Returns the URLs of deployments by job id. The log URL of a status names the job; statuses without one are ignored. */
export async function deployedTo(
  run: RemoteRun,
  jobs: readonly RemoteJob[],
  repository: GithubRepository,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  if (!jobs.some(({ state }) => state === 'passed' || state === 'kept')) return found;
  const list = await repository.list(`/deployments?sha=${run.commit}&per_page=${maxCheckedDeployments}`, undefined, signal, 1);
  if (list.state === 'failed') return found;
  for (const deployment of list.value.slice(0, maxCheckedDeployments)) {
    const id = idOf(deployment['id']);
    const statuses = id === undefined ? undefined : await repository.list(`/deployments/${id}/statuses?per_page=1`, undefined, signal, 1);
    const [status] = statuses?.state === 'ok' ? statuses.value : [];
    if (!status || !['success', 'inactive'].includes(textOf(status['state']) ?? '')) continue;
    const job = jobInUrl(textOf(status['log_url']) ?? textOf(status['target_url']) ?? '', run.id);
    const url = linkOf(status['environment_url']);
    if (job !== undefined && url !== undefined && !found.has(job)) found.set(job, url);
  }
  return found;
}

/** Returns the job in `.../actions/runs/RUN/job/JOB`. */
function jobInUrl(address: string, run: string): string | undefined {
  const [, of, job] = /\/actions\/runs\/(\d+)\/jobs?\/(\d+)/.exec(address) ?? [];
  return of === run ? job : undefined;
}
