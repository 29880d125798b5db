import { listOf, numberOf, recordOf, textOf } from '../../support/json-value';
import { ok, type RemoteJob, type CiResult } from '../ci-client';
import type { Fields, GithubRepository } from './github-repository';
import { environmentOf } from './jobs';
import { failure, lineOf, loginOf } from './fields';

/** A deployment of a run that its environment's rules hold back. */
export interface Held {
  readonly environment: string;
  readonly environmentId: number;
  /** Who may let it go on; empty where only time or another service does. */
  readonly reviewers: readonly string[];
  readonly isMine: boolean;
  readonly waitMinutes: number;
}

export async function heldDeployments(run: string, repository: GithubRepository, signal: AbortSignal): Promise<CiResult<readonly Held[]>> {
  const list = await repository.list(`/actions/runs/${run}/pending_deployments`, undefined, signal);
  return list.state === 'failed' ? list : ok(list.value.flatMap((one) => readHeld(one) ?? []));
}

function readHeld(pending: Fields): Held | undefined {
  const environment = recordOf(pending['environment']);
  const name = textOf(environment?.['name']);
  const environmentId = numberOf(environment?.['id']);
  if (name === undefined || environmentId === undefined) return undefined;
  return {
    environment: name,
    environmentId,
    reviewers: listOf(pending['reviewers']).flatMap((one) => {
      const reviewer = recordOf(recordOf(one)?.['reviewer']);
      return loginOf(reviewer) ?? lineOf(reviewer?.['name'], 100) ?? [];
    }),
    isMine: pending['current_user_can_approve'] === true,
    waitMinutes: numberOf(pending['wait_timer']) ?? 0,
  };
}

/** What a held job waits for. With several environments only the job's check run says which is its own: nothing is guessed. */
export async function whatHolds(
  job: Fields,
  held: readonly Held[],
  repository: GithubRepository,
  signal: AbortSignal,
): Promise<Pick<RemoteJob, 'approval' | 'reason'>> {
  const name = held.length > 1 ? await environmentOf(job, repository, signal) : held[0]?.environment;
  const own = held.find(({ environment }) => environment === name);
  const all = held.map((one) => shown(one.environment)).join(' or ');
  if (!own) return { reason: `waits for the rules of ${held.length === 0 ? 'its environment' : all}` };
  const environment = shown(own.environment);
  if (own.reviewers.length > 0)
    return {
      approval: own.environment,
      reason: `waits for ${own.reviewers.slice(0, 5).join(' or ')} to approve the deployment to ${environment}`,
    };
  // Somebody who may approve it although no reviewers are named is an answer that this does not know all of.
  if (own.isMine) return { approval: own.environment, reason: `waits for approval of the deployment to ${environment}` };
  return own.waitMinutes > 0
    ? { reason: `waits ${own.waitMinutes} min before it deploys to ${environment}` }
    : { reason: `waits for the rules of ${environment}` };
}

/** Approves as who the token is of. */
export async function approveDeployment(
  run: string,
  environment: string,
  repository: GithubRepository,
  signal: AbortSignal,
): Promise<CiResult<void>> {
  const held = await heldDeployments(run, repository, signal);
  if (held.state === 'failed') return held;
  const own = held.value.find((one) => one.environment === environment);
  if (!own) return failure(`no deployment to ${shown(environment)} waits for anybody`, 'it may have been approved or ended meanwhile');
  if (!own.isMine) {
    const who = own.reviewers.length > 0 ? ` (${own.reviewers.join(', ')} may)` : '';
    return failure(`GitHub does not let you approve the deployment to ${shown(environment)}${who}`);
  }
  const body = { environment_ids: [own.environmentId], state: 'approved', comment: 'Approved with Deliver' };
  const answer = await repository.post(`/actions/runs/${run}/pending_deployments`, body, signal);
  return answer.state === 'failed' ? answer : ok(undefined);
}

function shown(environment: string): string {
  return lineOf(environment) ?? environment;
}
