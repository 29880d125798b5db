import type { RemoteJob, RemoteRun } from '../ci-client';

/**
 * The words of GitLab for where a pipeline is (docs.gitlab.com: api/pipelines, and ci/jobs for `canceling`). Undefined for one that
 * is none of them.
 */
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

/** The same for a job, which can be skipped by itself. */
export function jobState(status: string): RemoteJob['state'] | undefined {
  return status === 'skipped' ? 'skipped' : runState(status);
}

export function isOver(state: RemoteJob['state'] | RemoteRun['state']): boolean {
  return state !== 'waiting' && state !== 'running';
}

/** Whether a job begins or goes on by itself. */
export function isActive(status: string): boolean {
  return /^(pending|preparing|running|waiting_for_resource|waiting_for_callback)$/.test(status);
}

/** What `failure_reason` says, as GitLab's own source lists it (app/models/concerns/enums/ci/commit_status.rb). */
const failures: Readonly<Record<string, string>> = {
  unknown_failure: 'GitLab does not know why it failed',
  api_failure: 'GitLab and the runner did not understand each other',
  runner_system_failure: 'the runner failed, not the step',
  runner_unsupported: 'the runner is too old for this job',
  missing_dependency_failure: 'what an earlier job handed over is missing or has expired',
  stale_schedule: 'its time had passed before it could be started',
  job_execution_timeout: 'it took longer than its timeout',
  archived_failure: 'the job is archived and cannot be run again',
  unmet_prerequisites: 'GitLab could not prepare what it needs',
  scheduler_failure: 'GitLab could not give it to a runner',
  data_integrity_failure: 'GitLab found its record of the job damaged',
  forward_deployment_failure: 'a newer deployment was there already',
  failed_outdated_deployment_job: 'a newer deployment was there already',
  user_blocked: 'the user who started it is blocked',
  project_deleted: 'the project was deleted',
  ci_quota_exceeded: 'the compute minutes are used up',
  no_matching_runner: 'there is no runner that takes it',
  trace_size_exceeded: 'its log is larger than GitLab allows',
  builds_disabled: 'CI/CD is turned off in the project',
  environment_creation_failure: 'its environment could not be created: is its name valid?',
  deployment_rejected: 'its deployment was rejected',
  protected_environment_failure: 'the environment is protected: who started it may not deploy there',
  ip_restriction_failure: 'the group takes no jobs from the address of this runner',
  runner_provisioning_timeout: 'no machine was ready for it in time',
  duo_workflow_not_allowed: 'GitLab does not allow it',
};

/** Why a job failed, in a sentence; undefined where its own log tells it. */
export function failureReason(reason: string | undefined, tags: readonly string[], hasStarted: boolean): string | undefined {
  if (reason === undefined || reason === 'script_failure') return undefined;
  if (reason === 'stuck_or_timeout_failure')
    return hasStarted
      ? 'it timed out, or its runner was heard of no more'
      : `no runner took it: none ${withTags(tags)}is online, or all were busy for too long`;
  if (reason === 'no_matching_runner') return `there is no runner ${withTags(tags)}that takes it`;
  return failures[reason] ?? `GitLab says: ${reason.replaceAll('_', ' ').slice(0, 100)}`;
}

/** Why a job has not begun, in a sentence. */
export function waitingReason(status: string, tags: readonly string[], environment: string | undefined): string | undefined {
  switch (status) {
    case 'pending':
      return `waits for a runner ${withTags(tags)}`.trimEnd();
    case 'waiting_for_resource':
      return environment === undefined
        ? 'waits for another delivery to the same environment'
        : `waits for another delivery to ${environment}`;
    case 'waiting_for_callback':
      return 'waits for an answer of another system';
    case 'preparing':
      return 'GitLab prepares what it needs';
    case 'scheduled':
      return 'waits for its time';
    case 'manual':
      return environment === undefined ? 'waits for a person to start it' : `waits for a person to let it deploy to ${environment}`;
    default:
      return undefined;
  }
}

function withTags(tags: readonly string[]): string {
  if (tags.length === 0) return '';
  return `with the tag${tags.length === 1 ? '' : 's'} ${tags.join(', ')} `;
}
