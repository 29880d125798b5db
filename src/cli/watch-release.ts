import type { Environment, RolledBackRelease } from '../core/environments/environment';
import { openKnownEnvironment } from '../core/environments/environments';
import { homeFolder } from '../core/support/home';
import { Journal } from '../core/history/journal';
import { watchRelease as watch, type WatchedRelease } from '../core/runner/release-watch';
import { readRecorded } from '../core/history/runs';
import { onRecord } from './ci-of-run';
import { ownProgram } from './terminal';

/** `deliver watch-release WATCHED`: watches a release. A delivery starts this command, in its folder and with its tokens. */
export async function watchRelease(json: string): Promise<number> {
  const watched = JSON.parse(json) as WatchedRelease;
  const environment = openKnownEnvironment(watched.environment, homeFolder(), ownProgram());
  if (!environment) return 0;
  const back = await watch(watched, environment);
  if (back && watched.isOnRecord) await record(watched, environment, back);
  return 0;
}

async function record(
  { service, release, journal: folder }: WatchedRelease,
  environment: Environment,
  back: RolledBackRelease,
): Promise<void> {
  const url = environment.status().find((one) => one.service === service)?.url ?? '';
  await onRecord(service, { ...back, environment: environment.name, url }, (message) => {
    if (!readRecorded(folder)) return;
    const journal = new Journal(folder, release);
    journal.append({ type: 'notice', message });
    journal.close();
  });
}
