import { fail, ok, type Result } from '../../model/result';
import type { PlatformPlace } from '../platform';
import type { Engine } from './engine';
import { whyNotUp } from './explain';
import { label } from './labels';
import { networkOf } from './names';

/** Makes the network where the services of an environment meet, if there is none. */
export async function joinable(engine: Engine, { service, environment }: PlatformPlace, signal: AbortSignal): Promise<Result<void>> {
  const name = networkOf(environment);
  if ((await engine.act(['network', 'inspect', name], signal)).ok) return ok(undefined);
  const made = await engine.ask(['network', 'create', '--label', `${label.environment}=${environment}`, name], signal);
  // Another service's delivery may have made it meanwhile.
  if (made.exitCode === 0 || (await engine.act(['network', 'inspect', name], signal)).ok) return ok(undefined);
  return made.ended === 'cancelled' ? fail('cancelled', 'cancelled') : whyNotUp(service, environment, made);
}
