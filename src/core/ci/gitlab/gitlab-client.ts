import { gitlabAddress } from '../../http/code-host-address';
import type { HttpClient } from '../../http/http-client';
import type { Tokens } from '../../model/tokens';
import { present, textOf } from '../../support/json-value';
import { ConditionalClient } from '../conditional-client';
import { ok, type CiClient, type CiFailure, type CiResult, type RemoteRun, type Started, type StartRequest } from '../ci-client';
import { checkAccess, invisibleProject } from './check';
import { gitlabHistory, jobDeployments, readDeployments, reportDeployment } from './deployments';
import { failingTests, type Naming } from './jobs';
import { GitlabPlainLog, readTrace } from './log';
import { GitlabProject, webAddress, wrong } from './project';
import { GitlabRuns } from './runs';

export interface GitlabSettings {
  /** `https://gitlab.com` */
  readonly server: string;
  /** `group/name` */
  readonly project: string;
  /** All services of the repository: its pipelines contain the jobs of all of them. */
  readonly services: readonly string[];
  readonly service: string;
}

/** Opens a client for GitLab CI/CD, on gitlab.com or a self-managed server. */
export function openGitlabClient(settings: GitlabSettings, http: HttpClient, tokens: Tokens): CiClient {
  const client = new ConditionalClient(gitlabAddress(settings.server), http, tokens);
  const project = new GitlabProject(client, settings.project);
  const naming: Naming = { service: settings.service, isAlone: settings.services.length <= 1 };
  const runs = new GitlabRuns(project, naming);
  return {
    name: 'gitlab',
    label: 'GitLab CI/CD',
    host: client.api.origin ?? settings.server,
    place: settings.project,
    logs: 'live',
    reruns: 'failed jobs',
    get allowance() {
      return client.allowance;
    },
    check: async (signal) => checkAccess(project, signal),
    start: async (request, signal) => startPipeline(project, request, signal),
    read: async (run, signal, attempt) => runs.read(run, signal, attempt),
    list: async (_, signal) => runs.list(signal),
    readLog: async (_, job, from, write, signal) => readTrace(project, job, from, write, signal),
    plain: () => new GitlabPlainLog(),
    problems: async (run, job, signal) => {
      const report = await project.record(`/pipelines/${encodeURIComponent(run.id)}/test_report`, 'a report of tests', signal);
      return report.state === 'failed' ? report : ok(failingTests(report.value, job.name, naming));
    },
    cancel: async (run, signal) => {
      const answer = await project.post(`/pipelines/${encodeURIComponent(run)}/cancel`, undefined, 'a pipeline', signal);
      return answer.state === 'failed' ? answer : ok(undefined);
    },
    rerun: async (run, signal) => runs.rerun(run, signal),
    approve: async (run, environment, signal) => approve(project, run, environment, signal),
    deployments: async (signal) => readDeployments(project, signal),
    deploymentHistory: async (environment, since, signal) => gitlabHistory(project, environment, since, signal),
    reportDeployment: async (deployment, signal) => reportDeployment(project, deployment, signal),
  };
}

/**
 * Approves a deployment. Protected environments count approvals (docs.gitlab.com: ci/environments/deployment_approvals); the job is started
 * manually in any case.
 */
async function approve(project: GitlabProject, run: RemoteRun, environment: string, signal: AbortSignal): Promise<CiResult<void>> {
  const job = run.jobs.find(({ approval }) => approval === environment);
  if (!job) return wrong(`no deployment of this run to ${environment} is waiting for approval`);
  const deployment = (await jobDeployments(project, signal)).find((one) => one.job === job.id);
  if (deployment?.status === 'blocked') {
    const answer = await project.post(`/deployments/${deployment.id}/approval`, { status: 'approved' }, 'an approval', signal);
    if (answer.state === 'failed') return answer;
    const now = await project.record(`/deployments/${deployment.id}`, 'a deployment', signal);
    if (now.state === 'failed') return now;
    const missing = Number(now.value['pending_approval_count'] ?? 0);
    // It is approved. Further approvals are missing, which is no failure.
    if (now.value['status'] === 'blocked' && missing > 0) return ok(undefined);
  }
  const played = await project.post(`/jobs/${encodeURIComponent(job.id)}/play`, undefined, 'a job', signal);
  return played.state === 'failed' ? played : ok(undefined);
}

/** Starts a pipeline on a branch (docs.gitlab.com: api/pipelines, create a pipeline). */
export async function startPipeline(project: GitlabProject, request: StartRequest, signal: AbortSignal): Promise<CiResult<Started>> {
  const answer = await project.post('/pipeline', { ref: request.branch }, 'a pipeline', signal);
  if (answer.state === 'failed') return explainStartFailure(project, request, answer);
  const [id, commit] = [textOf(answer.value['id']), textOf(answer.value['sha'])];
  if (id === undefined) return wrong('GitLab did not return the id of the pipeline');
  if (commit !== request.commit) {
    const other = `GitLab started pipeline ${id} for ${commit?.slice(0, 7) ?? 'an unknown commit'} instead of ${request.commit.slice(0, 7)}`;
    const cancelled = await project.client.write('POST', project.path(`/pipelines/${encodeURIComponent(id)}/cancel`), undefined, signal);
    return wrong(other, cancelled.state === 'failed' ? `it is still running: ${cancelled.message}` : 'it was cancelled');
  }
  return ok({ id, attempt: 1, ...present({ url: webAddress(answer.value['web_url']) }) });
}

/** Explains why GitLab created no pipeline (lib/gitlab/ci/pipeline/chain), and how to fix it. */
function explainStartFailure(project: GitlabProject, { file, branch, service }: StartRequest, failure: CiFailure): CiFailure {
  if (failure.gone) return invisibleProject(project, failure);
  const explained = (message: string, hint?: string): CiFailure => ({ ...failure, message, hint: hint ?? failure.hint });
  const { status } = failure;
  // The text after the address, which might contain the same words.
  const reason = failure.message.includes(': ') ? failure.message.slice(failure.message.indexOf(': ')) : '';
  if (/identity verification|verify your (identity|account)/i.test(reason))
    return {
      ...explained('GitLab requires an identity verification before it starts pipelines', 'sign in to GitLab and verify your identity'),
      reason: 'token',
    };
  if (status === 403)
    return explained(
      failure.message,
      'starting pipelines requires the scope api and the role Developer; a protected branch may require more',
    );
  if (status !== 400 && status !== 422) return failure;
  if (/missing CI config file|(?:not found|missing).*\.gitlab-ci\.yml/i.test(reason))
    return explained(`the pushed commit has no ${file}`, 'run `deliver export gitlab`');
  if (/reference not found/i.test(reason)) return explained(`${project.name} has no branch ${branch}: was it pushed?`);
  if (/no (?:stages|jobs)|filtered out|will not run|would not run|rules? (?:did|do) not match/i.test(reason))
    return explained(`GitLab started no pipeline: its rules exclude all jobs of ${service}`, `see \`rules\` and \`workflow\` in ${file}`);
  if (/insufficient permissions|protected/i.test(reason)) return { ...failure, reason: 'token', hint: 'the branch is protected' };
  return /yaml|config|syntax|jobs:|unknown keys|include/i.test(reason)
    ? { ...failure, hint: `is ${file} valid? see CI Lint in GitLab` }
    : failure;
}
