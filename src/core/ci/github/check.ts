import { recordOf } from '../../support/json-value';
import { ok, type CiFailure, type CiResult } from '../ci-client';
import { failure, lineOf, loginOf, type GithubRepository } from './github-repository';

const requiredAccess = 'write access to the repository is required, and a token with write access to Actions (classic: repo)';

/** Returns the login of the token's owner, if the token may start runs. */
export async function checkAccess(repository: GithubRepository, signal: AbortSignal): Promise<CiResult<string>> {
  const { client, name } = repository;
  const user = await client.get('/user', signal);
  if (user.state === 'failed') return isOfApp(user) ? checkApp(repository, signal) : user;
  const login = loginOf(user.value);
  if (login === undefined) return failure('GitHub does not report the owner of the token');
  const scopes = scopesOf(user.headers);
  if (scopes && !scopes.some((scope) => scope === 'repo' || scope === 'public_repo'))
    return token(`the token of ${login} has only the scopes ${scopes.join(', ')}: the scope repo is missing`);
  const answer = await repository.get('', signal);
  if (answer.state === 'failed')
    return answer.status === 404
      ? { ...answer, message: `${login} has no access to ${name} on GitHub, or it does not exist (404)`, hint: requiredAccess }
      : answer;
  const fields = answer.value;
  if (fields['archived'] === true) return failure(archived(repository));
  const permissions = recordOf(fields['permissions']);
  if (permissions?.['push'] === true) return ok(login);
  if (!permissions) return failure(`GitHub does not report the permissions of ${login} in ${name}`);
  const parent = lineOf(recordOf(fields['parent'])?.['full_name']);
  const fork = fields['fork'] === true ? `, a fork${parent === undefined ? '' : ` of ${parent}`}` : '';
  return token(`${login} has only read access to ${name}${fork}`);
}

/** Returns whether an app owns the token, as with `GITHUB_TOKEN` in a workflow (actions/create-github-app-token#258). */
function isOfApp({ status, message }: CiFailure): boolean {
  return status === 403 && message.includes('Resource not accessible by integration');
}

/** Checks the token of an app. GitHub does not reliably report its permissions, so they are not checked. */
async function checkApp(repository: GithubRepository, signal: AbortSignal): Promise<CiResult<string>> {
  const answer = await repository.get('', signal);
  if (answer.state === 'failed')
    return answer.status === 404
      ? { ...answer, message: `the app has no access to ${repository.name} on GitHub, or it does not exist (404)`, hint: requiredAccess }
      : answer;
  return answer.value['archived'] === true ? failure(archived(repository)) : ok('a GitHub app');
}

function archived({ name }: GithubRepository): string {
  return `${name} is archived, so no run can be started`;
}

function token(message: string): CiFailure {
  return { state: 'failed', reason: 'token', message, hint: requiredAccess };
}

/** Returns the scopes of a classic token. Tokens of apps have an empty header (cli/cli: api/http_client), other tokens have none. */
function scopesOf(headers: Readonly<Record<string, string>>): string[] | undefined {
  const scopes = headers['x-oauth-scopes']?.split(',').flatMap((scope) => scope.trim() || []);
  return scopes?.length === 0 ? undefined : scopes;
}
