import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Environment, RolledBackRelease } from '../environments/environment';
import { isEmbedded } from '../environments/registry';
import { openRepository } from '../git/repository';
import type { ServiceStatus } from '../model/environment-status';
import type { RunState } from '../model/run-state';
import { Journal } from '../history/journal';
import { readRecorded } from '../history/runs';
import { PathResolver } from '../location/path-resolver';
import { treePaths } from '../location/tree-paths';
import { nothingContributed } from '../logs/matchers/definition';
import { ProblemReporter } from '../logs/problem-reporter';
import { ProblemSearch } from '../logs/problem-search';
import { logFile, RepositoryHome } from '../support/home';
import { Mask } from '../support/masking';
import { releaseOutput } from './release-output';

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
  /** The names of the secrets of its run, which this process inherits. Absent in calls of earlier versions. */
  readonly secrets?: readonly string[];
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
  const output = await releaseOutput(environment, service);
  const back = await environment.rollBack(service, { only: release });
  const why = failed.reason ?? 'it was unhealthy';
  const run = readRecorded(watched.journal);
  const journal = new Journal(watched.journal, release);
  try {
    const reason = `it failed in ${environment.name} soon after it went live: ${why}`;
    if (back.ok)
      journal.append({
        type: 'rolled-back',
        environment: environment.name,
        from: back.value.from,
        ...(back.value.to && { to: back.value.to }),
        reason,
        delivered: true,
        errorsMs: Date.now() - since,
      });
    else if (run)
      journal.append({
        type: 'notice',
        message: `${environment.name}: ${service} fails (${why}), and could not be rolled back: ${back.failure.message}`,
      });
    if (run) await reportOutput(watched, run, journal, reason, output);
    return back.ok ? back.value : undefined;
  } finally {
    journal.close();
  }
}

/** Appends the output of the failed release to the log of the step that deployed it, and records its problems. */
async function reportOutput(
  { environment, journal: folder, secrets = [] }: WatchedRelease,
  run: RunState,
  journal: Journal,
  reason: string,
  output: string,
): Promise<void> {
  const name = run.steps.find(({ deploys }) => deploys === environment)?.name;
  const repository = run.repository === undefined ? undefined : await openRepository(run.repository);
  if (name === undefined || !repository?.ok) return;
  const log = logFile(folder, name);
  const from = fs.statSync(log, { throwIfNoEntry: false })?.size ?? 0;
  const mask = new Mask(secrets.flatMap((secret) => process.env[secret] ?? []));
  fs.appendFileSync(log, `${mask.text(output)}${reason}\n`);
  // The folder of a run lies in `runs` of its repository.
  const home = new RepositoryHome(path.resolve(folder, '../../../..'), repository.value.commonGitFolder, path.resolve(folder, '../..'));
  const search = new ProblemSearch();
  try {
    const roots = { slot: run.slot, folder: run.folder, repository: run.repository ?? '' };
    const placer = new PathResolver(roots, async () => treePaths(repository.value, home, run.change.tree));
    const reports = async (): Promise<{ problems: []; more: number; failures: [] }> => ({ problems: [], more: 0, failures: [] });
    const reporter = new ProblemReporter({ search, placer, journal, mask, contributed: nothingContributed, reports });
    const step = { name, needs: [], outputs: [], env: {}, secrets: [], reports: [], retries: 0 };
    await reporter.report(step, { state: 'failed', log, from, reason });
  } finally {
    search.dispose();
  }
}
