import { openRepository } from '../core/git/repository';
import { environmentsToObserve } from '../core/environments/defined-environments';
import type { RecordedEnvironment } from '../core/environments/recorded/recorded-environment';
import { homeFolder } from '../core/support/home';

/** The time limit for a query of one environment. */
const queryTimeoutMs = 15_000;

/** Returns the environments that need a query, as seen from the current folder, which may be outside a repository. */
export async function environmentsHere(): Promise<RecordedEnvironment[]> {
  const repository = await openRepository(process.cwd());
  return environmentsToObserve(homeFolder(), repository.ok ? repository.value.root : undefined);
}

/** Queries all environments in parallel. An environment that fails keeps its last known state and the reason. */
export async function askAll(environments: readonly RecordedEnvironment[]): Promise<void> {
  await Promise.all(environments.map((environment) => environment.observe(AbortSignal.timeout(queryTimeoutMs))));
}
