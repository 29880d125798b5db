import * as fs from 'node:fs';
import type { Environment, RolledBackRelease } from '../environments/environment';
import { isEmbedded } from '../environments/registry';
import type { ServiceStatus } from '../model/environment-status';
import { Journal } from '../history/journal';
import { readRecorded } from '../history/runs';

/** A verified release to watch for `ms` milliseconds. */
export interface WatchedRelease {
  readonly environment: string;
  readonly service: string;
  /** The id of the run that delivered it. `journal` is the folder of that run. */
  readonly release: string;
  readonly journal: string;
  readonly ms: number;
  /** The deployment is recorded at the team's CI service, so a rollback is recorded there too. */
  readonly isOnRecord: boolean;
}

/** A check of an embedded environment costs nothing. All others need a query, and a single failed query may be a glitch. */
const embedded = { pollIntervalMs: 100, failuresNeeded: 1 };
const queried = { pollIntervalMs: 2_000, failuresNeeded: 2 };

/**
 * Watches a release after it went live. If the release becomes unhealthy, the previous one is restored and the journal of
 * its run records that. Ends early if another release is live, or somebody stopped or removed the service. Returns the rollback, if any.
 */
export async function watchRelease(watched: WatchedRelease, environment: Environment): Promise<RolledBackRelease | undefined> {
  const { service, release, journal, ms } = watched;
  const { pollIntervalMs, failuresNeeded } = isEmbedded(environment.kind) ? embedded : queried;
  const deadline = Date.now() + ms;
  let firstFailureAt: number | undefined;
  let failures = 0;
  while (Date.now() < deadline && fs.existsSync(journal)) {
    const looked = Date.now();
    const answered = await environment.observe(AbortSignal.timeout(10 * queried.pollIntervalMs));
    const live = environment.status().find((one) => one.service === service);
    if (live?.release?.id !== release || live.state === 'stopped' || live.state === 'missing') return undefined;
    if (live.state === 'unhealthy') {
      firstFailureAt ??= looked;
      if (++failures >= failuresNeeded) return rollBack(watched, environment, live, firstFailureAt);
    } else if (answered.ok) {
      firstFailureAt = undefined;
      failures = 0;
    }
    await new Promise((resolve) => setTimeout(resolve, pollIntervalMs));
  }
  return undefined;
}

async function rollBack(
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
