import type { Repository } from '../core/git/repository';
import { fail, type Result } from '../core/model/result';
import type { Tokens } from '../core/model/tokens';
import type { RunState } from '../core/model/run-state';
import { readServices } from '../core/pipeline/read-pipeline';
import type { OpenedCi } from '../core/ci/connect';
import type { reportRollback } from '../core/ci/report-deployments';
import { environmentTokens } from '../core/pipeline/environment-tokens';
import { openContext } from './context';

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

/** Records a rollback at the team's CI service if the service belongs to this repository. `notice` receives failures. */
export async function onRecord(
  service: string,
  back: Parameters<typeof reportRollback>[0],
  notice: (message: string) => void,
): Promise<void> {
  const context = await openContext();
  if (!context.ok) return;
  const { repository } = context.value;
  const services = await readServices(repository.root);
  const own = services.ok ? services.value.find(({ pipeline }) => pipeline.service === service) : undefined;
  if (!own?.pipeline.engine) return;
  const { reportRollback: report } = await import('../core/ci/report-deployments');
  await report(back, { ...own, repository, tokens: environmentTokens(process.env), notice });
}
