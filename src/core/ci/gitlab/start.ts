import { present, textOf } from '../../support/json-value';
import { ok, type CiFailure, type StartRequest, type Started, type CiResult } from '../ci-client';
import { notSeen } from './check';
import { webAddress, wrong, type GitlabProject } from './project';

/** Starts a pipeline at a branch; the answer names it (docs.gitlab.com: api/pipelines, create a pipeline). */
export async function startPipeline(project: GitlabProject, request: StartRequest, signal: AbortSignal): Promise<CiResult<Started>> {
  const answer = await project.post('/pipeline', { ref: request.branch }, 'a pipeline', signal);
  if (answer.state === 'failed') return inWords(project, request, answer);
  const [id, commit] = [textOf(answer.value['id']), textOf(answer.value['sha'])];
  if (id === undefined) return wrong('GitLab does not say which pipeline it started');
  if (commit !== request.commit) {
    const other = `GitLab started pipeline ${id} for ${commit?.slice(0, 12) ?? 'an unknown commit'} instead of ${request.commit.slice(0, 12)}`;
    const ended = await project.asking.write('POST', project.path(`/pipelines/${encodeURIComponent(id)}/cancel`), undefined, signal);
    return wrong(other, ended.state === 'failed' ? `it goes on: ${ended.message}` : 'it was cancelled');
  }
  return ok({ id, attempt: 1, ...present({ url: webAddress(answer.value['web_url']) }) });
}

/** What GitLab says when it makes no pipeline (lib/gitlab/ci/pipeline/chain), as what a person can do about it. */
function inWords(project: GitlabProject, { file, branch, service }: StartRequest, failure: CiFailure): CiFailure {
  if (failure.gone) return notSeen(project, failure);
  const says = (message: string, hint?: string): CiFailure => ({ ...failure, message, ...(hint !== undefined && { hint }) });
  const { status } = failure;
  // Behind the address, which may have any of these words in it.
  const said = failure.message.includes(': ') ? failure.message.slice(failure.message.indexOf(': ')) : '';
  if (/identity verification|verify your (identity|account)/i.test(said))
    return {
      ...says('GitLab wants you to verify your identity before it starts pipelines', 'sign in there and follow what it asks for'),
      reason: 'token',
    };
  if (status === 403)
    return says(failure.message, 'to start pipelines it takes the scope api and the role of a Developer, and more for a protected branch');
  if (status !== 400 && status !== 422) return failure;
  if (/missing CI config file|(?:not found|missing).*\.gitlab-ci\.yml/i.test(said))
    return says(`there is no ${file} in what was pushed`, '`deliver export gitlab` writes it');
  if (/reference not found/i.test(said)) return says(`GitLab does not find the branch ${branch}: was it pushed to ${project.name}?`);
  if (/no (?:stages|jobs)|filtered out|will not run|would not run|rules? (?:did|do) not match/i.test(said))
    return says(`GitLab started nothing: by its rules no job would run for ${service}`, `see \`rules\` and \`workflow\` in ${file}`);
  if (/insufficient permissions|protected/i.test(said)) return { ...failure, reason: 'token', hint: 'the branch is protected' };
  return /yaml|config|syntax|jobs:|unknown keys|include/i.test(said)
    ? { ...failure, hint: `is ${file} valid? CI Lint in GitLab tells more` }
    : failure;
}
