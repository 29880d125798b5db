import { listOf, numberOf, recordOf, textOf, valueAt } from '../../support/json-value';
import { ok, type CiFailure, type CiResult } from '../ci-client';
import { shown, wrong, type GitlabProject, type Json } from './project';

/** Access levels: docs.gitlab.com, api/access_requests. */
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

/** Returns the name of the token's owner, if the token may start pipelines. */
export async function checkAccess(project: GitlabProject, signal: AbortSignal): Promise<CiResult<string>> {
  const user = await project.client.get('/user', signal);
  if (user.state === 'failed') return user;
  const owner = recordOf(user.value);
  const name = shown(owner?.['username'], 100);
  if (!owner || name === undefined) return wrong('GitLab does not report the owner of the token');
  const scopes = await scopesProblem(project, signal);
  if (scopes) return scopes;
  const found = await project.record('', 'the project', signal);
  if (found.state === 'failed') return found.gone ? invisibleProject(project, found) : found;
  const closed = closedProblem(project, found.value);
  if (closed) return closed;
  return owner['is_admin'] === true ? ok(name) : checkRole(project, found.value, { id: textOf(owner['id']), name }, signal);
}

/** Returns the failure for an invisible project: GitLab answers 404 without permission. */
export function invisibleProject({ name }: GitlabProject, { reason, status }: CiFailure): CiFailure {
  const message = `the token has no access to ${name}, or it does not exist (404)`;
  return {
    state: 'failed',
    reason,
    status,
    message,
    hint: 'check the name, and use the token of a member',
  };
}

/** Checks the scopes of a personal token. Other tokens cannot be inspected, so their requests fail later. */
async function scopesProblem(project: GitlabProject, signal: AbortSignal): Promise<CiFailure | undefined> {
  const token = await project.client.get('/personal_access_tokens/self', signal);
  if (token.state === 'failed') return token.reason === 'offline' || token.reason === 'limit' ? token : undefined;
  const scopes = listOf(valueAt(token.value, 'scopes')).filter((one): one is string => typeof one === 'string');
  // Unknown scopes may be sufficient.
  const isInsufficient =
    scopes.length > 0 && scopes.every((scope) => /^(read_\w+|write_repository|write_registry|self_rotate|k8s_proxy)$/.test(scope));
  return isInsufficient
    ? denied(`the token has only the scopes ${scopes.join(', ')}`, 'starting pipelines requires the scope api')
    : undefined;
}

function closedProblem({ name }: GitlabProject, project: Json): CiFailure | undefined {
  if (project['archived'] === true) return wrong(`${name} is archived, so no pipeline can be started`);
  if (project['builds_access_level'] === 'disabled' || project['jobs_enabled'] === false)
    return wrong(`CI/CD is turned off in ${name}`, 'enable it in Settings > General > Visibility, project features, permissions');
  return undefined;
}

async function checkRole(
  project: GitlabProject,
  json: Json,
  user: { readonly id: string | undefined; readonly name: string },
  signal: AbortSignal,
): Promise<CiResult<string>> {
  const levels = ['project_access', 'group_access'].map((kind) => numberOf(valueAt(json, `permissions.${kind}.access_level`)) ?? 0);
  if (Math.max(...levels) >= developer) return ok(user.name);
  // Only this list has members through invited groups.
  const member = await project.record(`/members/all/${encodeURIComponent(user.id ?? '')}`, 'a member', signal);
  if (member.state === 'failed' && !member.gone) return member;
  const level = member.state === 'ok' ? (numberOf(member.value['access_level']) ?? 0) : Math.max(...levels);
  if (level >= developer) return ok(user.name);
  const role = roles.find(([minimum]) => level >= minimum)?.[1];
  const origin = shown(valueAt(json, 'forked_from_project.path_with_namespace'));
  const place = origin === undefined ? project.name : `${project.name}, a fork of ${origin}`;
  return denied(
    role === undefined ? `${user.name} is not a member of ${place}` : `${user.name} has the role ${role} in ${place}`,
    'starting pipelines requires the role Developer',
  );
}

function denied(message: string, hint: string): CiFailure {
  return { state: 'failed', reason: 'token', message, hint };
}
