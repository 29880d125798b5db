import type { DeliveryEnd, DeliveryRequest } from './delivery';
import { openRepository } from '../git/repository';
import { takeSnapshot } from '../git/snapshot';
import { listTree } from '../git/tree';
import { liveFolders } from '../environments/environments';
import { ok, type Result } from '../model/result';
import type { CiName } from '../ci/ci-service';
import { homeFolder, RepositoryHome } from '../support/home';
import { locateService } from '../pipeline/locate';
import type { Pipeline } from '../model/pipeline';
import { readPipeline } from '../pipeline/read-pipeline';
import { planPipeline } from './plan';
import type { Outcome } from '../model/events';
import { runSteps } from './run-steps';
import { Journal } from '../history/journal';
import { confirmProduction } from './confirm';
import { plannedSteps } from '../model/planned-steps';
import { ownIdentity } from '../process/process-identity';
import { waitForTurn } from './queue';
import { markActive, recover } from './recovery';
import { listRuns, newRunId, readRun } from '../history/runs';
import { SlotPool } from './slots';
import { tidyRuns } from './tidy';

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
  const read = await readPipeline(repository.value, home, tree.value, place.value.folder);
  if (!read.ok) return read;
  const pipeline = read.value;
  const { engine = engineOf(pipeline, home, request.resume) } = request;
  if (engine !== 'local') {
    const prepared = { repository: repository.value, home, folder: place.value.folder, snapshot: snapshot.value, pipeline, earlier };
    return (await import('./run-on-ci')).runOnCi(prepared, engine, request);
  }
  const plan = await planPipeline(repository.value, home, pipeline, place.value.folder, request);
  if (!plan.ok) return plan;
  const meant = await confirmProduction(pipeline, request);
  if (!meant.ok) return meant;

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

  try {
    const end = await runSteps({
      ...plan.value,
      repository: repository.value,
      home,
      run,
      journal,
      change,
      tree: tree.value,
      folder: place.value.folder,
      slot: slot.value,
      env: request.env,
      program: request.program,
      contributed: request.contributed,
      ...(request.width !== undefined && { width: request.width }),
      ...(resumed && { resumed }),
      signal: request.signal,
    });
    if (pipeline.engine) {
      const given = { repository: repository.value, pipeline, folder: place.value.folder, tokens: request.tokens };
      await (await import('../ci/report-deployments')).reportDeployments(journal, given);
    }
    const delivered = finish(end.outcome, end.reason);
    return end.failure && end.outcome !== 'cancelled' ? { ok: false, failure: end.failure } : delivered;
  } finally {
    journal.close();
    slot.value.release();
    turn.release();
    await tidyRuns(home, pool);
  }
}

/** What is run again is run where it was. */
function engineOf({ engine }: Pipeline, home: RepositoryHome, resume: string | undefined): CiName | 'local' {
  if (resume === undefined) return engine?.kind ?? 'local';
  return readRun(home.run(resume))?.engine?.name ?? 'local';
}
