import { listOf, numberOf, recordOf, textOf } from '../../support/json-value';
import { ok, type CiResult, type RemoteJob } from '../ci-client';
import { failure, lineOf, loginOf, type Fields, type GithubRepository } from './github-repository';
import { environmentOf } from './jobs';

/** A deployment that the rules of its environment hold back. */
export interface HeldDeployment {
  readonly environment: string;
  readonly environmentId: number;
  /** People and teams that may approve it. Empty: only a timer or another service holds it back. */
  readonly reviewers: readonly string[];
  readonly canApprove: boolean;
  readonly waitMinutes: number;
}

export async function heldDeployments(
  run: string,
  repository: GithubRepository,
  signal: AbortSignal,
): Promise<CiResult<readonly HeldDeployment[]>> {
  const list = await repository.list(`/actions/runs/${run}/pending_deployments`, undefined, signal);
  return list.state === 'failed' ? list : ok(list.value.flatMap((one) => readHeld(one) ?? []));
}

function readHeld(pending: Fields): HeldDeployment | undefined {
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
    canApprove: pending['current_user_can_approve'] === true,
    waitMinutes: numberOf(pending['wait_timer']) ?? 0,
  };
}

/** Returns the reason why a held job waits. With several environments, only the job's check run names the right one. */
export async function holdReason(
  job: Fields,
  held: readonly HeldDeployment[],
  repository: GithubRepository,
  signal: AbortSignal,
): Promise<Pick<RemoteJob, 'approval' | 'reason'>> {
  const name = held.length > 1 ? await environmentOf(job, repository, signal) : held[0]?.environment;
  const match = held.find(({ environment }) => environment === name);
  const all = held.map((deployment) => shown(deployment.environment)).join(' or ');
  if (!match) return { reason: `waits for the rules of ${held.length === 0 ? 'its environment' : all}` };
  const environment = shown(match.environment);
  if (match.reviewers.length > 0)
    return {
      approval: match.environment,
      reason: `waits for ${match.reviewers.slice(0, 5).join(' or ')} to approve the deployment to ${environment}`,
    };
  // Approval without named reviewers: the answer has a field that this code does not know.
  if (match.canApprove) return { approval: match.environment, reason: `waits for approval of the deployment to ${environment}` };
  return match.waitMinutes > 0
    ? { reason: `waits ${match.waitMinutes} min before it deploys to ${environment}` }
    : { reason: `waits for the rules of ${environment}` };
}

/** Approves a deployment in the name of the token's owner. */
export async function approveDeployment(
  run: string,
  environment: string,
  repository: GithubRepository,
  signal: AbortSignal,
): Promise<CiResult<void>> {
  const held = await heldDeployments(run, repository, signal);
  if (held.state === 'failed') return held;
  const match = held.value.find((one) => one.environment === environment);
  if (!match)
    return failure(
      `no deployment to ${shown(environment)} is waiting for approval`,
      'it may have been approved already, or its run may have ended',
    );
  if (!match.canApprove) {
    const reviewers = match.reviewers.length > 0 ? ` (${match.reviewers.join(', ')} may)` : '';
    return failure(`you may not approve the deployment to ${shown(environment)}${reviewers}`);
  }
  const body = { environment_ids: [match.environmentId], state: 'approved', comment: 'Approved with Deliver' };
  const answer = await repository.post(`/actions/runs/${run}/pending_deployments`, body, signal);
  return answer.state === 'failed' ? answer : ok(undefined);
}

function shown(environment: string): string {
  return lineOf(environment) ?? environment;
}
