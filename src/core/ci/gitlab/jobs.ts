import { gitlabSteps } from './pipeline-file';
import { listOf, numberOf, present, recordOf, textOf, valueAt } from '../../support/json-value';
import type { ConditionalClient } from '../conditional-client';
import type { RemoteJob, RemoteRun } from '../ci-client';
import { shown, webAddress, type Json } from './project';
import { failingTest, testOf } from '../../logs/junit';
import type { FoundProblem } from '../../model/problem';
import { plain } from '../../support/terminal-text';

/** The service whose jobs are read, for the names in exported files. */
export interface Naming {
  readonly service: string;
  /** The repository has no other service. */
  readonly isAlone: boolean;
}

/** A job in the API's format. */
export interface JobRecord {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly json: Json;
}

/** Facts about jobs that their list does not contain. */
export interface JobContext {
  /** The run is over: waiting jobs will not start. */
  readonly isOver: boolean;
  /** Ids of the jobs that passed before the run was started again. */
  readonly kept: ReadonlySet<string>;
  /** The attempt of each job by id. Absent: no job was retried. */
  readonly tries: ReadonlyMap<string, number> | undefined;
  /** The environment of each job by id. */
  readonly environments: ReadonlyMap<string, { readonly name: string; readonly url: string }>;
}

/** Returns undefined if a required field is missing. */
export function jobRecord(value: unknown): JobRecord | undefined {
  const json = recordOf(value);
  const [id, name, status] = [textOf(json?.['id']), textOf(json?.['name']), textOf(json?.['status'])];
  return json && id !== undefined && name !== undefined && status !== undefined ? { id, name, status, json } : undefined;
}

/** Returns one job of each name: pages that are read during a rerun may contain an earlier attempt, too. */
export function latestTries(jobs: readonly JobRecord[]): JobRecord[] {
  const latest = new Map<string, JobRecord>();
  for (const job of jobs) {
    const other = latest.get(job.name);
    if (!other || Number(other.id) < Number(job.id)) latest.set(job.name, job);
  }
  return [...latest.values()];
}

/** Returns the jobs in the order of the pipeline: GitLab creates them stage by stage. A retried job keeps its place. */
export function inOrder(jobs: readonly JobRecord[], all: readonly JobRecord[]): JobRecord[] {
  const first = new Map<string, number>();
  for (const { name, id } of [...all, ...jobs]) first.set(name, Math.min(first.get(name) ?? Infinity, Number(id)));
  return [...jobs].sort((a, b) => (first.get(a.name) ?? 0) - (first.get(b.name) ?? 0));
}

/** Returns whether a job was retried: GitLab creates all jobs of a pipeline before the first one starts. */
export function hasRetried(jobs: readonly JobRecord[], startedAt: string | undefined): boolean {
  const times = (name: string): number[] => jobs.map(({ json }) => Date.parse(textOf(json[name]) ?? '')).filter((ms) => !Number.isNaN(ms));
  const begun = [Date.parse(startedAt ?? ''), ...times('started_at')].filter((ms) => !Number.isNaN(ms));
  const earliest = begun.reduce((a, b) => Math.min(a, b), Infinity);
  return times('created_at').some((made) => made > earliest);
}

/** Returns the service's jobs as steps, or the error in their description. */
export function readJobs(
  records: readonly JobRecord[],
  naming: Naming,
  context: JobContext,
  client: ConditionalClient,
): RemoteJob[] | string {
  const names = records.map(({ name }) => name);
  const steps = gitlabSteps(names, naming.service, naming.isAlone);
  const jobs: RemoteJob[] = [];
  for (const record of records) {
    const step = steps.get(record.name);
    if (step === undefined) continue;
    const job = readJob(record, shown(step) ?? '', context, client);
    if (typeof job === 'string') return job;
    jobs.push(job);
  }
  return jobs;
}

function readJob(record: JobRecord, name: string, context: JobContext, client: ConditionalClient): RemoteJob | string {
  const { id, status, json } = record;
  const startedAt = client.time(textOf(json['started_at']));
  const finishedAt = client.time(textOf(json['finished_at']));
  const known = jobState(status);
  if (known === undefined && finishedAt !== undefined) return `${name} has the unknown status “${shown(status, 50)}”`;
  // A manual job that was never started.
  const wasNeverStarted = known === 'waiting' && context.isOver;
  const plainState = wasNeverStarted ? 'skipped' : (known ?? (startedAt === undefined ? 'waiting' : 'running'));
  const state = plainState === 'passed' && context.kept.has(id) ? 'kept' : plainState;
  const tags = listOf(json['tag_list']).flatMap((tag) => shown(tag, 50) ?? []);
  const environment = context.environments.get(id);
  const wasErased = textOf(json['erased_at']) !== undefined;
  const reasons = [
    known === undefined ? `status on GitLab: “${shown(status, 50)}”` : undefined,
    state === 'waiting' ? waitingReason(status, tags, environment?.name) : undefined,
    wasNeverStarted ? 'never started' : undefined,
    state === 'failed' ? failureReason(textOf(json['failure_reason']), tags, startedAt !== undefined) : undefined,
    state === 'failed' && json['allow_failure'] === true ? 'allowed to fail' : undefined,
    wasErased ? 'its log was erased' : undefined,
  ].filter((reason) => reason !== undefined);
  return {
    id,
    name,
    attempt: context.tries?.get(id) ?? 1,
    state,
    hasLog: startedAt !== undefined && !wasErased,
    ...present({
      startedAt,
      finishedAt: isOver(state) ? finishedAt : undefined,
      reason: reasons.length > 0 ? reasons.join('; ') : undefined,
      approval: state === 'waiting' && status === 'manual' ? (environment?.name ?? name) : undefined,
      url: webAddress(json['web_url']),
      deployedTo: state === 'passed' || state === 'kept' ? webAddress(environment?.url) : undefined,
    }),
  };
}

/** Maps the status of a pipeline (docs.gitlab.com: api/pipelines, and ci/jobs for `canceling`). Returns undefined for unknown ones. */
export function runState(status: string): RemoteRun['state'] | undefined {
  switch (status) {
    case 'created':
    case 'waiting_for_resource':
    case 'waiting_for_callback':
    case 'preparing':
    case 'pending':
    case 'scheduled':
    case 'manual':
      return 'waiting';
    case 'running':
    case 'canceling':
      return 'running';
    case 'success':
      return 'passed';
    case 'failed':
      return 'failed';
    case 'canceled':
    case 'skipped':
      return 'cancelled';
    default:
      return undefined;
  }
}

/** Maps the status of a job, which can be skipped alone. */
export function jobState(status: string): RemoteJob['state'] | undefined {
  return status === 'skipped' ? 'skipped' : runState(status);
}

export function isOver(state: RemoteJob['state'] | RemoteRun['state']): boolean {
  return state !== 'waiting' && state !== 'running';
}

/** Returns whether a job is running or will start automatically. */
export function isActive(status: string): boolean {
  return /^(pending|preparing|running|waiting_for_resource|waiting_for_callback)$/.test(status);
}

/** Values of `failure_reason` (app/models/concerns/enums/ci/commit_status.rb). */
const failures: Readonly<Record<string, string>> = {
  unknown_failure: 'it failed for an unknown reason',
  api_failure: 'the runner and GitLab could not communicate',
  runner_system_failure: 'the runner failed, not the step',
  runner_unsupported: 'the runner is too old for this job',
  missing_dependency_failure: 'an artifact of an earlier job is missing or has expired',
  stale_schedule: 'its scheduled time had passed',
  job_execution_timeout: 'it took longer than its timeout',
  archived_failure: 'the job is archived and cannot be run again',
  unmet_prerequisites: 'its prerequisites could not be met',
  scheduler_failure: 'it could not be assigned to a runner',
  data_integrity_failure: 'GitLab found its record of the job damaged',
  forward_deployment_failure: 'a newer deployment exists',
  failed_outdated_deployment_job: 'a newer deployment exists',
  user_blocked: 'the user who started it is blocked',
  project_deleted: 'the project was deleted',
  ci_quota_exceeded: 'the compute minutes are used up',
  no_matching_runner: 'no runner accepts it',
  trace_size_exceeded: 'its log is larger than GitLab allows',
  builds_disabled: 'CI/CD is turned off in the project',
  environment_creation_failure: 'its environment could not be created: is its name valid?',
  deployment_rejected: 'its deployment was rejected',
  protected_environment_failure: 'the environment is protected, and the person who started the job may not deploy to it',
  ip_restriction_failure: 'the group refuses the IP address of this runner',
  runner_provisioning_timeout: 'no machine was ready in time',
  duo_workflow_not_allowed: 'GitLab does not allow it',
};

/** Returns why a job failed, or undefined if its log says it. */
export function failureReason(reason: string | undefined, tags: readonly string[], hasStarted: boolean): string | undefined {
  if (reason === undefined || reason === 'script_failure') return undefined;
  if (reason === 'stuck_or_timeout_failure')
    return hasStarted
      ? 'it timed out, or its runner stopped responding'
      : `no runner ${withTags(tags)}was available: none is online, or all were busy for too long`;
  if (reason === 'no_matching_runner') return `no runner ${withTags(tags)}accepts it`;
  return failures[reason] ?? `GitLab: ${reason.replaceAll('_', ' ').slice(0, 100)}`;
}

/** Returns why a job has not started. */
export function waitingReason(status: string, tags: readonly string[], environment: string | undefined): string | undefined {
  switch (status) {
    case 'pending':
      return `waits for a runner ${withTags(tags)}`.trimEnd();
    case 'waiting_for_resource':
      return environment === undefined
        ? 'waits for another delivery to the same environment'
        : `waits for another delivery to ${environment}`;
    case 'waiting_for_callback':
      return 'waits for another system';
    case 'preparing':
      return 'GitLab is preparing it';
    case 'scheduled':
      return 'waits for its scheduled time';
    case 'manual':
      return environment === undefined ? 'waits for a manual start' : `waits for approval of the deployment to ${environment}`;
    default:
      return undefined;
  }
}

function withTags(tags: readonly string[]): string {
  if (tags.length === 0) return '';
  return `with the tag${tags.length === 1 ? '' : 's'} ${tags.join(', ')} `;
}

const maxProblems = 1000;
const maxTextLength = 100_000;

/** Returns the failing tests of a step from the pipeline's test report (docs.gitlab.com: api/pipelines, test report). */
export function failingTests(report: unknown, step: string, { service, isAlone }: Naming): FoundProblem[] {
  const suites = listOf(valueAt(report, 'test_suites')).flatMap((suite) => {
    const name = textOf(valueAt(suite, 'name'));
    return name === undefined ? [] : [{ name, cases: listOf(valueAt(suite, 'test_cases')) }];
  });
  const names = suites.map(({ name }) => name);
  const steps = gitlabSteps(names, service, isAlone);
  const problems: FoundProblem[] = [];
  for (const { name, cases } of suites) {
    if (steps.get(name) !== step) continue;
    for (const one of cases) {
      const problem = problems.length < maxProblems ? problemOf(one) : undefined;
      if (problem) problems.push(problem);
    }
  }
  return problems;
}

function problemOf(value: unknown): FoundProblem | undefined {
  const test = recordOf(value);
  if (!test || (test['status'] !== 'failed' && test['status'] !== 'error')) return undefined;
  const text = (one: unknown): string => plain(textOf(one) ?? '').slice(0, maxTextLength);
  const attributes = { name: text(test['name']) || 'a test', classname: text(test['classname']), ...fileIn(test['file']) };
  const output = recordOf(test['system_output']);
  const said = output ? text(output['__content__']) : text(test['system_output']);
  return failingTest(testOf({ ...attributes, ...lineIn(test['line']) }, undefined), {
    message: text(output?.['message']),
    text: text(test['stack_trace']) || said,
    type: text(output?.['type']),
  });
}

function fileIn(value: unknown): { file?: string } {
  const path = textOf(value);
  return path === undefined ? {} : { file: plain(path) };
}

function lineIn(value: unknown): { line?: string } {
  const number = numberOf(value);
  return number === undefined ? {} : { line: String(number) };
}
