import * as fs from 'node:fs';
import type { Environment, RolledBackRelease } from '../environments/environment';
import { isEmbedded } from '../environments/registry';
import type { ServiceStatus } from '../model/environment-status';
import { Journal } from '../history/journal';
import { readRecorded } from '../history/runs';

/** A release that was verified a moment ago, and what to do for how long. */
export interface WatchedRelease {
  readonly environment: string;
  readonly service: string;
  /** The run that delivered it, whose journal is in the folder `journal`. */
  readonly release: string;
  readonly journal: string;
  readonly ms: number;
  /** What becomes of it is told to the CI service of the team, as its deployment was. */
  readonly isOnRecord: boolean;
}

/** Reading the status of an embedded environment costs nothing. Other environments may give one wrong answer. */
const embedded = { pollIntervalMs: 100, signsNeeded: 1 };
const observed = { pollIntervalMs: 2_000, signsNeeded: 2 };

/**
 * Watches a release for a while after it went live. When it fails in this time, the previous one is brought back, and the
 * journal of its run tells it. Ends early where it is live no more, or was stopped on purpose. Answers what was taken back.
 */
export async function watchRelease(watched: WatchedRelease, environment: Environment): Promise<RolledBackRelease | undefined> {
  const { service, release, journal, ms } = watched;
  const { pollIntervalMs, signsNeeded } = isEmbedded(environment.kind) ? embedded : observed;
  const deadline = Date.now() + ms;
  let firstSign: number | undefined;
  let signs = 0;
  while (Date.now() < deadline && fs.existsSync(journal)) {
    const looked = Date.now();
    const answered = await environment.observe(AbortSignal.timeout(10 * observed.pollIntervalMs));
    const live = environment.status().find((one) => one.service === service);
    if (live?.release?.id !== release || live.state === 'stopped') return undefined;
    if (live.state === 'unhealthy') {
      firstSign ??= looked;
      if (++signs >= signsNeeded) return takeBack(watched, environment, live, firstSign);
    } else if (answered.ok) {
      firstSign = undefined;
      signs = 0;
    }
    await new Promise((resolve) => setTimeout(resolve, pollIntervalMs));
  }
  return undefined;
}

async function takeBack(
  watched: WatchedRelease,
  environment: Environment,
  failed: ServiceStatus,
  since: number,
): Promise<RolledBackRelease | undefined> {
  const { service, release } = watched;
  const back = await environment.rollBack(service, { only: release });
  const why = failed.reason ?? 'it was unhealthy';
  const journal = new Journal(watched.journal, release);
  try {
    if (back.ok)
      journal.append({
        type: 'rolled-back',
        environment: environment.name,
        from: back.value.from,
        ...(back.value.to && { to: back.value.to }),
        reason: `it failed in ${environment.name} soon after it went live: ${why}`,
        delivered: true,
        errorsMs: Date.now() - since,
      });
    else if (readRecorded(watched.journal))
      journal.append({
        type: 'notice',
        message: `${environment.name}: ${service} fails (${why}), and could not be rolled back: ${back.failure.message}`,
      });
    return back.ok ? back.value : undefined;
  } finally {
    journal.close();
  }
}
