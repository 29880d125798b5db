import { listOf, present, recordOf, textOf, valueAt } from '../../support/json-value';
import { ok, type DeploymentRecord, type RemoteDeployment, type CiFailure, type CiResult } from '../ci-client';
import { shown, userOf, webAddress, wrong, type GitlabProject, type Json } from './project';

const mostEnvironments = 30;
const atOnce = 6;

/** What last went live in each environment: GitLab names no other as the last (docs.gitlab.com: api/environments). */
export async function readDeployments(project: GitlabProject, signal: AbortSignal): Promise<CiResult<readonly RemoteDeployment[]>> {
  const environments = await project.list('/environments?states=available&per_page=100', 'environments', signal);
  if (environments.state === 'failed') return environments;
  const ids = environments.value.flatMap((one) => textOf(recordOf(one)?.['id']) ?? []).slice(0, mostEnvironments);
  const read: CiResult<RemoteDeployment | undefined>[] = [];
  for (let at = 0; at < ids.length; at += atOnce)
    read.push(...(await Promise.all(ids.slice(at, at + atOnce).map(async (id) => readEnvironment(project, id, signal)))));
  const failure = read.find((one): one is CiFailure => one.state === 'failed');
  return failure ?? ok(read.flatMap((one) => (one.state === 'ok' && one.value ? [one.value] : [])));
}

/** Undefined where nothing was deployed yet, or the environment is gone by now. */
async function readEnvironment(project: GitlabProject, id: string, signal: AbortSignal): Promise<CiResult<RemoteDeployment | undefined>> {
  const answer = await project.record(`/environments/${encodeURIComponent(id)}`, 'an environment', signal);
  if (answer.state === 'failed') return answer.gone ? ok(undefined) : answer;
  const name = shown(answer.value['name']);
  const last = recordOf(answer.value['last_deployment']);
  if (name === undefined || !last) return ok(undefined);
  const [commit, deployedAt] = [textOf(last['sha']), project.asking.time(textOf(last['created_at']))];
  const state = answer.value['state'] === 'stopped' ? 'gone' : deploymentState(last['status']);
  if (commit === undefined || deployedAt === undefined || state === undefined)
    return wrong(`GitLab does not say what was last deployed to ${name}`);
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

/** A deployment as the record of a job. */
export interface JobDeployment {
  readonly id: string;
  readonly job: string;
  readonly status: string;
  readonly name: string;
  readonly url: string;
}

/** The latest deployments that jobs make, made or are to make, newest first. None where the token may not see them. */
export async function jobDeployments(project: GitlabProject, signal: AbortSignal): Promise<readonly JobDeployment[]> {
  const answer = await project.asking.get(project.path('/deployments?order_by=id&sort=desc&per_page=100'), signal);
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

/** Records what was deployed elsewhere, with the environment and its address where they are not known yet. */
export async function reportDeployment(project: GitlabProject, deployment: DeploymentRecord, signal: AbortSignal): Promise<CiResult<void>> {
  const { environment, commit, state } = deployment;
  const made = await makeEnvironment(project, deployment, signal);
  if (made.state === 'failed') return made;
  const ref = await project.branch(signal);
  if (ref === undefined) return wrong(`GitLab does not say which is the branch that ${project.name} is delivered from`);
  const status = state === 'live' ? 'success' : state === 'failed' ? 'failed' : 'canceled';
  if (state === 'gone') {
    const before = await toldBefore(project, deployment, signal);
    if (before.state === 'failed') return before;
    if (before.value !== undefined) return changeDeployment(project, before.value, status, signal);
  }
  const answer = await project.post('/deployments', { environment, sha: commit, ref, tag: false, status }, 'a deployment', signal);
  if (answer.state === 'failed') return answer;
  const recorded = textOf(answer.value['status']);
  return recorded === status ? ok(undefined) : wrong(`GitLab recorded the deployment to ${environment} as ${shown(recorded) ?? 'nothing'}`);
}

/**
 * The latest of the environment, where it is the one that was told to be live. The record of it would stay the last success whatever
 * is told beside it. Those of jobs cannot be changed (lib/api/deployments.rb).
 */
async function toldBefore(
  project: GitlabProject,
  { environment, commit }: DeploymentRecord,
  signal: AbortSignal,
): Promise<CiResult<string | undefined>> {
  const query = new URLSearchParams({ environment, status: 'success', order_by: 'id', sort: 'desc', per_page: '1' }).toString();
  const answer = await project.asking.get(project.path(`/deployments?${query}`), signal);
  if (answer.state === 'failed') return answer;
  const [latest] = listOf(answer.value);
  const isOwn = valueAt(latest, 'sha') === commit && recordOf(valueAt(latest, 'deployable')) === undefined;
  return ok(isOwn ? textOf(valueAt(latest, 'id')) : undefined);
}

async function changeDeployment(project: GitlabProject, id: string, status: string, signal: AbortSignal): Promise<CiResult<void>> {
  const answer = await project.asking.write('PUT', project.path(`/deployments/${encodeURIComponent(id)}`), { status }, signal);
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
  const changed = await project.asking.write('PUT', project.path(`/environments/${textOf(known['id']) ?? ''}`), more, signal);
  return changed.state === 'failed' ? changed : ok(undefined);
}
