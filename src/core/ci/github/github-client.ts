import { githubAddress } from '../../http/github-address';
import type { HttpClient } from '../../http/http-client';
import type { Tokens } from '../../model/tokens';
import { ConditionalClient } from '../conditional-client';
import { ok, type CiClient, type RemoteRun } from '../ci-client';
import { cancelRun, rerunRun, startRun, defaultRetries, type RetrySchedule } from './start';
import { problemsOf } from './problems';
import { approveDeployment } from './approvals';
import { checkAccess } from './check';
import { githubHistory, latestDeployments, reportGithubDeployment } from './deployments';
import { failure, GithubRepository } from './github-repository';
import { plainGithubLog, readJobLog } from './log';
import { defaultBranch, listRuns, readRun } from './runs';

export interface GithubSettings {
  /** `https://github.com`, or the address of an Enterprise server. */
  readonly server: string;
  /** `owner/name` */
  readonly repository: string;
  /** The workflow file of each service. */
  readonly pipelines: ReadonlyMap<string, string>;
}

/** Opens a client for GitHub Actions, on github.com or an Enterprise server. */
export function openGithubClient(
  { server, repository: name, pipelines }: GithubSettings,
  http: HttpClient,
  tokens: Tokens,
  { retries = defaultRetries, now = Date.now }: { readonly retries?: RetrySchedule; readonly now?: () => number } = {},
): CiClient {
  const client = new ConditionalClient(githubAddress(server), http, tokens, now);
  const repository = new GithubRepository(client, name);
  // Read once, as it hardly ever changes.
  let branch: string | undefined;
  const withBranch = async (runs: readonly RemoteRun[], signal: AbortSignal): Promise<RemoteRun[]> => {
    branch ??= await defaultBranch(repository, signal);
    return runs.map((run) => (branch === undefined ? run : { ...run, isDefaultBranch: run.branch === branch }));
  };
  return {
    name: 'github',
    label: 'GitHub Actions',
    host: client.api.origin ?? server,
    place: name,
    logs: 'when the job has ended',
    reruns: 'failed jobs',
    get allowance() {
      return client.allowance;
    },
    check: async (signal) => checkAccess(repository, signal),
    start: async (request, signal) => startRun(request, repository, retries, signal),
    read: async (id, signal) => {
      const answer = await readRun(id, repository, signal);
      if (answer.state === 'failed') return answer;
      const [run = answer.value] = await withBranch([answer.value], signal);
      return ok(run);
    },
    list: async (service, signal) => {
      const file = pipelines.get(service);
      if (file === undefined) return failure(`${service} has no workflow for GitHub`, 'write it with `deliver export github`');
      const runs = await listRuns(file, repository, signal);
      return runs.state === 'failed' ? runs : ok(await withBranch(runs.value, signal));
    },
    readLog: async (_, job, from, write, signal) => readJobLog(job, from, write, repository, now(), signal),
    plain: plainGithubLog,
    problems: async (run, job, signal) => problemsOf(run, job, pipelines, repository, signal),
    cancel: async (run, signal) => cancelRun(run, repository, signal),
    rerun: async (run, signal) => rerunRun(run, repository, retries, signal),
    approve: async (run, environment, signal) => approveDeployment(run.id, environment, repository, signal),
    deployments: async (signal) => latestDeployments(repository, signal),
    deploymentHistory: async (environment, since, signal) => githubHistory(repository, environment, since, signal),
    reportDeployment: async (deployment, signal) => reportGithubDeployment(deployment, repository, signal),
  };
}
