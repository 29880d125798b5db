import { takeSnapshot, type Snapshot } from '../git/snapshot';
import type { TreeEntry } from '../git/tree';
import { listRuns, readRun } from '../history/runs';
import type { EngineName } from '../ci/ci-service';
import { liveFolders } from '../environments/environments';
import type { Pipeline } from '../model/pipeline';
import { fail, type Result } from '../model/result';
import type { RepositoryHome } from '../support/home';
import { confirmProduction, planPipeline, type DeliveryPlan } from './plan';
import { type DeliveryRequest, openService, readChange, RecordedRun, type FinishedRun, type OpenedService } from './run-frame';
import { waitForTurn } from './queue';
import { runSteps } from './run-steps';
import { SlotPool, tidyRuns } from './slots';

/** Delivers one change. Returns a failure, with nothing recorded, if the delivery cannot begin. */
export async function deliver(request: DeliveryRequest): Promise<Result<FinishedRun>> {
  const opened = await openService(request);
  if (!opened.ok) return opened;
  const { repository, home, folder } = opened.value;
  const snapshot = await takeSnapshot(repository, home, { commit: request.commit });
  if (!snapshot.ok) return snapshot;
  const { change } = snapshot.value;
  const reading = readChange(opened.value, change.tree);
  const earlier = listRuns(home, { service: opened.value.service, limit: 5 }); // reads the disk while git works
  const defined = await reading;
  if (!defined.ok) return defined;
  const { pipeline, tree } = defined.value;

  const { engine = engineOf(pipeline, home, request.resume) } = request;
  if (engine !== 'local') {
    if (request.clean) return fail('usage', '--clean is for deliveries on this machine', { hint: 'add --engine local' });
    const { runOnCi } = await import('./run-on-ci');
    return runOnCi({ repository, home, folder, snapshot: snapshot.value, pipeline, earlier }, engine, request);
  }
  const plan = await planPipeline(repository, home, pipeline, folder, request);
  if (!plan.ok) return plan;
  const confirmed = await confirmProduction(pipeline, request);
  if (!confirmed.ok) return confirmed;

  const run = new RecordedRun({ home, pipeline, change, earlier, onEvent: request.onEvent });
  try {
    const holder = { ...run.runner, run: run.id };
    const signal = AbortSignal.any([request.signal, run.lost]);
    const turn = await waitForTurn(home.locks, pipeline.service, holder, signal, (behind) => run.queued({ behind }));
    if (turn.kind === 'superseded') return run.finish({ outcome: 'superseded', reason: `run ${turn.by} delivers a newer change` });
    if (turn.kind === 'cancelled') return run.finish({ outcome: 'cancelled' });
    try {
      return await deliverInSlot(run, opened.value, snapshot.value, tree, plan.value, { ...request, signal });
    } finally {
      turn.release();
    }
  } finally {
    run.close();
  }
}

async function deliverInSlot(
  run: RecordedRun,
  { repository, home, folder }: OpenedService,
  snapshot: Snapshot,
  tree: readonly TreeEntry[],
  plan: DeliveryPlan,
  request: DeliveryRequest,
): Promise<Result<FinishedRun>> {
  const { change } = snapshot;
  const pool = new SlotPool(home, repository, () => liveFolders(home.home));
  const slot = await pool.acquire(snapshot, plan.pipeline.service, run.id, request.clean);
  if (!slot.ok) {
    run.queued();
    run.finish({ outcome: 'failed', reason: slot.failure.message });
    return slot;
  }
  try {
    const { resume } = request;
    const before = resume !== undefined && slot.value.previousRun === resume ? readRun(home.run(resume)) : undefined;
    // Steps that passed for another tree say nothing about this one.
    const resumed = before?.change.tree === change.tree ? before : undefined;
    run.started({ slot: slot.value.root, folder, repository: repository.root, resumes: resumed?.id });
    for (const message of slot.value.notices) run.notice(message);
    const { env, program, contributed, width, signal, tokens } = request;
    const { id, journal } = run;
    const context = { repository, home, run: id, journal, change, tree, folder, slot: slot.value };
    const end = await runSteps({ ...plan, ...context, isClean: request.clean, env, program, contributed, width, resumed, signal });
    if (plan.pipeline.engine) {
      const { reportDeployments } = await import('../ci/report-deployments');
      await reportDeployments(journal, { repository, pipeline: plan.pipeline, folder, tokens });
    }
    return run.finish(end);
  } finally {
    slot.value.release();
    await tidyRuns(home, pool);
  }
}

/** A run that is resumed executes where it executed before. */
function engineOf({ engine }: Pipeline, home: RepositoryHome, resume: string | undefined): EngineName {
  if (resume === undefined) return engine?.kind ?? 'local';
  return readRun(home.run(resume))?.engine?.name ?? 'local';
}
