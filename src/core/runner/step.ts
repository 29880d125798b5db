import * as fs from 'node:fs';
import * as path from 'node:path';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { takeSnapshot } from '../git/snapshot';
import { nextRunId, runIds } from '../history/runs';
import { liveFolders, openEnvironment } from '../environments/environments';
import { nothingContributed } from '../logs/matchers/definition';
import type { Change, RunEvent } from '../model/events';
import type { Pipeline, Step } from '../model/pipeline';
import { fail, messageOf, ok, type Result } from '../model/result';
import { tryLock } from '../process/lock';
import { currentIdentity } from '../process/process-identity';
import { RepositoryHome } from '../support/home';
import { closest } from '../support/similarity';
import { JobVerification, type ReleaseToVerify } from './verification';
import { type DeliveryPlan, planPipeline } from './plan';
import { type FinishedRun, type OpenedService, openService, readChange, RecordedRun } from './run-frame';
import { runSteps } from './run-steps';

export interface StepRequest {
  readonly step: string;
  /** Any folder of the repository. */
  readonly from: string;
  readonly service?: string;
  readonly env: NodeJS.ProcessEnv;
  /** The command that starts this program, for processes that outlive the step: supervisors and release watchers. */
  readonly program: readonly string[];
  readonly signal: AbortSignal;
  readonly onEvent: (event: RunEvent, folder: string) => void;
}

/** The number of step runs that are kept, with their logs. */
const keptRuns = 200;

/**
 * Runs one step as a job of a CI service does: in the job's own checkout, of the commit that is checked out there. The
 * steps that it needs ran in earlier jobs. Later jobs verify a release that the step deploys.
 */
export async function runStep(request: StepRequest): Promise<Result<FinishedRun>> {
  const opened = await openService(request, (home, commonGitFolder) => RepositoryHome.ofJobs(home, commonGitFolder));
  if (!opened.ok) return opened;
  const { repository, home, folder } = opened.value;
  const snapshot = await takeSnapshot(repository, home, { commit: 'HEAD' });
  if (!snapshot.ok) return snapshot;
  const { change } = snapshot.value;
  const defined = await readChange(opened.value, change.tree);
  if (!defined.ok) return defined;
  const { pipeline } = defined.value;
  const step = stepNamed(pipeline, request.step);
  if (!step.ok) return step;
  const plan = await planPipeline(repository, home, { ...pipeline, steps: [{ ...step.value, needs: [] }] }, folder, request);
  if (!plan.ok) return plan;
  const verified = await releaseToVerify(pipeline, step.value, change, home, request);
  if (!verified.ok) return verified;

  const { checkouts } = home;
  tidyCheckouts(checkouts, liveFolders(home.home));
  const lockFile = path.join(home.locks, `${pipeline.service}.lock`);
  const id = nextRunId(home);
  const lock = step.value.deploy === undefined ? undefined : tryLock(lockFile, { ...currentIdentity(), run: id });
  if (lock && !lock.ok) return fail('delivery', `another job is deploying ${pipeline.service} (process ${lock.holder.pid})`);
  try {
    const copy = path.join(checkouts, id);
    const root = step.value.deploy === undefined ? ok(repository.root) : await keepCheckout(repository.root, copy);
    if (!root.ok) return root;
    return await runInCheckout(id, root.value, opened.value, change, plan.value, verified.value, pipeline, request);
  } finally {
    if (lock?.ok) lock.release();
    tidyCheckouts(checkouts, liveFolders(home.home));
    for (const old of runIds(home).slice(keptRuns)) fs.rmSync(home.run(old), { recursive: true, force: true });
  }
}

async function runInCheckout(
  id: string,
  root: string,
  { repository, home, folder }: OpenedService,
  change: Change,
  plan: DeliveryPlan,
  verified: ReleaseToVerify | undefined,
  pipeline: Pipeline,
  { env, program, signal, onEvent }: StepRequest,
): Promise<Result<FinishedRun>> {
  const run = new RecordedRun({
    id,
    home,
    pipeline: plan.pipeline,
    change,
    onEvent: (event) => onEvent(event, home.run(id)),
  });
  try {
    const { journal } = run;
    run.started({ slot: root, folder, repository: repository.root });
    const slot = { root, fingerprints: path.join(home.run(id), 'fingerprints') };
    const guard = new JobVerification(pipeline, journal, home, program, verified);
    // The CI service decides which steps run, so nothing is taken from the cache: there is no tree.
    const context = { repository, home, run: id, journal, change, folder, slot };
    return run.finish(await runSteps({ ...plan, ...context, env, program, contributed: nothingContributed, guard, signal }));
  } finally {
    run.close();
  }
}

function stepNamed({ service, steps }: Pipeline, name: string): Result<Step> {
  const step = steps.find((one) => one.name === name);
  if (step) return ok(step);
  const names = steps.map((one) => one.name);
  const meant = closest(name, names);
  const hint = meant === undefined ? `its steps are ${names.join(', ')}` : `did you mean ${meant}?`;
  return fail('usage', `${service} has no step ${name}`, { hint });
}

/** Returns the release that an earlier job deployed. Fails if it is not the release of this change. */
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
    return fail('delivery', `${service} is not live in ${verifies}: ${name} has nothing to verify`, {
      hint: `deliver step ${deploy} deploys it. Both jobs need the same machine, or the same DELIVER_HOME`,
    });
  const { release, previous, url } = status;
  if (release.commit !== change.commit)
    return fail(
      'delivery',
      `${verifies} runs ${release.commit.slice(0, 7)} of ${service}, but ${name} verifies ${change.commit.slice(0, 7)}`,
      {
        hint: 'a later delivery replaced it. Nothing is rolled back.',
      },
    );
  return ok({ environment: environment.value, release, ...(previous && { previous }), url });
}

/**
 * A copy of a checkout as it is, with all that was built in it, for a release that lives longer: the next
 * job gets the same checkout. Modes, links and times stay.
 */
export async function keepCheckout(checkout: string, folder: string): Promise<Result<string>> {
  const copy = path.join(folder, path.basename(checkout));
  try {
    fs.mkdirSync(copy, { recursive: true });
    if (process.platform === 'win32')
      await fs.promises.cp(checkout, copy, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
    else await promisify(execFile)('cp', ['-a', `${checkout}/.`, copy]);
    return ok(copy);
  } catch (error) {
    fs.rmSync(folder, { recursive: true, force: true });
    return fail('machinery', `the checkout could not be copied for the release: ${messageOf(error)}`);
  }
}

/** Removes the copies that no release needs any more. */
export function tidyCheckouts(folder: string, needed: ReadonlySet<string>): void {
  const names = fs.existsSync(folder) ? fs.readdirSync(folder) : [];
  for (const name of names) {
    const kept = path.join(folder, name);
    if (![...needed].some((one) => one.startsWith(kept + path.sep))) fs.rmSync(kept, { recursive: true, force: true });
  }
}
