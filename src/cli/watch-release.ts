import { openKnownEnvironment } from '../core/environments/environments';
import { homeFolder } from '../core/home';
import { watchRelease as watch, type WatchedRelease } from '../core/run/release-watch';
import { ownProgram } from './own-program';

/** `deliver watch-release WHAT`: stays while a release is watched. Started by a delivery, for itself. */
export async function watchRelease(what: string): Promise<number> {
  const watched = JSON.parse(what) as WatchedRelease;
  const environment = openKnownEnvironment(watched.environment, homeFolder(), ownProgram());
  if (environment) await watch(watched, environment);
  return 0;
}
