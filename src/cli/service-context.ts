import type { CiPipeline } from '../core/ci/ci-service';
import { readServices } from '../core/pipeline/read-pipeline';
import { ok, type Result } from '../core/model/result';
import { locateService } from '../core/pipeline/locate';
import { openContext, type RepositoryContext } from './context';

export interface ServiceContext extends RepositoryContext {
  readonly service: CiPipeline;
  /** All services of the repository. */
  readonly services: readonly CiPipeline[];
}

/** Opens the repository of the current folder, reads all its pipelines and locates the service. */
export async function openService(name: string | undefined): Promise<Result<ServiceContext>> {
  const context = await openContext();
  if (!context.ok) return context;
  const { root } = context.value.repository;
  const place = await locateService(root, process.cwd(), name);
  if (!place.ok) return place;
  const services = await readServices(root);
  if (!services.ok) return services;
  const service = services.value.find(({ folder }) => folder === place.value.folder);
  if (!service) throw new Error(`the service in ${place.value.folder} was located and is not there`);
  return ok({ ...context.value, service, services: services.value });
}
