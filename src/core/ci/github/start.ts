import { recordOf } from '../../support/json-value';
import { ok, type CiFailure, type Started, type StartRequest, type CiResult } from '../ci-client';
import type { Fields, GithubRepository } from './github-repository';
import { until, type Patience } from './retry';
import { countOf, failure, idOf, linkOf } from './fields';

/** Starts the workflow at a branch that is this delivery's alone: whatever its workflow runs there is this run. */
export async function startRun(
  request: StartRequest,
  repository: GithubRepository,
  patience: Patience,
  signal: AbortSignal,
): Promise<CiResult<Started>> {
  const workflow = workflowOf(request.file);
  const send = async (more: object): ReturnType<GithubRepository['post']> =>
    repository.post(`${workflow}/dispatches`, { ref: request.branch, ...more }, signal);
  const first = await send({ return_run_details: true });
  // Enterprise servers that do not know the field may turn the request down for it, and have started nothing then.
  const isUnknownField = first.state === 'failed' && first.status === 422 && first.message.includes('return_run_details');
  const answer = isUnknownField ? await send({}) : first;
  if (answer.state === 'failed') {
    // An answer that was lost on its way may have been a good one.
    const isUncertain = !signal.aborted && (answer.reason === 'offline' || (answer.status ?? 0) >= 500);
    const found = isUncertain ? await findRun(workflow, request, repository, { ...patience, tries: 3 }, signal) : undefined;
    return found?.state === 'ok' ? found : whyNotStarted(answer, request, repository);
  }
  const details = recordOf(answer.value);
  const id = idOf(details?.['workflow_run_id']);
  if (id === undefined) return findRun(workflow, request, repository, patience, signal);
  const url = linkOf(details?.['html_url']);
  return ok({ id, attempt: 1, ...(url !== undefined && { url }) });
}

/** The run that an answer without details has begun; it takes a moment until it is in the list. */
async function findRun(
  workflow: string,
  { branch, commit }: StartRequest,
  repository: GithubRepository,
  patience: Patience,
  signal: AbortSignal,
): Promise<CiResult<Started>> {
  const query = new URLSearchParams({ branch, event: 'workflow_dispatch', head_sha: commit }).toString();
  const found = await until(patience, signal, async () => {
    const runs = await repository.list(`${workflow}/runs?${query}`, 'workflow_runs', signal);
    return runs.state === 'failed' ? runs : ok(runs.value.map((run) => startedOf(run, branch, commit)).find(Boolean));
  });
  return (
    found ?? failure(`GitHub took the start of ${branch}, but no run of it came up`, 'look for it on the Actions page of the repository')
  );
}

/** The list comes newest first. A server that does not know the filters answers other runs, too. */
function startedOf(run: Fields, branch: string, commit: string): Started | undefined {
  if (run['head_branch'] !== branch || run['head_sha'] !== commit || run['event'] !== 'workflow_dispatch') return undefined;
  const id = idOf(run['id']);
  const url = linkOf(run['html_url']);
  return id === undefined ? undefined : { id, attempt: countOf(run['run_attempt']), ...(url !== undefined && { url }) };
}

/** `/actions/workflows/` takes the name of the file. */
export function workflowOf(file: string): string {
  return `/actions/workflows/${encodeURIComponent(file.split('/').at(-1) ?? '')}`;
}

const exported = 'commit and push the file that `deliver export github` writes to the default branch';

function whyNotStarted({ gone: _, ...answer }: CiFailure, { file, branch }: StartRequest, { name }: GithubRepository): CiFailure {
  switch (answer.status) {
    case 404:
      return {
        ...answer,
        message: `GitHub finds no ${file} on the default branch of ${name}, or the token may not see it (404)`,
        hint: `${exported}; a token needs write access to Actions (classic: repo)`,
      };
    case 422:
      return { ...answer, ...whyInvalid(answer.message, file, branch) };
    case 403:
      return answer.reason === 'limit'
        ? answer
        : { ...answer, hint: 'a token needs write access to Actions (classic: repo), and Actions has to be enabled for the repository' };
    default:
      return answer;
  }
}

function whyInvalid(said: string, file: string, branch: string): { message?: string; hint?: string } {
  if (/workflow_dispatch.{0,3} trigger/.test(said))
    return { message: `${file} has no \`workflow_dispatch\`: GitHub does not start it when asked (422)`, hint: exported };
  if (/disabled workflow/i.test(said))
    return { message: `${file} is disabled on GitHub (422)`, hint: 'enable it on the Actions page of the repository' };
  if (/No ref found/i.test(said)) return { message: `GitHub has no branch ${branch} (422)`, hint: 'it has to be pushed first' };
  return {};
}
