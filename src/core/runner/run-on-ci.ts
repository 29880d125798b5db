import { setTimeout as delay } from 'node:timers/promises';
import { execGit } from '../git/git';
import type { Repository } from '../git/repository';
import type { Snapshot } from '../git/snapshot';
import { ownObjects } from '../git/object-store';
import type { DeliveryEnd, DeliveryRequest } from './delivery';
import { fail, ok, valueOf, type Failure, type Result } from '../model/result';
import type { RepositoryHome } from '../support/home';
import type { Pipeline } from '../model/pipeline';
import { alwaysSeen } from '../process/visibility';
import type { Outcome } from '../model/events';
import { Journal } from '../history/journal';
import { confirmProduction } from './confirm';
import { plannedSteps } from '../model/planned-steps';
import { ownIdentity } from '../process/process-identity';
import { markActive } from './recovery';
import { listRuns, newRunId, readRecorded, readRun } from '../history/runs';
import { isFinished, type RunState } from '../model/run-state';
import type { CiName } from '../ci/ci-service';
import { ownBranch, ownBranches } from '../git/delivery-branches';
import { readServices } from '../ci/export/export';
import { FollowedRun, inTurn } from '../ci/follow/follow-run';
import { followedLock } from '../ci/follow/follow-lock';
import { failureOf } from '../ci/failure-of';
import { gitTokenFor } from '../ci/git-token';
import type { OpenedCi } from '../ci/connect';
import { lfsNotices, pushSnapshot, removeBranch, removeOldBranches, type Push } from '../git/snapshot-branch';
import type { Started, Told } from '../ci/remote-engine';

/** What must not be left half done is not broken off. */
const never = new AbortController().signal;

/** What is delivered, as it was found before anything is begun. */
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

/** How long a run that is to be cancelled may take to end, and how often that is asked for until it is heard. */
const cancelMs = 60_000;
const cancelAgainMs = 3000;

/** Delivers one change on a CI service from top to bottom. Fails, with nothing recorded, where it could not begin. */
export async function runOnCi(
  { repository, home, folder, snapshot, pipeline, earlier }: PreparedDelivery,
  name: CiName,
  request: Pick<DeliveryRequest, 'tokens' | 'env' | 'contributed' | 'resume' | 'signal' | 'confirmProduction' | 'onEvent'>,
): Promise<Result<DeliveryEnd>> {
  const { signal, tokens } = request;
  const { change, notices } = snapshot;
  const others = await readServices(repository.root);
  const services = [{ folder, pipeline }, ...(others.ok ? others.value.filter((one) => one.folder !== folder) : [])];
  const { connectToCi } = await import('../ci/connect');
  const there = await connectToCi(pipeline, name, { repository, services, tokens, proxy: 'environment' });
  if (!there.ok) return there;
  const { engine, remote, file } = there.value;
  if (!(await hasFile(repository, home, change.tree, file)))
    return fail('usage', `the change holds no ${file}, which ${engine.label} would run`, {
      hint: `deliver export ${engine.name} writes it${change.dirty ? '' : '; commit it'}`,
    });
  const meant = await confirmProduction(pipeline, request);
  if (!meant.ok) return meant;
  const allowed = await engine.check(signal);
  if (allowed.state === 'failed') return { ok: false, failure: failureOf(allowed) };

  const run = newRunId();
  const runner = ownIdentity();
  const branch = ownBranch(pipeline.service, run);
  const push: Push = { repository, home, remote, branch };
  const token = gitTokenFor(there.value, tokens);
  const journal = new Journal(home.run(run), run, request.onEvent);
  const inactive = markActive(home, run);
  const steps = plannedSteps(pipeline, earlier);
  const begin = { service: pipeline.service, change, steps, runner };
  const finish = (outcome: Outcome, failure?: Failure): Result<DeliveryEnd> => {
    journal.append({ type: 'run-finished', outcome, ...(failure && { reason: failure.message }) });
    inactive();
    return failure && outcome !== 'cancelled' ? { ok: false, failure } : ok({ run, outcome });
  };

  try {
    journal.append({ type: 'run-queued', ...begin, handedTo: engine.label });
    const before = request.resume === undefined ? undefined : readRun(home.run(request.resume));
    const isAgain = before !== undefined && isSame(before, there.value);
    const started = isAgain ? await again(there.value, before, await fileIn(repository, home, before.change.tree, file)) : await anew();
    if (!started.ok) return finish(signal.aborted ? 'cancelled' : 'failed', started.failure);
    const { id, attempt, url, notice } = started.value;
    const lock = followedLock(home, run);
    journal.append({
      type: 'run-started',
      ...begin,
      folder,
      repository: repository.root,
      ...(isAgain && { resumes: before.id }),
      engine: {
        ...{ name: engine.name, label: engine.label, place: engine.place, id, attempt },
        branch: isAgain ? (before?.engine?.branch ?? branch) : branch,
        ...(url !== undefined && { url }),
        ...(engine.logs !== 'live' && { logsAtEnd: true as const }),
      },
    });
    // From here on it goes on by itself: another process can follow it, and nothing has to be ended here.
    inactive();
    for (const message of [...notices, ...(notice === undefined ? [] : [notice]), ...(await lfsNotices(push, change))])
      journal.append({ type: 'notice', message });
    const state = readRecorded(home.run(run));
    if (!state) throw new Error(`the journal of ${run} tells no run`);
    const followed = new FollowedRun({
      ...{ repository, home, engine, journal, state, pipeline, env: request.env, contributed: request.contributed },
      ...{ seen: alwaysSeen, beside: () => 1, inTurn: inTurn() },
    });
    await followToEnd(followed, async () => engine.cancel(id, never), signal);
    if (lock.ok) lock.release();
    const end = readRecorded(home.run(run));
    await removeOldBranches(push, branchesOf(home, pipeline.service), token);
    if (end && !isFinished(end.outcome)) return left(end, there.value);
    return ok({ run, outcome: end?.outcome ?? 'interrupted' });
  } finally {
    inactive();
    journal.close();
  }

  async function anew(): Promise<Result<Started>> {
    const pushed = await pushSnapshot(push, change.commit, { isQuiet: engine.name === 'gitlab', token, signal });
    if (!pushed.ok && !signal.aborted) return pushed;
    if (signal.aborted) {
      await removeBranch(push, token);
      return fail('cancelled', 'cancelled');
    }
    // Asked for to the end, also when it is to be cancelled meanwhile: what may have begun must be known, to be ended.
    const answer = await engine.start({ service: pipeline.service, file, branch, commit: change.commit }, never);
    if (answer.state === 'told') return ok(answer.value);
    await removeBranch(push, token);
    return { ok: false, failure: failureOf(answer) };
  }
}

/** Follows until the end. A signal cancels the run there, and its end is waited for. What could not be cancelled goes on, and is not said to have ended. */
async function followToEnd(followed: FollowedRun, cancel: () => Promise<Told<void>>, signal: AbortSignal): Promise<void> {
  const givenUp = new AbortController();
  let isHeard = false;
  const asks = async (): Promise<void> => {
    const deadline = Date.now() + cancelMs;
    for (;;) {
      const told = await cancel();
      isHeard = told.state === 'told';
      if (told.state === 'failed') followed.notice(`the run could not be cancelled: ${told.message}`);
      if (isHeard || givenUp.signal.aborted || Date.now() > deadline) break;
      await delay(cancelAgainMs, undefined, { signal: givenUp.signal }).catch(() => undefined);
    }
    await delay(Math.max(0, deadline - Date.now()), undefined, { signal: givenUp.signal }).catch(() => undefined);
    givenUp.abort();
  };
  const onAbort = (): void => void asks();
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  let isOver = false;
  try {
    isOver = await followed.follow(givenUp.signal);
  } finally {
    signal.removeEventListener('abort', onAbort);
    givenUp.abort();
  }
  if (!isOver && isHeard) followed.giveUp('cancelled', 'the run was told to end, and has not said that it did');
}

/** It goes on there, and cannot be followed from here now. */
function left({ id, engine: at }: RunState, { engine }: OpenedCi): Result<never> {
  return fail('machinery', `${at?.heard?.message ?? `${engine.label} cannot be asked`}; the run goes on there`, {
    hint: `deliver follow --run ${id} goes on to follow it, with another token`,
  });
}

/** Of what failed last the branch stays: it may be run again from there. */
function branchesOf(home: RepositoryHome, service: string): string[] {
  const runs = listRuns(home, { service, limit: 20 }).flatMap((run) => {
    // One that was killed before it knew its run may have pushed.
    const branch = run.engine?.branch ?? (run.handedTo === undefined ? undefined : ownBranch(service, run.id));
    return branch?.startsWith(ownBranches) ? [{ branch, outcome: run.outcome, isThere: run.engine !== undefined }] : [];
  });
  const latest = runs.find(({ isThere }) => isThere);
  const kept = latest && latest.outcome !== 'passed' ? latest.branch : undefined;
  return runs.flatMap(({ branch, outcome }) => (isFinished(outcome) && branch !== kept ? [branch] : []));
}

async function again({ engine }: OpenedCi, { engine: before }: RunState, pipeline: string | undefined): Promise<Result<Started>> {
  const run = await engine.read(before?.id ?? '', never);
  if (run.state === 'failed') return { ok: false, failure: failureOf(run) };
  const started = await engine.rerun(run.value, never, pipeline);
  return started.state === 'told' ? ok(started.value) : { ok: false, failure: failureOf(started) };
}

function isSame({ engine: before }: RunState, { engine }: OpenedCi): boolean {
  return before?.name === engine.name && before.place === engine.place;
}

async function hasFile(repository: Repository, home: RepositoryHome, tree: string, file: string): Promise<boolean> {
  const call = { folder: repository.root, env: ownObjects(repository, home) };
  return (await execGit(['cat-file', '-e', `${tree}:${file}`], call)).ok;
}

async function fileIn(repository: Repository, home: RepositoryHome, tree: string, file: string): Promise<string | undefined> {
  if (tree === '') return undefined;
  return valueOf(await execGit(['cat-file', 'blob', `${tree}:${file}`], { folder: repository.root, env: ownObjects(repository, home) }));
}
