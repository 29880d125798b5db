import { setTimeout as delay } from 'node:timers/promises';
import { gitOrUndefined } from '../git/git';
import { ownObjects } from '../git/object-store';
import type { Repository } from '../git/repository';
import type { Snapshot } from '../git/snapshot';
import { lfsNotices, pushSnapshot, removeBranch, removeOldBranches, type Push } from '../git/snapshot-branch';
import { ownBranch, ownBranches } from '../git/delivery-branches';
import { listRuns, readRecorded, readRun } from '../history/runs';
import type { CiResult, Started } from '../ci/ci-client';
import type { CiName } from '../ci/ci-service';
import type { OpenedCi } from '../ci/connect';
import { readServices } from '../pipeline/read-pipeline';
import { failureOf } from '../ci/failure-of';
import { followedLock } from '../ci/follow/follow-lock';
import { FollowedRun } from '../ci/follow/follow-run';
import { gitTokenFor } from '../ci/git-token';
import type { Pipeline } from '../model/pipeline';
import { fail, ok, type Result } from '../model/result';
import { isFinished, type RunState } from '../model/run-state';
import { alwaysVisible } from '../process/visibility';
import { SerialQueue } from '../support/serial-queue';
import type { RepositoryHome } from '../support/home';
import { confirmProduction } from './plan';
import { type DeliveryRequest, RecordedRun, type FinishedRun } from './run-frame';

const neverAborted = new AbortController().signal;

/** A change that is ready to be delivered. */
export interface PreparedDelivery {
  readonly repository: Repository;
  readonly home: RepositoryHome;
  /** The service's folder relative to the root, with `/`; empty for the root. */
  readonly folder: string;
  readonly snapshot: Snapshot;
  readonly pipeline: Pipeline;
  /** The latest runs of the service, newest first. */
  readonly earlier: readonly RunState[];
}

/** The time that a cancelled run has to end, and the interval between cancel requests until one is accepted. */
const cancelTimeoutMs = 60_000;
const cancelRetryMs = 3000;

type CiRequest = Pick<DeliveryRequest, 'tokens' | 'env' | 'contributed' | 'resume' | 'signal' | 'confirmProduction' | 'onEvent'>;

/** Delivers one change on a CI service. Returns a failure, with nothing recorded, if the delivery cannot begin. */
export async function runOnCi(prepared: PreparedDelivery, name: CiName, request: CiRequest): Promise<Result<FinishedRun>> {
  const { repository, home, folder, snapshot, pipeline, earlier } = prepared;
  const { signal, tokens } = request;
  const { change, notices } = snapshot;
  const all = await readServices(repository.root);
  const services = [{ folder, pipeline }, ...(all.ok ? all.value.filter((other) => other.folder !== folder) : [])];
  const { connectToCi } = await import('../ci/connect');
  const connected = await connectToCi(pipeline, name, { repository, services, tokens, proxy: 'environment' });
  if (!connected.ok) return connected;
  const { descriptor, engine, remote, file } = connected.value;
  if (!(await hasFile(repository, home, change.tree, file)))
    return fail('usage', `the change has no ${file}, which ${engine.label} needs`, {
      hint: `deliver export ${engine.name} writes it${change.dirty ? '' : '. Commit it.'}`,
    });
  const confirmed = await confirmProduction(pipeline, request);
  if (!confirmed.ok) return confirmed;
  const access = await engine.check(signal);
  if (access.state === 'failed') return { ok: false, failure: failureOf(access) };

  const run = new RecordedRun({ home, pipeline, change, earlier, onEvent: request.onEvent });
  const branch = ownBranch(pipeline.service, run.id);
  const push: Push = { repository, home, remote, branch };
  const token = gitTokenFor(connected.value, tokens);
  const before = request.resume === undefined ? undefined : readRun(home.run(request.resume));
  const rerunOf = before?.engine?.name === engine.name && before.engine.place === engine.place ? before : undefined;
  try {
    run.queued({ handedTo: engine.label });
    const started = rerunOf ? await startAgain(rerunOf) : await startNew();
    if (!started.ok)
      return run.finish({ outcome: signal.aborted ? 'cancelled' : 'failed', reason: started.failure.message, failure: started.failure });
    const { id, attempt, url } = started.value;
    const lock = followedLock(home, run.id);
    const place = { name: engine.name, label: engine.label, place: engine.place, id, attempt, url };
    const logsAtEnd = engine.logs === 'live' ? undefined : (true as const);
    const runBranch = rerunOf?.engine?.branch ?? branch;
    run.started({ folder, repository: repository.root, resumes: rerunOf?.id, engine: { ...place, branch: runBranch, logsAtEnd } });
    // Another process can follow the run from here on, and nothing has to be ended on this machine.
    run.detach();
    for (const message of [...notices, ...(await lfsNotices(push, change))]) run.notice(message);
    const state = readRecorded(home.run(run.id));
    if (!state) throw new Error(`the journal of ${run.id} records no run`);
    const followed = new FollowedRun({
      ...{ repository, home, engine, journal: run.journal, state, pipeline, env: request.env, contributed: request.contributed },
      ...{ visibility: alwaysVisible, beside: () => 1, queue: new SerialQueue() },
    });
    await followToEnd(followed, async () => engine.cancel(id, neverAborted), signal);
    if (lock.ok) lock.release();
    const end = readRecorded(home.run(run.id));
    await removeOldBranches(push, branchesOf(home, pipeline.service), token);
    if (end && !isFinished(end.outcome)) return stillRunning(end, connected.value);
    return ok({ run: run.id, outcome: end?.outcome ?? 'interrupted' });
  } finally {
    run.detach();
    run.close();
    engine.close?.();
  }

  async function startAgain({ engine: recorded }: RunState): Promise<Result<Started>> {
    const found = await engine.read(recorded?.id ?? '', neverAborted);
    if (found.state === 'failed') return { ok: false, failure: failureOf(found) };
    const started = await engine.rerun(found.value, neverAborted);
    return started.state === 'ok' ? ok(started.value) : { ok: false, failure: failureOf(started) };
  }

  async function startNew(): Promise<Result<Started>> {
    const pushed = await pushSnapshot(push, change.commit, { quietPush: descriptor.quietPush, token });
    if (!pushed.ok) return pushed;
    if (signal.aborted) {
      await removeBranch(push, token);
      return fail('cancelled', 'cancelled');
    }
    // A cancel does not abort this request: a run that may have begun must be known, so that it can be cancelled.
    const answer = await engine.start({ service: pipeline.service, file, branch, commit: change.commit }, neverAborted);
    if (answer.state === 'ok') return ok(answer.value);
    await removeBranch(push, token);
    return { ok: false, failure: failureOf(answer) };
  }
}

/**
 * Follows the run until it ends. An abort cancels the run on the CI service and waits for its end. A run that could not be
 * cancelled is not reported as ended.
 */
async function followToEnd(followed: FollowedRun, cancel: () => Promise<CiResult<void>>, signal: AbortSignal): Promise<void> {
  const timedOut = new AbortController();
  let isCancelAccepted = false;
  const wait = async (ms: number): Promise<void> => delay(ms, undefined, { signal: timedOut.signal }).catch(() => undefined);
  const requestCancel = async (): Promise<void> => {
    const deadline = Date.now() + cancelTimeoutMs;
    for (;;) {
      const answer = await cancel();
      isCancelAccepted = answer.state === 'ok';
      if (answer.state === 'failed') followed.notice(`the run could not be cancelled: ${answer.message}`);
      if (isCancelAccepted || timedOut.signal.aborted || Date.now() > deadline) break;
      await wait(cancelRetryMs);
    }
    await wait(Math.max(0, deadline - Date.now()));
    timedOut.abort();
  };
  const onAbort = (): void => void requestCancel();
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  let hasEnded = false;
  try {
    hasEnded = await followed.follow(timedOut.signal);
  } finally {
    signal.removeEventListener('abort', onAbort);
    timedOut.abort();
  }
  if (!hasEnded && isCancelAccepted)
    followed.giveUp('cancelled', 'the CI service accepted the cancel request but did not report the end of the run');
}

function stillRunning({ id, engine: at }: RunState, { engine }: OpenedCi): Result<never> {
  return fail('machinery', `${at?.heard?.message ?? `${engine.label} is not available`}. The run is still running on ${engine.label}.`, {
    hint: `deliver follow --run ${id} resumes monitoring the run, with another token`,
  });
}

/** Returns the branches of runs that have ended. The branch of the last failed run stays, so that it can be run again. */
function branchesOf(home: RepositoryHome, service: string): string[] {
  const runs = listRuns(home, { service, limit: 20 }).flatMap((run) => {
    // A runner that was killed before the run started may have pushed already.
    const branch = run.engine?.branch ?? (run.handedTo === undefined ? undefined : ownBranch(service, run.id));
    return branch?.startsWith(ownBranches) ? [{ branch, outcome: run.outcome, hasStarted: run.engine !== undefined }] : [];
  });
  const latest = runs.find(({ hasStarted }) => hasStarted);
  const kept = latest && latest.outcome !== 'passed' ? latest.branch : undefined;
  return runs.flatMap(({ branch, outcome }) => (isFinished(outcome) && branch !== kept ? [branch] : []));
}

async function hasFile(repository: Repository, home: RepositoryHome, tree: string, file: string): Promise<boolean> {
  const call = { folder: repository.root, env: ownObjects(repository, home) };
  return (await gitOrUndefined(['cat-file', '-e', `${tree}:${file}`], call)) !== undefined;
}
