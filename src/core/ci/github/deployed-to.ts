import { textOf } from '../../support/json-value';
import type { RemoteJob, RemoteRun } from '../ci-client';
import type { GithubRepository } from './github-repository';
import { idOf, linkOf } from './fields';

/** Of one commit; more are made of it only where it is deployed again and again. */
const most = 10;

/**
 * The addresses of what jobs deployed, by their ids. The statuses that GitHub makes for a job with an environment lead to its log:
 * what does not say which job it is of is of none.
 */
export async function deployedTo(
  run: RemoteRun,
  jobs: readonly RemoteJob[],
  repository: GithubRepository,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  if (!jobs.some(({ state }) => state === 'passed' || state === 'kept')) return found;
  const list = await repository.list(`/deployments?sha=${run.commit}&per_page=${most}`, undefined, signal, 1);
  if (list.state === 'failed') return found;
  for (const deployment of list.value.slice(0, most)) {
    const id = idOf(deployment['id']);
    const statuses = id === undefined ? undefined : await repository.list(`/deployments/${id}/statuses?per_page=1`, undefined, signal, 1);
    const [status] = statuses?.state === 'ok' ? statuses.value : [];
    if (!status || !['success', 'inactive'].includes(textOf(status['state']) ?? '')) continue;
    const job = jobIn(textOf(status['log_url']) ?? textOf(status['target_url']) ?? '', run.id);
    const url = linkOf(status['environment_url']);
    if (job !== undefined && url !== undefined && !found.has(job)) found.set(job, url);
  }
  return found;
}

/** `.../actions/runs/RUN/job/JOB` */
function jobIn(address: string, run: string): string | undefined {
  const [, of, job] = /\/actions\/runs\/(\d+)\/jobs?\/(\d+)/.exec(address) ?? [];
  return of === run ? job : undefined;
}
