import type { Repository } from '../core/git/repository';
import { fail, type Result } from '../core/model/result';
import type { Tokens } from '../core/model/tokens';
import type { RunState } from '../core/model/run-state';
import { readServices } from '../core/pipeline/read-pipeline';
import type { OpenedCi } from '../core/ci/connect';

/** The engine that a run is on, as the working copy defines it now. */
export async function ciOfRun(repository: Repository, { id, service, engine }: RunState, tokens: Tokens): Promise<Result<OpenedCi>> {
  if (!engine) return fail('usage', `run ${id} is none of a CI service`);
  const services = await readServices(repository.root);
  if (!services.ok) return services;
  const own = services.value.find(({ pipeline }) => pipeline.service === service);
  if (!own) return fail('usage', `there is no service ${service} here any more`);
  const { connectToCi } = await import('../core/ci/connect');
  const opened = await connectToCi(own.pipeline, engine.name, { repository, services: services.value, tokens, proxy: 'environment' });
  if (!opened.ok || opened.value.engine.place === engine.place) return opened;
  return fail('usage', `run ${id} is one of ${engine.place}, and ${service} is at ${opened.value.engine.place} now`, {
    ...(engine.url !== undefined && { hint: `its page is ${engine.url}` }),
  });
}
