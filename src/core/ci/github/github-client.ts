import { githubAddress } from '../../http/github-address';
import type { HttpClient } from '../../http/http-client';
import { textOf } from '../../support/json-value';
import type { Tokens } from '../../model/tokens';
import type { FoundProblem } from '../../model/problem';
import { ConditionalClient } from '../conditional-client';
import { ok, type CiClient, type RemoteJob, type RemoteRun, type CiResult } from '../ci-client';
import { cancelRun, rerunRun } from './rerun';
import { annotationsOf } from './annotations';
import { approveDeployment } from './approvals';
import { checkAccess } from './check';
import { latestDeployments, reportGithubDeployment } from './deployments';
import { GithubRepository } from './github-repository';
import { githubHistory } from './history';
import { readJobLog } from './log';
import { usualPatience, type Patience } from './retry';
import { plainGithubLog } from './plain-log';
import { reportedProblems } from './reports';
import { defaultBranch, readRun, readRunFields } from './runs';
import { startRun, workflowOf } from './start';
import { failure } from './fields';

export interface GithubSettings {
  /** `https://github.com`, or the address of an Enterprise server. */
  readonly server: string;
  /** `owner/name` */
  readonly repository: string;
  /** The workflow file of each service. */
  readonly pipelines: ReadonlyMap<string, string>;
}

/** GitHub Actions, on github.com or an Enterprise server. */
export function openGithubClient(
  { server, repository: name, pipelines }: GithubSettings,
  client: HttpClient,
  tokens: Tokens,
  { patience = usualPatience, now = Date.now }: { readonly patience?: Patience; readonly now?: () => number } = {},
): CiClient {
  const asking = new ConditionalClient(githubAddress(server), client, tokens, now);
  const repository = new GithubRepository(asking, name);
  // Asked once, as it hardly ever changes.
  let branch: string | undefined;
  const withBranch = async (runs: readonly RemoteRun[], signal: AbortSignal): Promise<RemoteRun[]> => {
    branch ??= await defaultBranch(repository, signal);
    return runs.map((run) => (branch === undefined ? run : { ...run, isDefaultBranch: run.branch === branch }));
  };
  return {
    name: 'github',
    label: 'GitHub Actions',
    host: asking.api.origin ?? server,
    place: name,
    logs: 'when the job has ended',
    reruns: 'failed jobs',
    get allowance() {
      return asking.allowance;
    },
    check: async (signal) => checkAccess(repository, signal),
    start: async (request, signal) => startRun(request, repository, patience, signal),
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
    rerun: async (run, signal) => rerunRun(run, repository, patience, signal),
    approve: async (run, environment, signal) => approveDeployment(run.id, environment, repository, signal),
    deployments: async (signal) => latestDeployments(repository, signal),
    deploymentHistory: async (environment, since, signal) => githubHistory(repository, environment, since, signal),
    reportDeployment: async (deployment, signal) => reportGithubDeployment(deployment, repository, signal),
  };
}

async function listRuns(file: string, repository: GithubRepository, signal: AbortSignal): Promise<CiResult<readonly RemoteRun[]>> {
  const list = await repository.list(`${workflowOf(file)}/runs?per_page=30`, 'workflow_runs', signal, 1);
  if (list.state === 'failed')
    return list.status === 404 ? { ...list, message: `GitHub knows no workflow ${file} in ${repository.name} (404)` } : list;
  const read = list.value.map((fields) => readRunFields(fields, repository));
  const runs = read.filter((run) => typeof run !== 'string');
  const unread = read.find((run) => typeof run === 'string');
  if (runs.length === 0 && unread !== undefined) return failure(`GitHub says of the latest run what is not understood: ${unread}`);
  return ok(runs);
}

/** Only the run itself says which workflow it is of, and so whose reports its artifacts are. */
async function problemsOf(
  { id }: RemoteRun,
  job: RemoteJob,
  pipelines: ReadonlyMap<string, string>,
  repository: GithubRepository,
  signal: AbortSignal,
): Promise<CiResult<readonly FoundProblem[]>> {
  const run = await repository.get(`/actions/runs/${id}`, signal);
  if (run.state === 'failed') return run;
  const path = textOf(run.value['path'])?.replace(/@.*$/, '');
  const service = [...pipelines].find(([, file]) => file === path)?.[0];
  const reported = service === undefined ? ok([]) : await reportedProblems(service, id, job, repository, signal);
  if (reported.state === 'failed') return reported;
  const annotated = await annotationsOf(job.id, repository, signal);
  return annotated.state === 'failed' ? annotated : ok([...reported.value, ...annotated.value]);
}
