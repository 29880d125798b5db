import type { Repository } from '../core/git/repository';
import { fail, type Result } from '../core/model/result';
import type { Tokens } from '../core/model/tokens';
import type { RunState } from '../core/model/run-state';
import { readServices } from '../core/pipeline/read-pipeline';
import type { OpenedCi } from '../core/ci/connect';

/** Connects to the CI service that runs `run`, as the working copy defines it now. */
export async function ciOfRun(repository: Repository, { id, service, engine }: RunState, tokens: Tokens): Promise<Result<OpenedCi>> {
  if (!engine) return fail('usage', `run ${id} is not on a CI service`);
  const services = await readServices(repository.root);
  if (!services.ok) return services;
  const defined = services.value.find(({ pipeline }) => pipeline.service === service);
  if (!defined) return fail('usage', `the service ${service} no longer exists`);
  const { connectToCi } = await import('../core/ci/connect');
  const opened = await connectToCi(defined.pipeline, engine.name, { repository, services: services.value, tokens, proxy: 'environment' });
  if (!opened.ok || opened.value.engine.place === engine.place) return opened;
  return fail('usage', `run ${id} is on ${engine.place}, but ${service} now uses ${opened.value.engine.place}`, {
    hint: engine.url === undefined ? undefined : `see ${engine.url}`,
  });
}
