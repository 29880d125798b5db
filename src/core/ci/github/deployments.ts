import { present, recordOf, textOf } from '../../support/json-value';
import { ok, type DeploymentRecord, type RemoteDeployment, type CiResult } from '../ci-client';
import type { Fields, GithubRepository } from './github-repository';
import { failure, idOf, lineOf, linkOf, loginOf } from './fields';

const mostEnvironments = 30;
const atOnce = 6;

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

/** The newest deployment to each environment, with its latest status. */
export async function latestDeployments(repository: GithubRepository, signal: AbortSignal): Promise<CiResult<readonly RemoteDeployment[]>> {
  const list = await repository.list('/deployments?per_page=100', undefined, signal, 1);
  if (list.state === 'failed') return list;
  const newest = new Map<string, Fields>();
  for (const one of [...list.value].sort((a, b) => createdAt(b) - createdAt(a))) {
    const environment = textOf(one['environment']);
    if (environment !== undefined && !newest.has(environment)) newest.set(environment, one);
  }
  const wanted = [...newest.values()].slice(0, mostEnvironments);
  const read: RemoteDeployment[] = [];
  for (let at = 0; at < wanted.length; at += atOnce) {
    const answers = await Promise.all(wanted.slice(at, at + atOnce).map(async (one) => withStatus(one, repository, signal)));
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

/** Undefined: what is answered is not understood, or was deleted meanwhile. */
async function withStatus(
  fields: Fields,
  repository: GithubRepository,
  signal: AbortSignal,
): Promise<CiResult<RemoteDeployment | undefined>> {
  const id = idOf(fields['id']);
  const environment = textOf(fields['environment']);
  const commit = textOf(fields['sha']);
  const made = repository.asking.time(textOf(fields['created_at']));
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
    deployedAt: (state === 'live' ? repository.asking.time(textOf(status?.['created_at'])) : undefined) ?? made,
    ...present({
      ref: textOf(fields['ref']),
      by: loginOf(fields['creator']),
      page: linkOf(status?.['log_url']) ?? linkOf(status?.['target_url']),
    }),
  });
}

const tellingOf = { live: 'success', failed: 'failure', gone: 'inactive' } as const;

/** A deployment and its status. One that is gone is the one that was told before, where there is one. */
export async function reportGithubDeployment(
  deployment: DeploymentRecord,
  repository: GithubRepository,
  signal: AbortSignal,
): Promise<CiResult<void>> {
  const { environment, commit, state } = deployment;
  const made = state === 'gone' ? await knownDeployment(deployment, repository, signal) : ok(undefined);
  if (made.state === 'failed') return made;
  const id = made.value === undefined ? await createDeployment(deployment, repository, signal) : ok(made.value);
  if (id.state === 'failed') return id;
  const url = linkOf(deployment.url);
  const status = {
    state: tellingOf[state],
    ...(url !== undefined && state === 'live' && { environment_url: url }),
    ...(state === 'live' && { auto_inactive: true }),
  };
  const answer = await repository.post(`/deployments/${id.value}/statuses`, status, signal);
  if (answer.state === 'failed')
    return { ...answer, message: `the deployment of ${commit.slice(0, 7)} to ${environment}: ${answer.message}` };
  return ok(undefined);
}

async function knownDeployment(
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
  // GitHub merges nothing and waits for nothing: it was deployed.
  const body = { ref: commit, environment, auto_merge: false, required_contexts: [], description: lineOf(subject, 130) ?? '' };
  const answer = await repository.post('/deployments', body, signal);
  if (answer.state === 'failed') {
    if (answer.status !== 409 && answer.status !== 422) return answer;
    return { ...answer, message: `GitHub does not take the deployment of ${commit.slice(0, 7)}: ${answer.message}`, hint: 'is it pushed?' };
  }
  const id = idOf(recordOf(answer.value)?.['id']);
  return id === undefined ? failure('GitHub took the deployment, but does not say its number') : ok(id);
}
