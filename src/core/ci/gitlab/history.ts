import { recordOf, textOf, valueAt } from '../../support/json-value';
import { isCommit, ok, type DeploymentHistory, type PastDeployment, type CiResult } from '../ci-client';
import { wrong, type GitlabProject } from './project';

const mostPages = 10;

/**
 * Deployments of GitLab, newest first until one before that time is found (docs.gitlab.com: api/deployments). Not by its filter
 * `updated_after`: the last one before would be missing, and what it was that the first one replaced.
 */
export async function gitlabHistory(
  project: GitlabProject,
  environment: string,
  since: string,
  signal: AbortSignal,
): Promise<CiResult<DeploymentHistory>> {
  const found: PastDeployment[] = [];
  let oldest: string | undefined;
  for (let page = 1; page <= mostPages; page++) {
    const query = new URLSearchParams({ environment, order_by: 'id', sort: 'desc', per_page: '100', page: String(page) }).toString();
    const answer = await project.asking.get(project.path(`/deployments?${query}`), signal);
    if (answer.state === 'failed') return answer;
    const { value } = answer;
    if (!Array.isArray(value)) return wrong('GitLab answered something that is no list of deployments');
    if (value.length === 0) return ok({ deployments: found.reverse() });
    for (const one of value as readonly unknown[]) {
      const deployment = pastDeployment(one, project);
      if (deployment) found.push(deployment);
      oldest = project.asking.time(textOf(valueAt(one, 'created_at'))) ?? oldest;
      if (deployment?.state === 'live' && deployment.at < since) return ok({ deployments: found.reverse() });
    }
  }
  return ok({ deployments: found.reverse(), ...(oldest !== undefined && { wholeSince: oldest }) });
}

/** Undefined: it was never live. Only what was recorded without a job can be gone though nothing says that it was live. */
function pastDeployment(value: unknown, { asking }: GitlabProject): PastDeployment | undefined {
  const [commit, status] = [textOf(valueAt(value, 'sha')), textOf(valueAt(value, 'status'))];
  const made = asking.time(textOf(valueAt(value, 'created_at')));
  if (!isCommit(commit) || made === undefined) return undefined;
  const job = recordOf(valueAt(value, 'deployable'));
  if (status === 'success') return { commit, state: 'live', at: asking.time(textOf(job?.['finished_at'])) ?? made };
  return status === 'canceled' && !job ? { commit, state: 'gone', at: made } : undefined;
}
