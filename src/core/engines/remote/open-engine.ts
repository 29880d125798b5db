import { gitOrUndefined } from '../../changes/git';
import { parseRemote, type Remote } from '../../changes/remotes';
import type { Repository } from '../../changes/repository';
import { fail, ok, type Result } from '../../failure';
import { HttpClient, type HttpOptions } from '../../http/http-client';
import type { Tokens } from '../../http/tokens';
import type { EngineDefinition, Pipeline } from '../../pipeline/pipeline';
import type { EngineName, EngineService } from '../engine';
import { engineNamed } from '../engines';
import type { RemoteEngine } from './remote-engine';

export interface EngineSurroundings {
  readonly repository: Repository;
  /** All services of the repository: some engines run them together. */
  readonly services: readonly EngineService[];
  readonly tokens: Tokens;
  readonly proxy: HttpOptions['proxy'];
}

export interface OpenedEngine {
  readonly engine: RemoteEngine;
  /** The remote of git that changes are pushed to, and where it leads; undefined for a folder. */
  readonly remote: string;
  readonly host: Remote | undefined;
  /** The engine's pipeline of the service, relative to the repository's root. */
  readonly file: string;
}

/** The engine that a pipeline names, or `name` where another one is meant. Asks nothing yet. */
export async function openRemoteEngine(
  pipeline: Pipeline,
  name: EngineName | undefined,
  around: EngineSurroundings,
): Promise<Result<OpenedEngine>> {
  const settings = settingsOf(pipeline, name);
  if (!settings.ok) return settings;
  const definition = settings.value;
  const { repository, services, tokens, proxy } = around;
  const remote = definition.remote ?? (await usualRemote(repository));
  const url = remote === undefined ? undefined : await gitOrUndefined(['remote', 'get-url', '--', remote], { folder: repository.root });
  if (remote === undefined || url === undefined)
    return fail('usage', `there is no remote ${remote ?? 'of git'} that a change could be pushed to`, {
      hint: 'git remote add origin … adds one; engine: {…: {remote: …}} in delivery.yaml names another',
    });
  const host = parseRemote(url.trim());
  const files = engineNamed(definition.kind)?.files(services, {}) ?? [];
  const opened = await open(definition, pipeline, host, files, around, new HttpClient({ proxy }), tokens);
  if (!opened.ok) return opened;
  const file = files.find(({ service }) => service === pipeline.service)?.path ?? '';
  return ok({ engine: opened.value, remote, host, file });
}

function settingsOf({ engine, service }: Pipeline, name: EngineName | undefined): Result<EngineDefinition> {
  if (engine && (name === undefined || engine.kind === name)) return ok(engine);
  if (name === 'jenkins')
    return fail('usage', `delivery.yaml does not say where Jenkins is that runs ${service}`, {
      hint: 'engine: {jenkins: {url: https://…, job: folder/name}}',
    });
  if (name === undefined)
    return fail('usage', `delivery.yaml names no engine for ${service}`, { hint: '--engine github, gitlab or jenkins does' });
  return ok({ kind: name });
}

async function open(
  definition: EngineDefinition,
  { service, steps }: Pipeline,
  host: Remote | undefined,
  files: readonly { readonly service?: string; readonly path: string }[],
  { services }: EngineSurroundings,
  client: HttpClient,
  tokens: Tokens,
): Promise<Result<RemoteEngine>> {
  switch (definition.kind) {
    case 'github': {
      const server = definition.url ?? host?.host;
      const repository = definition.repository ?? host?.path;
      if (server === undefined || repository === undefined) return nowhere('github', 'repository');
      const pipelines = new Map(files.flatMap((file) => (file.service === undefined ? [] : [[file.service, file.path] as const])));
      const { openGithubEngine } = await import('./github/github-engine');
      return ok(openGithubEngine({ server, repository, pipelines }, client, tokens));
    }
    case 'gitlab': {
      const server = definition.url ?? host?.host;
      const project = definition.project ?? host?.path;
      if (server === undefined || project === undefined) return nowhere('gitlab', 'project');
      const { openGitlabEngine } = await import('./gitlab/gitlab-engine');
      const names = services.map(({ pipeline }) => pipeline.service);
      return ok(openGitlabEngine({ server, project, services: names, service }, client, tokens));
    }
    case 'jenkins': {
      const { openJenkinsEngine } = await import('./jenkins/jenkins-engine');
      return ok(openJenkinsEngine({ server: definition.url, job: definition.job, steps: steps.map(({ name }) => name) }, client, tokens));
    }
  }
}

function nowhere(kind: 'github' | 'gitlab', what: string): Result<never> {
  return fail('usage', `the remote of git does not lead to a server, so the ${what} on ${kind} is not known`, {
    hint: `engine: {${kind}: {url: https://…, ${what}: …}} in delivery.yaml names it`,
  });
}

/** The remote that the branch which is checked out follows, else `origin`, else the only one. */
async function usualRemote(repository: Repository): Promise<string | undefined> {
  const call = { folder: repository.root };
  const branch = (await gitOrUndefined(['symbolic-ref', '--short', '-q', 'HEAD'], call))?.trim();
  const followed = branch ? (await gitOrUndefined(['config', '--get', `branch.${branch}.remote`], call))?.trim() : undefined;
  if (followed && followed !== '.') return followed;
  const remotes = ((await gitOrUndefined(['remote'], call)) ?? '').split('\n').filter((name) => name !== '');
  return remotes.find((name) => name === 'origin') ?? (remotes.length === 1 ? remotes[0] : undefined);
}
