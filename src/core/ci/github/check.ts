import { recordOf } from '../../support/json-value';
import { ok, type CiFailure, type CiResult } from '../ci-client';
import type { GithubRepository } from './github-repository';
import { failure, lineOf, loginOf } from './fields';

const wanted = 'it takes write access to the repository, and a token with write access to Actions (classic: repo)';

/** Who the token is of, where it may start runs. */
export async function checkAccess(repository: GithubRepository, signal: AbortSignal): Promise<CiResult<string>> {
  const { asking, name } = repository;
  const user = await asking.get('/user', signal);
  if (user.state === 'failed') return isOfApp(user) ? checkApp(repository, signal) : user;
  const who = loginOf(user.value);
  if (who === undefined) return failure('GitHub does not say who the token is of');
  const scopes = scopesOf(user.headers);
  if (scopes && !scopes.some((scope) => scope === 'repo' || scope === 'public_repo'))
    return token(`the token of ${who} may do only ${scopes.join(', ')}: it lacks the scope repo`);
  const answer = await repository.get('', signal);
  if (answer.state === 'failed')
    return answer.status === 404 ? { ...answer, message: `${who} sees no repository ${name} on GitHub (404)`, hint: wanted } : answer;
  const fields = answer.value;
  if (fields['archived'] === true) return failure(archived(repository));
  const permissions = recordOf(fields['permissions']);
  if (permissions?.['push'] === true) return ok(who);
  if (!permissions) return failure(`GitHub does not say what ${who} may do in ${name}`);
  const parent = lineOf(recordOf(fields['parent'])?.['full_name']);
  const fork = fields['fork'] === true ? `, a fork${parent === undefined ? '' : ` of ${parent}`}` : '';
  return token(`${who} may only read ${name}${fork}`);
}

/** The token of an app, as `GITHUB_TOKEN` in a workflow, is nobody's (actions/create-github-app-token#258). */
function isOfApp({ status, message }: CiFailure): boolean {
  return status === 403 && message.includes('Resource not accessible by integration');
}

/** What it may do GitHub does not tell reliably: that shows when it does it. */
async function checkApp(repository: GithubRepository, signal: AbortSignal): Promise<CiResult<string>> {
  const answer = await repository.get('', signal);
  if (answer.state === 'failed')
    return answer.status === 404
      ? { ...answer, message: `the app sees no repository ${repository.name} on GitHub (404)`, hint: wanted }
      : answer;
  return answer.value['archived'] === true ? failure(archived(repository)) : ok('an app of GitHub');
}

function archived({ name }: GithubRepository): string {
  return `${name} is archived: nothing can be started there`;
}

function token(message: string): CiFailure {
  return { state: 'failed', reason: 'token', message, hint: wanted };
}

/** Only classic tokens have scopes; those of apps have none and say so (cli/cli: api/http_client). The others do not tell what they may. */
function scopesOf(headers: Readonly<Record<string, string>>): string[] | undefined {
  const scopes = headers['x-oauth-scopes']?.split(',').flatMap((scope) => scope.trim() || []);
  return scopes?.length === 0 ? undefined : scopes;
}
