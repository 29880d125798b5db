import type { Repository } from '../git/repository';
import { fail, ok, type Result } from '../model/result';
import { HttpClient, type HttpOptions } from '../http/http-client';
import type { Tokens } from '../model/tokens';
import type { CiDefinition, Pipeline } from '../model/pipeline';
import type { CiFile, CiName, CiPipeline } from './ci-service';
import { ciServiceNamed } from './registry';
import { ciPlace, type CiPlace } from './ci-place';
import type { CiClient } from './ci-client';

export interface CiSurroundings {
  readonly repository: Repository;
  /** All services of the repository: some engines run them together. */
  readonly services: readonly CiPipeline[];
  readonly tokens: Tokens;
  readonly proxy: HttpOptions['proxy'];
}

export interface OpenedCi extends CiPlace {
  readonly engine: CiClient;
  /** The engine's pipeline of the service, relative to the repository's root. */
  readonly file: string;
}

/** The engine that a pipeline names, or `name` where another one is meant. Asks nothing yet. */
export async function connectToCi(pipeline: Pipeline, name: CiName | undefined, around: CiSurroundings): Promise<Result<OpenedCi>> {
  const settings = settingsOf(pipeline, name);
  if (!settings.ok) return settings;
  const definition = settings.value;
  const { repository, services, tokens, proxy } = around;
  const there = await ciPlace(definition, repository);
  if (!there.ok) return there;
  const files = ciServiceNamed(definition.kind)?.files(services, {}) ?? [];
  const engine = await open(definition.kind, there.value, pipeline, files, services, new HttpClient({ proxy }), tokens);
  const file = files.find(({ service }) => service === pipeline.service)?.path ?? '';
  return ok({ ...there.value, engine, file });
}

function settingsOf({ engine, service }: Pipeline, name: CiName | undefined): Result<CiDefinition> {
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
  kind: CiName,
  { server, place }: CiPlace,
  { service, steps }: Pipeline,
  files: readonly CiFile[],
  services: readonly CiPipeline[],
  client: HttpClient,
  tokens: Tokens,
): Promise<CiClient> {
  switch (kind) {
    case 'github': {
      const pipelines = new Map(files.flatMap((file) => (file.service === undefined ? [] : [[file.service, file.path] as const])));
      const { openGithubClient } = await import('./github/github-client');
      return openGithubClient({ server, repository: place, pipelines }, client, tokens);
    }
    case 'gitlab': {
      const { openGitlabClient } = await import('./gitlab/gitlab-client');
      const names = services.map(({ pipeline }) => pipeline.service);
      return openGitlabClient({ server, project: place, services: names, service }, client, tokens);
    }
    case 'jenkins': {
      const { openJenkinsClient } = await import('./jenkins/jenkins-client');
      return openJenkinsClient({ server, job: place, steps: steps.map(({ name }) => name) }, client, tokens);
    }
  }
}
