import { listOf, numberOf, recordOf, textOf, valueAt } from '../../support/json-value';
import { ok, type CiFailure, type CiResult } from '../ci-client';
import { shown, wrong, type GitlabProject, type Json } from './project';

/** docs.gitlab.com: api/access_requests, valid access levels. */
const roles: readonly (readonly [number, string])[] = [
  [50, 'Owner'],
  [40, 'Maintainer'],
  [30, 'Developer'],
  [25, 'Security Manager'],
  [20, 'Reporter'],
  [15, 'Planner'],
  [10, 'Guest'],
  [5, 'Minimal access'],
];
const developer = 30;

/** Who asks, where the token may start pipelines in the project. */
export async function checkAccess(project: GitlabProject, signal: AbortSignal): Promise<CiResult<string>> {
  const user = await project.asking.get('/user', signal);
  if (user.state === 'failed') return user;
  const who = recordOf(user.value);
  const name = shown(who?.['username'], 100);
  if (!who || name === undefined) return wrong('GitLab does not say who asks');
  const scopes = await scopesProblem(project, signal);
  if (scopes) return scopes;
  const found = await project.record('', 'the project', signal);
  if (found.state === 'failed') return found.gone ? notSeen(project, found) : found;
  const closed = closedProblem(project, found.value);
  if (closed) return closed;
  return who['is_admin'] === true ? ok(name) : checkRole(project, found.value, { id: textOf(who['id']), name }, signal);
}

/** GitLab answers 404 for what a token may not see. */
export function notSeen({ name }: GitlabProject, { reason, status }: CiFailure): CiFailure {
  const message = `GitLab shows no project ${name} to this token (404)`;
  return {
    state: 'failed',
    reason,
    ...(status !== undefined && { status }),
    message,
    hint: 'is the name right, and the token for one of its members?',
  };
}

/** Other kinds of tokens cannot be asked about: then what they may do shows. */
async function scopesProblem(project: GitlabProject, signal: AbortSignal): Promise<CiFailure | undefined> {
  const token = await project.asking.get('/personal_access_tokens/self', signal);
  if (token.state === 'failed') return token.reason === 'offline' || token.reason === 'limit' ? token : undefined;
  const scopes = listOf(valueAt(token.value, 'scopes')).filter((one): one is string => typeof one === 'string');
  // Others are not known well enough to say that they do not suffice.
  const isTooLittle =
    scopes.length > 0 && scopes.every((scope) => /^(read_\w+|write_repository|write_registry|self_rotate|k8s_proxy)$/.test(scope));
  return isTooLittle
    ? denied(`the token may do no more than ${scopes.join(', ')}`, 'to start pipelines it takes the scope api')
    : undefined;
}

function closedProblem({ name }: GitlabProject, project: Json): CiFailure | undefined {
  if (project['archived'] === true) return wrong(`${name} is archived: nothing can be started in it`);
  if (project['builds_access_level'] === 'disabled' || project['jobs_enabled'] === false)
    return wrong(`CI/CD is turned off in ${name}`, 'it is turned on in Settings > General > Visibility, project features, permissions');
  return undefined;
}

async function checkRole(
  project: GitlabProject,
  json: Json,
  user: { readonly id: string | undefined; readonly name: string },
  signal: AbortSignal,
): Promise<CiResult<string>> {
  const own = ['project_access', 'group_access'].map((kind) => numberOf(valueAt(json, `permissions.${kind}.access_level`)) ?? 0);
  if (Math.max(...own) >= developer) return ok(user.name);
  // Who is a member by an invited group is only found here.
  const member = await project.record(`/members/all/${encodeURIComponent(user.id ?? '')}`, 'a member', signal);
  if (member.state === 'failed' && !member.gone) return member;
  const level = member.state === 'ok' ? (numberOf(member.value['access_level']) ?? 0) : Math.max(...own);
  if (level >= developer) return ok(user.name);
  const role = roles.find(([least]) => level >= least)?.[1];
  const origin = shown(valueAt(json, 'forked_from_project.path_with_namespace'));
  const place = origin === undefined ? project.name : `${project.name}, a fork of ${origin}`;
  return denied(
    role === undefined ? `${user.name} is no member of ${place}` : `${user.name} has the role ${role} in ${place}`,
    'to start pipelines it takes the role of a Developer',
  );
}

function denied(message: string, hint: string): CiFailure {
  return { state: 'failed', reason: 'token', message, hint };
}
