import { openRepository } from '../core/git/repository';
import { observableEnvironments } from '../core/pipeline/defined-environments';
import type { RecordedEnvironment } from '../core/environments/recorded/recorded-environment';
import { homeFolder } from '../core/support/home';

/** How long one environment may take to say what is live in it. */
const askMs = 15_000;

/** The environments that have to be asked, as seen from the current folder, which may be of no repository. */
export async function environmentsHere(): Promise<RecordedEnvironment[]> {
  const repository = await openRepository(process.cwd());
  return observableEnvironments(homeFolder(), repository.ok ? repository.value.root : undefined);
}

/** Asks them all at once; one that does not answer is known by what it said last, and says why. */
export async function askAll(environments: readonly RecordedEnvironment[]): Promise<void> {
  await Promise.all(environments.map((environment) => environment.observe(AbortSignal.timeout(askMs))));
}
