import { openRepository, type Repository } from '../core/git/repository';
import { fail, ok, type Result } from '../core/model/result';
import { homeFolder, RepositoryHome } from '../core/support/home';
import { locateService } from '../core/pipeline/locate';
import { recover } from '../core/runner/recovery';
import { listRuns, readRun } from '../core/history/runs';
import type { RunState } from '../core/model/run-state';
import type { CiPipeline } from '../core/ci/ci-service';
import { readServices } from '../core/pipeline/read-pipeline';

export interface RepositoryContext {
  readonly repository: Repository;
  readonly home: RepositoryHome;
}

/** Opens the repository of the current folder and recovers abandoned runs. */
export async function openContext(): Promise<Result<RepositoryContext>> {
  const repository = await openRepository(process.cwd());
  if (!repository.ok) return repository;
  const home = new RepositoryHome(homeFolder(), repository.value.commonGitFolder);
  await recover(home);
  return ok({ repository: repository.value, home });
}

/** Opens the repository of the current folder and finds the run. */
export async function openRun(named: {
  readonly run?: string;
  readonly service?: string;
}): Promise<Result<RepositoryContext & { readonly run: RunState }>> {
  const context = await openContext();
  if (!context.ok) return context;
  const run = await findRun(context.value, named);
  return run.ok ? ok({ ...context.value, run: run.value }) : run;
}

/** Returns the named run, or the latest run of the service. */
export async function findRun(
  { repository, home }: RepositoryContext,
  named: { readonly run?: string; readonly service?: string },
): Promise<Result<RunState>> {
  if (named.run !== undefined) {
    const run = /^[\w-]+$/.test(named.run) ? readRun(home.run(named.run)) : undefined;
    return run ? ok(run) : fail('usage', `there is no run ${named.run} in this repository`);
  }
  const place = await locateService(repository.root, process.cwd(), named.service);
  if (!place.ok) return place;
  const [latest] = listRuns(home, { service: place.value.name, limit: 1 });
  return latest ? ok(latest) : fail('usage', `${place.value.name} has not been delivered yet`, { hint: 'deliver it with deliver run' });
}

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
