import type { Repository } from '../git/repository';
import { HttpClient, type HttpOptions } from '../http/http-client';
import type { CiDefinition, Pipeline } from '../model/pipeline';
import { fail, ok, type Result } from '../model/result';
import type { Tokens } from '../model/tokens';
import { wordList } from '../support/format';
import type { CiClient } from './ci-client';
import { ciPlace, type CiPlace } from './ci-place';
import type { CiDescriptor, CiName, CiPipeline } from './ci-service';
import { ciServices, findCiService } from './registry';

export interface CiSurroundings {
  readonly repository: Repository;
  /** All services of the repository: some CI services run them together. */
  readonly services: readonly CiPipeline[];
  readonly tokens: Tokens;
  readonly proxy: HttpOptions['proxy'];
}

export interface OpenedCi extends CiPlace {
  readonly descriptor: CiDescriptor;
  readonly engine: CiClient;
  /** The exported pipeline of the service, relative to the repository's root. */
  readonly file: string;
}

/** Connects to the CI service that a pipeline names, or to the one called `name`. Sends no request yet. */
export async function connectToCi(pipeline: Pipeline, name: CiName | undefined, surroundings: CiSurroundings): Promise<Result<OpenedCi>> {
  const { repository, services, tokens, proxy } = surroundings;
  const definition = definitionOf(pipeline, name);
  if (!definition.ok) return definition;
  const descriptor = findCiService(definition.value.kind);
  if (!descriptor) return fail('usage', `this version of Deliver has no CI service ${definition.value.kind}`, { hint: 'update Deliver' });
  const found = await ciPlace(definition.value, repository);
  if (!found.ok) return found;
  const { server, place } = found.value;
  const files = await descriptor.files(services, {});
  const client = new HttpClient({ proxy });
  const engine = await descriptor.open({ server, place, pipeline, services, files, client, tokens });
  const file = files.find(({ service }) => service === pipeline.service)?.path ?? '';
  return ok({ ...found.value, descriptor, engine, file });
}

function definitionOf({ engine, service }: Pipeline, name: CiName | undefined): Result<CiDefinition> {
  if (engine && (name === undefined || engine.kind === name)) return ok(engine);
  if (name === undefined) {
    const names = wordList(
      ciServices.map(({ kind }) => kind),
      'or',
    );
    return fail('usage', `delivery.yaml names no engine for ${service}`, { hint: `name one with --engine: ${names}` });
  }
  const { label, requiredSettings } = findCiService(name) ?? {};
  if (requiredSettings === undefined) return ok({ kind: name });
  return fail('usage', `delivery.yaml does not give the address of ${label} for ${service}`, {
    hint: `engine: {${name}: ${requiredSettings}}`,
  });
}
