import { gitlabAddress } from '../../http/gitlab-address';
import type { HttpClient } from '../../http/http-client';
import type { Tokens } from '../../model/tokens';
import { textOf } from '../../support/json-value';
import { ConditionalClient } from '../conditional-client';
import { readFrom } from '../ranges';
import { ok, type LogEnd, type CiClient, type CiFailure, type RemoteJob, type RemoteRun, type CiResult } from '../ci-client';
import { checkAccess } from './check';
import { jobDeployments, readDeployments, reportDeployment } from './environments';
import { gitlabHistory } from './history';
import type { Naming } from './jobs';
import { GitlabPlainLog } from './plain-log';
import { GitlabProject, wrong } from './project';
import { GitlabRuns } from './runs';
import { startPipeline } from './start';
import { isOver } from './states';
import { failingTests } from './test-report';

export interface GitlabSettings {
  /** `https://gitlab.com` */
  readonly server: string;
  /** `group/name` */
  readonly project: string;
  /** All services of the repository: its pipelines have the jobs of all of them. */
  readonly services: readonly string[];
  readonly service: string;
}

/** GitLab CI/CD, at gitlab.com or on a server of one's own. */
export function openGitlabClient(settings: GitlabSettings, client: HttpClient, tokens: Tokens): CiClient {
  const asking = new ConditionalClient(gitlabAddress(settings.server), client, tokens);
  const project = new GitlabProject(asking, settings.project);
  const naming: Naming = { service: settings.service, isAlone: settings.services.length <= 1 };
  const runs = new GitlabRuns(project, naming);
  return {
    name: 'gitlab',
    label: 'GitLab CI/CD',
    host: asking.api.origin ?? settings.server,
    place: settings.project,
    logs: 'live',
    reruns: 'failed jobs',
    get allowance() {
      return asking.allowance;
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

/** What comes after so many answers in one go is left for the next. */
const mostInOneGo = 5;

/**
 * GitLab documents no ranges for it (gitlab-org/gitlab#30391): servers may answer the whole each time. Nor does it say where a log
 * ends: that of a job that has ended is whole when it is asked for once more, and nothing comes. An answer alone may be an old one.
 */
async function readTrace(
  project: GitlabProject,
  job: RemoteJob,
  from: number,
  write: (bytes: Buffer) => void,
  signal: AbortSignal,
): Promise<CiResult<LogEnd>> {
  let at = from;
  for (let answers = 1; ; answers++) {
    const before = at;
    const failure = await readPart(project, job, at, (bytes) => ((at += bytes.length), write(bytes)), signal);
    if (failure) return failure;
    if (!isOver(job.state)) return ok({ isWhole: false });
    if (answers > 1 && at === before) break;
    if (answers === mostInOneGo) return ok({ isWhole: false });
  }
  return (at === 0 ? await whyMissing(project, job, signal) : undefined) ?? ok({ isWhole: true });
}

async function readPart(
  project: GitlabProject,
  job: RemoteJob,
  from: number,
  write: (bytes: Buffer) => void,
  signal: AbortSignal,
): Promise<CiFailure | undefined> {
  const answer = await readFrom(project.asking, project.path(`/jobs/${encodeURIComponent(job.id)}/trace`), from, write, signal);
  if (answer.state === 'answered') project.asking.heard(answer.headers);
  else if (answer.status !== 404 && answer.status !== 410) return answer;
  else return (await whyMissing(project, job, signal)) ?? gone(`GitLab has no log of ${job.name}`);
  return undefined;
}

/** Undefined where nothing speaks for it that there was more than there is. */
async function whyMissing(project: GitlabProject, job: RemoteJob, signal: AbortSignal): Promise<CiFailure | undefined> {
  const now = await project.record(`/jobs/${encodeURIComponent(job.id)}`, 'a job', signal);
  if (now.state === 'failed') return now;
  return textOf(now.value['erased_at']) === undefined ? undefined : gone(`the log of ${job.name} was erased`);
}

function gone(message: string): CiFailure {
  return { ...wrong(message), status: 404, gone: true };
}

/**
 * Approvals count where an environment is protected by them (docs.gitlab.com: ci/environments/deployment_approvals); the job is
 * started by hand in any case.
 */
async function approve(project: GitlabProject, run: RemoteRun, environment: string, signal: AbortSignal): Promise<CiResult<void>> {
  const job = run.jobs.find(({ approval }) => approval === environment);
  if (!job) return wrong(`no deployment of this run to ${environment} waits for a person`);
  const deployment = (await jobDeployments(project, signal)).find((one) => one.job === job.id);
  if (deployment?.status === 'blocked') {
    const answer = await project.post(`/deployments/${deployment.id}/approval`, { status: 'approved' }, 'an approval', signal);
    if (answer.state === 'failed') return answer;
    const now = await project.record(`/deployments/${deployment.id}`, 'a deployment', signal);
    if (now.state === 'failed') return now;
    const missing = Number(now.value['pending_approval_count'] ?? 0);
    // It is approved; that others have to do so, too, is no failure.
    if (now.value['status'] === 'blocked' && missing > 0) return ok(undefined);
  }
  const played = await project.post(`/jobs/${encodeURIComponent(job.id)}/play`, undefined, 'a job', signal);
  return played.state === 'failed' ? played : ok(undefined);
}
