import { githubAddress } from '../../http/code-host-address';
import type { HttpClient } from '../../http/http-client';
import type { Tokens } from '../../model/tokens';
import { ConditionalClient } from '../conditional-client';
import { type CiClient, type CiFailure, type CiResult, ok, type RemoteRun } from '../ci-client';
import { cancelRun, defaultRetries, rerunRun, type RetrySchedule, startRun } from './start';
import { problemsOf } from './problems';
import { approveDeployment } from './approvals';
import { githubHistory, latestDeployments, reportGithubDeployment } from './deployments';
import { failure, GithubRepository, lineOf, loginOf } from './github-repository';
import { plainGithubLog, readJobLog } from './log';
import { defaultBranch, listRuns, readRun } from './runs';
import { recordOf } from '../../support/json-value';

export interface GithubSettings {
  /** `https://github.com`, or the address of an Enterprise server. */
  readonly server: string;
  /** `owner/name` */
  readonly repository: string;
  /** The workflow file of each service. */
  readonly pipelines: ReadonlyMap<string, string>;
}

/** Opens a client for GitHub Actions, on github.com or an Enterprise server. */
export function openGithubClient(
  { server, repository: name, pipelines }: GithubSettings,
  http: HttpClient,
  tokens: Tokens,
  { retries = defaultRetries, now = Date.now }: { readonly retries?: RetrySchedule; readonly now?: () => number } = {},
): CiClient {
  const client = new ConditionalClient(githubAddress(server), http, tokens, now);
  const repository = new GithubRepository(client, name);
  // Read once, as it hardly ever changes.
  let branch: string | undefined;
  const withBranch = async (runs: readonly RemoteRun[], signal: AbortSignal): Promise<RemoteRun[]> => {
    branch ??= await defaultBranch(repository, signal);
    return runs.map((run) => (branch === undefined ? run : { ...run, isDefaultBranch: run.branch === branch }));
  };
  return {
    name: 'github',
    label: 'GitHub Actions',
    host: client.api.origin ?? server,
    place: name,
    logs: 'when the job has ended',
    reruns: 'failed jobs',
    get allowance() {
      return client.allowance;
    },
    check: async (signal) => checkAccess(repository, signal),
    start: async (request, signal) => startRun(request, repository, retries, signal),
    read: async (id, signal) => {
      const answer = await readRun(id, repository, signal);
      if (answer.state === 'failed') return answer;
      const [run = answer.value] = await withBranch([answer.value], signal);
      return ok(run);
    },
    list: async (service, signal) => {
      const file = pipelines.get(service);
      if (file === undefined) return failure(`${service} has no workflow for GitHub`, 'write it with `deliver export github`');
      const runs = await listRuns(file, repository, signal);
      return runs.state === 'failed' ? runs : ok(await withBranch(runs.value, signal));
    },
    readLog: async (_, job, from, write, signal) => readJobLog(job, from, write, repository, now(), signal),
    plain: plainGithubLog,
    problems: async (run, job, signal) => problemsOf(run, job, pipelines, repository, signal),
    cancel: async (run, signal) => cancelRun(run, repository, signal),
    rerun: async (run, signal) => rerunRun(run, repository, retries, signal),
    approve: async (run, environment, signal) => approveDeployment(run.id, environment, repository, signal),
    deployments: async (signal) => latestDeployments(repository, signal),
    deploymentHistory: async (environment, since, signal) => githubHistory(repository, environment, since, signal),
    reportDeployment: async (deployment, signal) => reportGithubDeployment(deployment, repository, signal),
  };
}

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
