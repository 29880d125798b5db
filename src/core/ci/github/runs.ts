import { present, recordOf, textOf } from '../../support/json-value';
import { ok, type CiFailure, type RemoteJob, type RemoteRun, type CiResult } from '../ci-client';
import { whyNeverBegun } from './annotations';
import { heldDeployments, whatHolds } from './approvals';
import type { Fields, GithubRepository } from './github-repository';
import { deployedTo } from './deployed-to';
import { jobFields } from './job-list';
import { isHeld, readJob } from './jobs';
import { reasonOf, runState } from './states';
import { countOf, failure, idOf, lineOf, linkOf, loginOf } from './fields';

/** The run with the jobs of its latest attempt. */
export async function readRun(id: string, repository: GithubRepository, signal: AbortSignal): Promise<CiResult<RemoteRun>> {
  for (let isAgain = false; ; isAgain = true) {
    // The run first: jobs that are ahead of it are no contradiction, jobs that are behind it are.
    const answer = await repository.get(`/actions/runs/${id}`, signal);
    if (answer.state === 'failed') return whetherGone(answer, repository, signal);
    const run = readRunFields(answer.value, repository);
    if (typeof run === 'string') return failure(`GitHub says of run ${id} what is not understood: ${run}`);
    const fields = await jobFields(run, repository, signal);
    if (fields.state === 'failed') return notGone(fields);
    const attempts = fields.value.map((job) => countOf(job['run_attempt']));
    // Another attempt began between the two answers.
    if (!isAgain && attempts.some((attempt) => attempt > run.attempt)) continue;
    const jobs = await readJobs(run, answer.value, fields.value, repository, signal);
    return jobs.state === 'failed' ? notGone(jobs) : ok(withJobs(run, answer.value, jobs.value));
  }
}

/** GitHub answers 404 for all that a token may not see (docs.github.com, troubleshooting the REST API): the run is gone only where its repository is not. */
async function whetherGone(failure: CiFailure, repository: GithubRepository, signal: AbortSignal): Promise<CiFailure> {
  if (!failure.gone) return failure;
  const itself = await repository.get('', signal);
  if (itself.state === 'ok') return failure;
  if (!itself.gone) return itself;
  return { ...notGone(itself), reason: 'token', message: `GitHub shows no repository ${repository.name} to this token (404)` };
}

/** What belongs to a run that is there may be missing, but that does not make the run gone. */
function notGone({ gone: _, ...failure }: CiFailure): CiFailure {
  return failure;
}

/** What an answer says of a run, without its jobs; else what is wrong with it. */
export function readRunFields(run: Fields, { asking }: GithubRepository): RemoteRun | string {
  const id = idOf(run['id']);
  if (id === undefined) return 'it has no id';
  const commit = textOf(run['head_sha']) ?? '';
  if (!/^[0-9a-f]{40,64}$/.test(commit)) return 'it names no commit';
  const status = textOf(run['status']) ?? '';
  const conclusion = textOf(run['conclusion']);
  const state = runState(status, conclusion);
  if (state === undefined) return `it is ${[status || 'without a status', conclusion].filter(Boolean).join(', ')}`;
  const createdAt = asking.time(textOf(run['run_started_at']) ?? textOf(run['created_at']));
  if (createdAt === undefined) return 'it does not say when it began';
  const url = linkOf(run['html_url']);
  if (url === undefined) return 'it has no page';
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
      finishedAt: isOver ? asking.time(textOf(run['updated_at'])) : undefined,
      by: loginOf(run['triggering_actor']) ?? loginOf(run['actor']),
    }),
  };
}

/** A run that was started when asked has the name of its workflow for a title. */
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
  const asked = isWaiting && list.some(isHeld) ? await heldDeployments(run.id, repository, signal) : ok([]);
  // A token that may not see who has to approve may see all the rest.
  const held = asked.state === 'failed' && asked.reason === 'token' ? ok([]) : asked;
  if (held.state === 'failed') return held;
  for (const one of list) {
    const job = readJob(one, run.attempt, textOf(fields['run_started_at']), repository);
    if (typeof job === 'string') return failure(`GitHub says of run ${run.id} what is not understood: ${job}`);
    if (isWaiting && isHeld(one)) jobs.push({ ...job, ...(await whatHolds(one, held.value, repository, signal)) });
    else if (job.state === 'failed' && !job.hasLog && job.reason === undefined)
      jobs.push({ ...job, ...present({ reason: await whyNeverBegun(job.id, repository, signal) }) });
    else jobs.push(job);
  }
  const addresses = await deployedTo(run, jobs, repository, signal);
  return ok(jobs.map((job) => ({ ...job, ...present({ deployedTo: addresses.get(job.id) }) })));
}

function withJobs(run: RemoteRun, fields: Fields, jobs: readonly RemoteJob[]): RemoteRun {
  // Between two jobs GitHub calls a run queued, too.
  const hasBegun = jobs.some(({ state }) => !['waiting', 'kept', 'skipped'].includes(state));
  const state = run.state === 'waiting' && hasBegun ? 'running' : run.state;
  if (run.state !== 'failed' || jobs.length > 0) return { ...run, state, jobs };
  const file = lineOf(fields['path']) ?? 'the workflow';
  return { ...run, jobs, reason: run.reason ?? `GitHub could not begin it: ${file} is likely no valid workflow; its page says more` };
}

/** The name of the default branch. */
export async function defaultBranch(repository: GithubRepository, signal: AbortSignal): Promise<string | undefined> {
  const answer = await repository.get('', signal);
  return answer.state === 'ok' ? textOf(answer.value['default_branch']) : undefined;
}
