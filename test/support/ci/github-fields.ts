import type { ScriptedDeployment, ScriptedJob, ScriptedRun, ScriptedRuns, ScriptedState } from './scripted-runs';

export interface Addresses {
  readonly url: string;
  readonly storage: string;
}

/** Times of GitHub have whole seconds. */
function time(date: Date, skewMs: number): string {
  return new Date(date.getTime() + skewMs).toISOString().replace(/\.\d+Z$/, 'Z');
}

const conclusions: Readonly<Record<ScriptedState, string | null>> = {
  waiting: null,
  running: null,
  passed: 'success',
  failed: 'failure',
  cancelled: 'cancelled',
  skipped: 'skipped',
};

function changes(run: ScriptedRun): Date[] {
  return [run.attemptAt, ...run.jobs.flatMap(({ startedAt, finishedAt }) => [startedAt ?? [], finishedAt ?? []].flat())];
}

export function runFields(run: ScriptedRun, repository: string, { url }: Addresses, skewMs: number): object {
  const isHeld = run.jobs.some(({ state, approval }) => state === 'waiting' && approval !== undefined);
  const going = run.state === 'running' ? (isHeld ? 'waiting' : 'in_progress') : isHeld ? 'waiting' : 'queued';
  const conclusion = run.startupFailure === undefined ? conclusions[run.state] : 'startup_failure';
  return {
    id: Number(run.id),
    name: 'Deliver shop',
    head_branch: run.branch,
    head_sha: run.commit,
    path: '.github/workflows/deliver-shop.yml',
    run_number: 7,
    run_attempt: run.attempt,
    event: run.event,
    status: conclusion === null ? going : 'completed',
    conclusion,
    html_url: `${url}/${repository}/actions/runs/${run.id}`,
    display_title: run.event === 'push' ? run.subject : 'Deliver shop',
    head_commit: { id: run.commit, message: `${run.subject}\n\nMore of it` },
    created_at: time(run.createdAt, skewMs),
    run_started_at: time(run.attemptAt, skewMs),
    updated_at: time(new Date(Math.max(...changes(run).map((date) => date.getTime()))), skewMs),
    actor: { login: run.by },
    triggering_actor: { login: run.by },
  };
}

export function jobFields(job: ScriptedJob, run: ScriptedRun, repository: string, { url }: Addresses, skewMs: number): object {
  const isTaken = job.startedAt !== undefined;
  const isSkipped = job.state === 'waiting' && run.isSkipped(job);
  const going = job.state === 'running' ? 'in_progress' : job.approval === undefined ? 'queued' : 'waiting';
  const conclusion = isSkipped ? 'skipped' : conclusions[job.state];
  const began = job.startedAt ?? run.createdAt;
  return {
    id: Number(job.id),
    run_id: Number(run.id),
    run_attempt: job.attempt,
    head_sha: run.commit,
    name: job.name,
    status: conclusion === null ? going : 'completed',
    conclusion,
    created_at: time(run.createdAt, skewMs),
    started_at: time(began, skewMs),
    completed_at: conclusion === null ? null : time(job.finishedAt ?? began, skewMs),
    html_url: `${url}/${repository}/actions/runs/${run.id}/job/${job.id}`,
    check_run_url: `${url}/api/v3/repos/${repository}/check-runs/${job.id}`,
    labels: job.isStuck ? ['self-hosted', 'gpu'] : ['ubuntu-latest'],
    runner_id: isTaken ? 3 : 0,
    runner_name: isTaken ? 'runner 3' : '',
    steps: isTaken ? [{ name: 'Set up job', status: 'completed', conclusion: 'success', number: 1 }] : [],
  };
}

export function artifactFields(job: ScriptedJob, service: string): { readonly name: string } {
  return {
    id: Number(job.id),
    name: `${service}-${job.name}-reports`,
    size_in_bytes: 400,
    expired: false,
    created_at: time(job.finishedAt ?? new Date(), 0),
  } as { readonly name: string };
}

export function annotationFields(more: object): object {
  return {
    path: '.github',
    start_line: 1,
    end_line: 1,
    start_column: null,
    end_column: null,
    annotation_level: 'failure',
    title: '',
    message: '',
    raw_details: '',
    ...more,
  };
}

export function deploymentFields(one: ScriptedDeployment, skewMs: number): object {
  const at = time(one.createdAt, skewMs);
  return {
    id: Number(one.id),
    sha: one.commit,
    ref: one.ref,
    task: 'deploy',
    environment: one.environment,
    creator: { login: one.by },
    created_at: at,
    updated_at: at,
  };
}

export function statusFields(one: ScriptedDeployment, { runs }: ScriptedRuns, { url }: Addresses, skewMs: number): object {
  const at = time(one.createdAt, skewMs);
  const run = runs.find(({ commit, jobs }) => commit === one.commit && jobs.some((job) => job.deployedTo?.environment === one.environment));
  const job = run?.jobs.find(({ deployedTo }) => deployedTo?.environment === one.environment);
  return {
    id: Number(one.id) + 10_000,
    state: one.state,
    environment: one.environment,
    environment_url: one.url,
    log_url: `${url}/acme/shop/actions/runs/${run?.id ?? 1}/job/${job?.id ?? 2}`,
    created_at: at,
    updated_at: at,
  };
}
