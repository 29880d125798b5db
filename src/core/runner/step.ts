import * as fs from 'node:fs';
import * as path from 'node:path';
import { openRepository } from '../git/repository';
import { takeSnapshot } from '../git/snapshot';
import { listTree } from '../git/tree';
import { liveFolders, openEnvironment } from '../environments/environments';
import { fail, ok, type Result } from '../model/result';
import { homeFolder, RepositoryHome } from '../support/home';
import { nothingContributed } from '../logs/matchers/definition';
import { locateService } from '../pipeline/locate';
import type { Pipeline, Step } from '../model/pipeline';
import { closest } from '../support/suggest';
import type { Change, Outcome, RunEvent } from '../model/events';
import { Journal } from '../history/journal';
import { JobVerification, type ReleaseToVerify } from './job-verification';
import { keepCheckout, tidyCheckouts } from './checkout-copy';
import { tryLock } from '../process/lock';
import { readPipeline } from '../pipeline/read-pipeline';
import { planPipeline } from './plan';
import { plannedSteps } from '../model/planned-steps';
import { ownIdentity } from '../process/process-identity';
import { markActive, recover } from './recovery';
import { runSteps } from './run-steps';
import { newRunId, runIds } from '../history/runs';

export interface StepRequest {
  readonly step: string;
  /** Any folder of the repository. */
  readonly from: string;
  readonly service?: string;
  readonly env: NodeJS.ProcessEnv;
  /** How the command line is called, for what outlives a step: supervisors, the watch over a release. */
  readonly program: readonly string[];
  readonly signal: AbortSignal;
  readonly onEvent: (event: RunEvent, folder: string) => void;
}

/** How many of them are remembered, with their logs. */
const keptRuns = 200;

/**
 * Runs one step as a job of a CI service does: in its own checkout, of the commit that is checked out
 * there. What it needs was done by earlier jobs. A release that one deploys is verified by later ones.
 */
export async function runStep(request: StepRequest): Promise<Result<{ run: string; outcome: Outcome }>> {
  const opened = await openRepository(request.from);
  if (!opened.ok) return opened;
  const repository = opened.value;
  const home = RepositoryHome.ofJobs(homeFolder(request.env), repository.commonGitFolder);
  await recover(home);
  const place = await locateService(repository.root, request.from, request.service);
  if (!place.ok) return place;
  const { folder } = place.value;
  const snapshot = await takeSnapshot(repository, home, { commit: 'HEAD' });
  if (!snapshot.ok) return snapshot;
  const { change } = snapshot.value;
  const tree = await listTree(repository, home, change.tree, folder);
  if (!tree.ok) return tree;
  const read = await readPipeline(repository, home, tree.value, folder);
  if (!read.ok) return read;
  const pipeline = read.value;
  const step = stepNamed(pipeline, request.step);
  if (!step.ok) return step;
  const plan = await planPipeline(repository, home, { ...pipeline, steps: [{ ...step.value, needs: [] }] }, folder, request);
  if (!plan.ok) return plan;
  const verified = await releaseToVerify(pipeline, step.value, change, home, request);
  if (!verified.ok) return verified;

  const run = newRunId();
  const runner = ownIdentity();
  const checkouts = path.join(home.folder, 'checkouts');
  tidyCheckouts(checkouts, liveFolders(home.home));
  const lock = step.value.deploy === undefined ? undefined : tryLock(path.join(home.locks, `${pipeline.service}.lock`), { ...runner, run });
  if (lock && !lock.ok) return fail('delivery', `another job deploys ${pipeline.service} at this moment (process ${lock.holder.pid})`);
  const kept = step.value.deploy === undefined ? ok(repository.root) : await keepCheckout(repository.root, path.join(checkouts, run));
  if (!kept.ok) {
    if (lock?.ok) lock.release();
    return kept;
  }
  const slot = { root: kept.value, fingerprints: path.join(home.run(run), 'fingerprints') };
  const journal = new Journal(home.run(run), run, (event) => request.onEvent(event, home.run(run)));
  const inactive = markActive(home, run);
  try {
    const { service } = pipeline;
    const steps = plannedSteps(plan.value.pipeline, []);
    journal.append({ type: 'run-started', service, change, steps, runner, slot: slot.root, folder, repository: repository.root });
    const end = await runSteps({
      ...plan.value,
      repository,
      home,
      run,
      journal,
      change,
      // The engine decides what need not run: whatever is called is run.
      tree: [],
      folder,
      slot,
      env: request.env,
      program: request.program,
      contributed: nothingContributed,
      guard: new JobVerification(pipeline, journal, home, request.program, verified.value),
      signal: request.signal,
    });
    journal.append({ type: 'run-finished', outcome: end.outcome, ...(end.reason !== undefined && { reason: end.reason }) });
    inactive();
    return end.failure && end.outcome !== 'cancelled' ? { ok: false, failure: end.failure } : ok({ run, outcome: end.outcome });
  } finally {
    journal.close();
    if (lock?.ok) lock.release();
    tidyCheckouts(checkouts, liveFolders(home.home));
    for (const old of runIds(home).slice(keptRuns)) fs.rmSync(home.run(old), { recursive: true, force: true });
  }
}

function stepNamed({ service, steps }: Pipeline, name: string): Result<Step> {
  const step = steps.find((one) => one.name === name);
  if (step) return ok(step);
  const names = steps.map((one) => one.name);
  const meant = closest(name, names);
  const hint = meant === undefined ? `its steps are ${names.join(', ')}` : `is ${meant} meant?`;
  return fail('usage', `${service} has no step ${name}`, { hint });
}

/** What an earlier job deployed: exactly this change, or there is nothing to verify. */
async function releaseToVerify(
  pipeline: Pipeline,
  { name, verifies }: Step,
  change: Change,
  home: RepositoryHome,
  { program, signal }: StepRequest,
): Promise<Result<ReleaseToVerify | undefined>> {
  const definition = verifies === undefined ? undefined : pipeline.environments[verifies];
  if (verifies === undefined || !definition) return ok(undefined);
  const { service } = pipeline;
  const environment = openEnvironment(verifies, service, definition, home.home, program);
  if (!environment.ok) return environment;
  const observed = await environment.value.observe(signal);
  if (!observed.ok) return observed;
  const status = environment.value.status().find((one) => one.service === service);
  const deploy = pipeline.steps.find((step) => step.deploy === verifies)?.name ?? '';
  if (!status?.release)
    return fail('delivery', `${service} is not live in ${verifies}: there is nothing that ${name} could verify`, {
      hint: `deliver step ${deploy} deploys it; both need the same machine, or the same DELIVER_HOME`,
    });
  const { release, previous, url } = status;
  if (release.commit !== change.commit)
    return fail(
      'delivery',
      `${verifies} has ${release.commit.slice(0, 8)} of ${service}, not ${change.commit.slice(0, 8)}, which ${name} verifies`,
      {
        hint: 'a later delivery has taken its place; nothing is rolled back',
      },
    );
  return ok({ environment: environment.value, release, ...(previous && { previous }), url });
}
