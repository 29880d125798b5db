import { listOf, present, recordOf, textOf, valueAt } from '../../support/json-value';
import {
  isCommit,
  ok,
  type CiFailure,
  type CiResult,
  type DeploymentHistory,
  type DeploymentRecord,
  type PastDeployment,
  type RemoteDeployment,
} from '../ci-client';
import { shown, userOf, webAddress, wrong, type GitlabProject, type Json } from './project';

const maxEnvironments = 30;
const concurrentRequests = 6;

/** Returns the last deployment of each environment (docs.gitlab.com: api/environments). */
export async function readDeployments(project: GitlabProject, signal: AbortSignal): Promise<CiResult<readonly RemoteDeployment[]>> {
  const environments = await project.list('/environments?states=available&per_page=100', 'environments', signal);
  if (environments.state === 'failed') return environments;
  const ids = environments.value.flatMap((one) => textOf(recordOf(one)?.['id']) ?? []).slice(0, maxEnvironments);
  const read: CiResult<RemoteDeployment | undefined>[] = [];
  for (let at = 0; at < ids.length; at += concurrentRequests)
    read.push(...(await Promise.all(ids.slice(at, at + concurrentRequests).map(async (id) => readEnvironment(project, id, signal)))));
  const failure = read.find((one): one is CiFailure => one.state === 'failed');
  return failure ?? ok(read.flatMap((one) => (one.state === 'ok' && one.value ? [one.value] : [])));
}

/** Returns undefined if nothing was deployed, or the environment was deleted. */
async function readEnvironment(project: GitlabProject, id: string, signal: AbortSignal): Promise<CiResult<RemoteDeployment | undefined>> {
  const answer = await project.record(`/environments/${encodeURIComponent(id)}`, 'an environment', signal);
  if (answer.state === 'failed') return answer.gone ? ok(undefined) : answer;
  const name = shown(answer.value['name']);
  const last = recordOf(answer.value['last_deployment']);
  if (name === undefined || !last) return ok(undefined);
  const [commit, deployedAt] = [textOf(last['sha']), project.client.time(textOf(last['created_at']))];
  const state = answer.value['state'] === 'stopped' ? 'gone' : deploymentState(last['status']);
  if (commit === undefined || deployedAt === undefined || state === undefined)
    return wrong(`GitLab did not return the last deployment to ${name}`);
  return ok({
    environment: name,
    state,
    url: webAddress(answer.value['external_url']) ?? '',
    commit,
    deployedAt,
    ...present({ ref: shown(last['ref']), by: userOf(last), page: webAddress(valueAt(last, 'deployable.web_url')) }),
  });
}

function deploymentState(status: unknown): RemoteDeployment['state'] | undefined {
  switch (status) {
    case 'success':
      return 'live';
    case 'created':
    case 'running':
    case 'blocked':
      return 'going on';
    case 'failed':
    case 'canceled':
      return 'failed';
    case 'skipped':
      return 'gone';
    default:
      return undefined;
  }
}

/** The deployment that a job makes. */
export interface JobDeployment {
  readonly id: string;
  readonly job: string;
  readonly status: string;
  readonly name: string;
  readonly url: string;
}

/** Returns the latest deployments of jobs, newest first. Empty if the token may not read them. */
export async function jobDeployments(project: GitlabProject, signal: AbortSignal): Promise<readonly JobDeployment[]> {
  const answer = await project.client.get(project.path('/deployments?order_by=id&sort=desc&per_page=100'), signal);
  if (answer.state === 'failed') return [];
  return listOf(answer.value).flatMap((value) => {
    const [id, job] = [textOf(valueAt(value, 'id')), textOf(valueAt(value, 'deployable.id'))];
    const name = shown(valueAt(value, 'environment.name'));
    if (id === undefined || job === undefined || name === undefined) return [];
    return [
      { id, job, name, status: textOf(valueAt(value, 'status')) ?? '', url: webAddress(valueAt(value, 'environment.external_url')) ?? '' },
    ];
  });
}

/** Records a deployment that was made elsewhere. Creates the environment or updates its address first. */
export async function reportDeployment(project: GitlabProject, deployment: DeploymentRecord, signal: AbortSignal): Promise<CiResult<void>> {
  const { environment, commit, state } = deployment;
  const made = await makeEnvironment(project, deployment, signal);
  if (made.state === 'failed') return made;
  const ref = await project.branch(signal);
  if (ref === undefined) return wrong(`GitLab did not return the default branch of ${project.name}`);
  const status = state === 'live' ? 'success' : state === 'failed' ? 'failed' : 'canceled';
  if (state === 'gone') {
    const before = await latestSuccess(project, deployment, signal);
    if (before.state === 'failed') return before;
    if (before.value !== undefined) return changeDeployment(project, before.value, status, signal);
  }
  const answer = await project.post('/deployments', { environment, sha: commit, ref, tag: false, status }, 'a deployment', signal);
  if (answer.state === 'failed') return answer;
  const recorded = textOf(answer.value['status']);
  return recorded === status ? ok(undefined) : wrong(`GitLab recorded the deployment to ${environment} as ${shown(recorded) ?? 'nothing'}`);
}

/**
 * Returns the latest successful deployment if it is the given one. It must be changed: GitLab would go on showing it as the last success.
 * Deployments of jobs cannot be changed (lib/api/deployments.rb).
 */
async function latestSuccess(
  project: GitlabProject,
  { environment, commit }: DeploymentRecord,
  signal: AbortSignal,
): Promise<CiResult<string | undefined>> {
  const query = new URLSearchParams({ environment, status: 'success', order_by: 'id', sort: 'desc', per_page: '1' }).toString();
  const answer = await project.client.get(project.path(`/deployments?${query}`), signal);
  if (answer.state === 'failed') return answer;
  const [latest] = listOf(answer.value);
  const isReported = valueAt(latest, 'sha') === commit && recordOf(valueAt(latest, 'deployable')) === undefined;
  return ok(isReported ? textOf(valueAt(latest, 'id')) : undefined);
}

async function changeDeployment(project: GitlabProject, id: string, status: string, signal: AbortSignal): Promise<CiResult<void>> {
  const answer = await project.client.write('PUT', project.path(`/deployments/${encodeURIComponent(id)}`), { status }, signal);
  return answer.state === 'failed' ? answer : ok(undefined);
}

async function makeEnvironment(
  project: GitlabProject,
  { environment: name, url, state }: DeploymentRecord,
  signal: AbortSignal,
): Promise<CiResult<Json | undefined>> {
  const found = await project.list(`/environments?name=${encodeURIComponent(name)}`, 'environments', signal);
  if (found.state === 'failed') return found;
  const known = found.value.map(recordOf).find((one) => one?.['name'] === name);
  const address = state === 'live' ? webAddress(url) : undefined;
  const more = address === undefined ? {} : { external_url: address };
  if (!known) return project.post('/environments', { name, ...more }, 'an environment', signal);
  if (address === undefined || known['external_url'] === address) return ok(undefined);
  const changed = await project.client.write('PUT', project.path(`/environments/${textOf(known['id']) ?? ''}`), more, signal);
  return changed.state === 'failed' ? changed : ok(undefined);
}

const maxPages = 10;

/**
 * Returns the deployments of an environment, back to the last one before `since` (docs.gitlab.com: api/deployments). The filter
 * `updated_after` would drop that one, which was live at the start.
 */
export async function gitlabHistory(
  project: GitlabProject,
  environment: string,
  since: string,
  signal: AbortSignal,
): Promise<CiResult<DeploymentHistory>> {
  const found: PastDeployment[] = [];
  let oldest: string | undefined;
  for (let page = 1; page <= maxPages; page++) {
    const query = new URLSearchParams({ environment, order_by: 'id', sort: 'desc', per_page: '100', page: String(page) }).toString();
    const answer = await project.client.get(project.path(`/deployments?${query}`), signal);
    if (answer.state === 'failed') return answer;
    const { value } = answer;
    if (!Array.isArray(value)) return wrong('GitLab did not return a list of deployments');
    if (value.length === 0) return ok({ deployments: found.reverse() });
    for (const one of value as readonly unknown[]) {
      const deployment = pastDeployment(one, project);
      if (deployment) found.push(deployment);
      oldest = project.client.time(textOf(valueAt(one, 'created_at'))) ?? oldest;
      if (deployment?.state === 'live' && deployment.at < since) return ok({ deployments: found.reverse() });
    }
  }
  return ok({ deployments: found.reverse(), wholeSince: oldest });
}

/** Returns undefined if it was never live. Only deployments without a job can be gone without a success. */
function pastDeployment(value: unknown, { client }: GitlabProject): PastDeployment | undefined {
  const [commit, status] = [textOf(valueAt(value, 'sha')), textOf(valueAt(value, 'status'))];
  const made = client.time(textOf(valueAt(value, 'created_at')));
  if (!isCommit(commit) || made === undefined) return undefined;
  const job = recordOf(valueAt(value, 'deployable'));
  if (status === 'success') return { commit, state: 'live', at: client.time(textOf(job?.['finished_at'])) ?? made };
  return status === 'canceled' && !job ? { commit, state: 'gone', at: made } : undefined;
}
