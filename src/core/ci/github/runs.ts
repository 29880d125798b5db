import { present, recordOf, textOf } from '../../support/json-value';
import { ok, type CiFailure, type CiResult, type RemoteJob, type RemoteRun } from '../ci-client';
import { startFailureReason } from './problems';
import { heldDeployments, holdReason } from './approvals';
import { countOf, failure, idOf, lineOf, linkOf, loginOf, workflowOf, type Fields, type GithubRepository } from './github-repository';
import { deployedTo } from './deployments';
import { waitsForRules, jobFields, readJob, reasonOf, runState } from './jobs';

/** Returns the run with the jobs of its latest attempt. */
export async function readRun(id: string, repository: GithubRepository, signal: AbortSignal): Promise<CiResult<RemoteRun>> {
  for (let isAgain = false; ; isAgain = true) {
    // The run is read before its jobs: newer jobs do not contradict an older run, but older jobs contradict a newer run.
    const answer = await repository.get(`/actions/runs/${id}`, signal);
    if (answer.state === 'failed') return missingRunFailure(answer, repository, signal);
    const run = parseRun(answer.value, repository);
    if (typeof run === 'string') return failure(`GitHub returned an unexpected run: ${run}`);
    const fields = await jobFields(run, repository, signal);
    if (fields.state === 'failed') return withoutGone(fields);
    const attempts = fields.value.map((job) => countOf(job['run_attempt']));
    // Another attempt began between the two answers.
    if (!isAgain && attempts.some((attempt) => attempt > run.attempt)) continue;
    const jobs = await readJobs(run, answer.value, fields.value, repository, signal);
    return jobs.state === 'failed' ? withoutGone(jobs) : ok(withJobs(run, answer.value, jobs.value));
  }
}

/**
 * Returns the failure for a missing run. GitHub answers 404 also without permission (docs.github.com, troubleshooting the REST API): the
 * run is gone only if its repository is visible.
 */
async function missingRunFailure(failure: CiFailure, repository: GithubRepository, signal: AbortSignal): Promise<CiFailure> {
  if (!failure.gone) return failure;
  const visible = await repository.get('', signal);
  if (visible.state === 'ok') return failure;
  if (!visible.gone) return visible;
  return { ...withoutGone(visible), reason: 'token', message: `the token has no access to ${repository.name}, or it does not exist (404)` };
}

/** Removes `gone`: a missing part of a run does not mean that the run is gone. */
function withoutGone({ gone: _, ...failure }: CiFailure): CiFailure {
  return failure;
}

/** Returns a run without its jobs, or the error in its description. */
export function parseRun(run: Fields, { client }: GithubRepository): RemoteRun | string {
  const id = idOf(run['id']);
  if (id === undefined) return 'no id';
  const commit = textOf(run['head_sha']) ?? '';
  if (!/^[0-9a-f]{40,64}$/.test(commit)) return 'no commit';
  const status = textOf(run['status']) ?? '';
  const conclusion = textOf(run['conclusion']);
  const state = runState(status, conclusion);
  if (state === undefined) return `it is ${[status || 'without a status', conclusion].filter(Boolean).join(', ')}`;
  const createdAt = client.time(textOf(run['run_started_at']) ?? textOf(run['created_at']));
  if (createdAt === undefined) return 'no start time';
  const url = linkOf(run['html_url']);
  if (url === undefined) return 'no page';
  const isOver = state !== 'waiting' && state !== 'running';
  return {
    id,
    attempt: countOf(run['run_attempt']),
    url,
    branch: textOf(run['head_branch']) ?? '',
    commit,
    subject: subjectOf(run),
    state,
    createdAt,
    jobs: [],
    ...present({
      reason: conclusion === 'skipped' ? 'all of its jobs were skipped' : reasonOf(status, conclusion),
      finishedAt: isOver ? client.time(textOf(run['updated_at'])) : undefined,
      by: loginOf(run['triggering_actor']) ?? loginOf(run['actor']),
    }),
  };
}

/** Returns the subject of the commit if the title only repeats the workflow's name, as with `workflow_dispatch`. */
function subjectOf(run: Fields): string {
  const title = lineOf(run['display_title']);
  const commit = lineOf(recordOf(run['head_commit'])?.['message']);
  return (title !== undefined && title !== lineOf(run['name']) ? title : (commit ?? title)) ?? '';
}

async function readJobs(
  run: RemoteRun,
  fields: Fields,
  list: readonly Fields[],
  repository: GithubRepository,
  signal: AbortSignal,
): Promise<CiResult<readonly RemoteJob[]>> {
  const jobs: RemoteJob[] = [];
  const isWaiting = run.state === 'waiting' || run.state === 'running';
  const pending = isWaiting && list.some(waitsForRules) ? await heldDeployments(run.id, repository, signal) : ok([]);
  // A token without access to approvals may still read everything else.
  const held = pending.state === 'failed' && pending.reason === 'token' ? ok([]) : pending;
  if (held.state === 'failed') return held;
  for (const one of list) {
    const job = readJob(one, run.attempt, textOf(fields['run_started_at']), repository);
    if (typeof job === 'string') return failure(`GitHub returned an unexpected run: ${job}`);
    if (isWaiting && waitsForRules(one)) jobs.push({ ...job, ...(await holdReason(one, held.value, repository, signal)) });
    else if (job.state === 'failed' && !job.hasLog && job.reason === undefined)
      jobs.push({ ...job, ...present({ reason: await startFailureReason(job.id, repository, signal) }) });
    else jobs.push(job);
  }
  const addresses = await deployedTo(run, jobs, repository, signal);
  return ok(jobs.map((job) => ({ ...job, ...present({ deployedTo: addresses.get(job.id) }) })));
}

function withJobs(run: RemoteRun, fields: Fields, jobs: readonly RemoteJob[]): RemoteRun {
  // GitHub also calls a run queued between two jobs.
  const hasBegun = jobs.some(({ state }) => !['waiting', 'kept', 'skipped'].includes(state));
  const state = run.state === 'waiting' && hasBegun ? 'running' : run.state;
  if (run.state !== 'failed' || jobs.length > 0) return { ...run, state, jobs };
  const file = lineOf(fields['path']) ?? 'the workflow';
  return {
    ...run,
    jobs,
    reason: run.reason ?? `GitHub could not start the run: ${file} is probably not a valid workflow. See the page of the run.`,
  };
}

export async function defaultBranch(repository: GithubRepository, signal: AbortSignal): Promise<string | undefined> {
  const answer = await repository.get('', signal);
  return answer.state === 'ok' ? textOf(answer.value['default_branch']) : undefined;
}

export async function listRuns(file: string, repository: GithubRepository, signal: AbortSignal): Promise<CiResult<readonly RemoteRun[]>> {
  const list = await repository.list(`${workflowOf(file)}/runs?per_page=30`, 'workflow_runs', signal, 1);
  if (list.state === 'failed') return list.status === 404 ? { ...list, message: `${repository.name} has no workflow ${file} (404)` } : list;
  const read = list.value.map((fields) => parseRun(fields, repository));
  const runs = read.filter((run) => typeof run !== 'string');
  const unread = read.find((run) => typeof run === 'string');
  if (runs.length === 0 && unread !== undefined) return failure(`GitHub returned an unexpected run: ${unread}`);
  return ok(runs);
}
