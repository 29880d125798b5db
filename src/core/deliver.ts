import { availableParallelism } from 'node:os';
import * as path from 'node:path';
import { openRepository } from './changes/repository';
import { takeSnapshot } from './changes/snapshot';
import { listTree } from './changes/tree';
import { liveFolders } from './environments/environments';
import { messageOf, ok, fail, type Result } from './failure';
import { Mask } from './logs/masking';
import type { Contributed } from './logs/matchers/definition';
import { ProblemSearch } from './logs/problem-search';
import { homeFolder, RepositoryHome } from './home';
import { locateService } from './pipeline/locate';
import { planDelivery } from './run/plan';
import { StepCache } from './run/cache';
import { endProcesses } from './run/descendants';
import type { Outcome, RunEvent, StepState } from './run/events';
import { stepKeys } from './run/fingerprint';
import { runGraph } from './run/graph';
import { Journal } from './run/journal';
import { OutputPipes } from './run/output-pipe';
import { Placer } from './run/placer';
import { plannedSteps } from './run/planned';
import { ProblemReporter } from './run/problem-reporter';
import { graceMs } from './run/process';
import { ownIdentity } from './run/process-identity';
import { waitForTurn } from './run/queue';
import { markActive, recover } from './run/recovery';
import { listRuns, newRunId, readRun } from './run/runs';
import { SlotPool } from './run/slots';
import { StepRunner } from './run/step-runner';
import { treePaths } from './run/tree-paths';
import { tidyRuns } from './run/tidy';
import { Verification } from './run/verification';

export interface DeliveryRequest {
  /** Any folder of the repository. */
  readonly from: string;
  readonly service?: string;
  /** A revision; absent: the working tree as it is now. */
  readonly commit?: string;
  /** The run whose passed steps need not run again. */
  readonly resume?: string;
  /** How many steps at a time; absent: as many as the machine has processors. */
  readonly width?: number;
  readonly env: NodeJS.ProcessEnv;
  /** The problem matchers that extensions of the editor contribute. */
  readonly contributed: Contributed;
  /** The command that starts an environment's supervisor; its name is appended. */
  readonly supervisor: readonly string[];
  readonly signal: AbortSignal;
  readonly onEvent: (event: RunEvent) => void;
}

export interface DeliveryEnd {
  readonly run: string;
  readonly outcome: Outcome;
}

/** Delivers one change from top to bottom. Fails, with nothing recorded, where it could not begin. */
export async function deliver(request: DeliveryRequest): Promise<Result<DeliveryEnd>> {
  const repository = await openRepository(request.from);
  if (!repository.ok) return repository;
  const home = new RepositoryHome(homeFolder(request.env), repository.value.commonGitFolder);
  await recover(home);

  const place = await locateService(repository.value.root, request.from, request.service);
  if (!place.ok) return place;
  const snapshot = await takeSnapshot(repository.value, home, request.commit === undefined ? {} : { commit: request.commit });
  if (!snapshot.ok) return snapshot;
  const { change, notices } = snapshot.value;
  const listing = listTree(repository.value, home, change.tree, place.value.folder);
  const earlier = listRuns(home, { service: place.value.name, limit: 5 }); // while git is at it
  const tree = await listing;
  if (!tree.ok) return tree;
  const plan = await planDelivery(repository.value, home, tree.value, place.value.folder, request);
  if (!plan.ok) return plan;
  const { pipeline, environments, secrets, siblings } = plan.value;

  const run = newRunId();
  const runner = ownIdentity();
  const journal = new Journal(home.run(run), run, request.onEvent);
  const inactive = markActive(home, run);
  const begin = {
    service: pipeline.service,
    change,
    steps: plannedSteps(pipeline, earlier),
    runner,
  };
  const finish = (outcome: Outcome, reason?: string): Result<DeliveryEnd> => {
    journal.append({ type: 'run-finished', outcome, ...(reason !== undefined && { reason }) });
    inactive();
    return ok({ run, outcome });
  };

  const turn = await waitForTurn(home.locks, pipeline.service, { ...runner, run }, request.signal, (behind) =>
    journal.append({ type: 'run-queued', ...begin, ...(behind !== undefined && { behind }) }),
  );
  if (turn.kind !== 'mine')
    return turn.kind === 'superseded' ? finish('superseded', `run ${turn.by} delivers a newer change`) : finish('cancelled');

  const pool = new SlotPool(home, repository.value, () => liveFolders(home.home));
  const slot = await pool.acquire(snapshot.value, pipeline.service, run);
  if (!slot.ok) {
    journal.append({ type: 'run-queued', ...begin });
    finish('failed', slot.failure.message);
    turn.release();
    return slot;
  }
  const folder = path.join(slot.value.root, place.value.folder);
  const before = request.resume !== undefined && slot.value.previousRun === request.resume ? readRun(home.run(request.resume)) : undefined;
  // What passed for another tree says nothing about this one.
  const resumed = before?.change.tree === change.tree ? before : undefined;
  journal.append({
    type: 'run-started',
    ...begin,
    slot: slot.value.root,
    folder: place.value.folder,
    repository: repository.value.root,
    ...(resumed && { resumes: resumed.id }),
  });
  for (const message of [...notices, ...slot.value.notices]) journal.append({ type: 'notice', message });

  const width = request.width ?? availableParallelism();
  const pipes = new OutputPipes(home.run(run), Math.min(width, pipeline.steps.length));
  const verification = new Verification(pipeline.service, pipeline.steps, journal);
  const cache = new StepCache(home.cache, slot.value.fingerprints, folder);
  const ground = { slot: slot.value.root, folder, repository: repository.value.root };
  const search = new ProblemSearch();
  const problems = new ProblemReporter({
    search,
    placer: new Placer({ ...ground, folder: place.value.folder }, async () =>
      treePaths(repository.value, home, change.tree, place.value.folder),
    ),
    journal,
    mask: new Mask(Object.values(secrets)),
    contributed: request.contributed,
    folder,
  });
  const steps = new StepRunner({
    run,
    pipeline,
    change,
    around: { service: pipeline.service, commit: change.commit, ...ground },
    base: request.env,
    secrets,
    keys: stepKeys(pipeline, place.value.folder, tree.value),
    cache,
    journal,
    pipes,
    environments,
    siblings,
    verification,
    problems,
    ...(resumed && { resumed }),
    signal: request.signal,
  });
  try {
    const states = await runGraph(
      pipeline.steps,
      width,
      (step) => steps.execute(step),
      (step, need) => steps.skip(step, need),
    );
    if (steps.hasRun) await endProcesses({ run }, graceMs);
    const lost = await verification.finish();
    return lost === undefined ? finish(outcomeOf(states, request.signal)) : finish('failed', lost);
  } catch (error) {
    await endProcesses({ run }, graceMs);
    await verification.finish();
    finish('failed', messageOf(error));
    return fail('machinery', messageOf(error));
  } finally {
    pipes.dispose();
    search.dispose();
    journal.close();
    slot.value.release();
    turn.release();
    await tidyRuns(home, pool, cache);
  }
}

function outcomeOf(states: ReadonlyMap<string, StepState>, signal: AbortSignal): Outcome {
  const all = [...states.values()];
  if (all.every((state) => state === 'passed' || state === 'cached')) return 'passed';
  return signal.aborted ? 'cancelled' : 'failed';
}
