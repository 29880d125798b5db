import { setTimeout as delay } from 'node:timers/promises';
import { openRepository } from '../../changes/repository';
import { takeSnapshot } from '../../changes/snapshot';
import { listTree, type TreeEntry } from '../../changes/tree';
import type { DeliveryEnd, DeliveryRequest } from '../../deliver';
import { fail, ok, type Failure, type Result } from '../../failure';
import { homeFolder, RepositoryHome } from '../../home';
import { locateService } from '../../pipeline/locate';
import type { Outcome } from '../../run/events';
import { Journal } from '../../run/journal';
import { readPipeline } from '../../run/plan';
import { plannedSteps } from '../../run/planned';
import { ownIdentity } from '../../run/process-identity';
import { markActive, recover } from '../../run/recovery';
import { listRuns, newRunId, readRecorded, readRun } from '../../run/runs';
import { isFinished, type RunState } from '../../run/state';
import type { EngineName } from '../engine';
import { ownBranches } from '../own-branches';
import { readServices } from '../export';
import { FollowedRun, inTurn } from './follow-run';
import { followedLock } from './followed-lock';
import { failureOf } from './failure-of';
import { gitTokenFor } from './git-token';
import type { OpenedEngine } from './open-engine';
import { lfsNotices, pushSnapshot, removeBranch, removeOldBranches, type Push } from './own-ref';
import type { Started, Told } from './remote-engine';

export interface DeliveryThere extends Omit<DeliveryRequest, 'width' | 'program' | 'engine'> {
  /** Another engine than the pipeline names. */
  readonly engine?: EngineName;
}

/** How long a run that is to be cancelled may take to end. */
const cancelMs = 60_000;

/** Delivers one change on a CI service from top to bottom. Fails, with nothing recorded, where it could not begin. */
export async function deliverThere(request: DeliveryThere): Promise<Result<DeliveryEnd>> {
  const { signal, tokens } = request;
  const opened = await openRepository(request.from);
  if (!opened.ok) return opened;
  const repository = opened.value;
  const home = new RepositoryHome(homeFolder(request.env), repository.commonGitFolder);
  await recover(home);
  const place = await locateService(repository.root, request.from, request.service);
  if (!place.ok) return place;
  const { folder } = place.value;
  const snapshot = await takeSnapshot(repository, home, request.commit === undefined ? {} : { commit: request.commit });
  if (!snapshot.ok) return snapshot;
  const { change, notices } = snapshot.value;
  const tree = await listTree(repository, home, change.tree);
  if (!tree.ok) return tree;
  const read = await readPipeline(repository, home, below(tree.value, folder), folder);
  if (!read.ok) return read;
  const pipeline = read.value;
  const others = await readServices(repository.root);
  const services = [{ folder, pipeline }, ...(others.ok ? others.value.filter((one) => one.folder !== folder) : [])];
  const { openRemoteEngine } = await import('./open-engine');
  const there = await openRemoteEngine(pipeline, request.engine, { repository, services, tokens, proxy: 'environment' });
  if (!there.ok) return there;
  const { engine, remote, file } = there.value;
  if (!tree.value.some((entry) => entry.path === file))
    return fail('usage', `the change holds no ${file}, which ${engine.label} would run`, {
      hint: `deliver export ${engine.name} writes it${change.dirty ? '' : '; commit it'}`,
    });
  const customers = pipeline.steps.find(({ deploy }) => deploy !== undefined && deploy === pipeline.release)?.deploy;
  if (customers !== undefined && !(await request.isMeant(customers)))
    return fail('usage', `nothing was delivered: a step of the pipeline deploys to ${customers}, where customers are`, {
      hint: '--yes says that it is meant',
    });
  const allowed = await engine.check(signal);
  if (allowed.state === 'failed') return { ok: false, failure: failureOf(allowed) };

  const run = newRunId();
  const runner = ownIdentity();
  const branch = `${ownBranches}${pipeline.service}-${run}`;
  const push: Push = { repository, home, remote, branch };
  const token = gitTokenFor(there.value, tokens);
  const journal = new Journal(home.run(run), run, request.onEvent);
  const inactive = markActive(home, run);
  const steps = plannedSteps(pipeline, listRuns(home, { service: pipeline.service, limit: 5 }));
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
    const started = isAgain ? await again(there.value, before, signal) : await anew();
    if (!started.ok) return finish(signal.aborted ? 'cancelled' : 'failed', started.failure);
    const { id, attempt, url } = started.value;
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
    for (const message of [...notices, ...(await lfsNotices(push, change))]) journal.append({ type: 'notice', message });
    const state = readRecorded(home.run(run));
    if (!state) throw new Error(`the journal of ${run} tells no run`);
    const followed = new FollowedRun({
      ...{ repository, home, engine, journal, state, pipeline, env: request.env, contributed: request.contributed },
      ...{ isSeen: () => true, beside: () => 1, inTurn: inTurn() },
    });
    await cancelled(followed, async () => engine.cancel(id, new AbortController().signal), signal);
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
    const pushed = await pushSnapshot(push, change.commit, { isQuiet: engine.name === 'gitlab', token });
    if (!pushed.ok) return pushed;
    const answer = await engine.start({ service: pipeline.service, file, branch, commit: change.commit }, signal);
    if (answer.state === 'told') return ok(answer.value);
    await removeBranch(push, token);
    return { ok: false, failure: failureOf(answer) };
  }
}

/** Follows until the end. A signal cancels the run there, and its end is waited for. */
async function cancelled(followed: FollowedRun, cancel: () => Promise<Told<void>>, signal: AbortSignal): Promise<void> {
  const givenUp = new AbortController();
  const asks = async (): Promise<void> => {
    const told = await cancel();
    if (told.state === 'failed') followed.notice(`the run could not be cancelled: ${told.message}`);
    await delay(cancelMs, undefined, { signal: givenUp.signal }).catch(() => undefined);
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
  if (!isOver && signal.aborted) followed.giveUp('cancelled', 'the run was told to end, and has not said that it did');
}

/** It goes on there, and cannot be followed from here now. */
function left({ id, engine: at }: RunState, { engine }: OpenedEngine): Result<never> {
  return fail('machinery', `${at?.heard?.message ?? `${engine.label} cannot be asked`}; the run goes on there`, {
    hint: `deliver follow --run ${id} goes on to follow it, with another token`,
  });
}

/** Of what failed last the branch stays: it may be run again from there. */
function branchesOf(home: RepositoryHome, service: string): string[] {
  const runs = listRuns(home, { service, limit: 20 }).filter(({ engine }) => engine?.branch.startsWith(ownBranches));
  const [latest] = runs;
  const kept = latest && latest.outcome !== 'passed' ? latest.engine?.branch : undefined;
  return runs.flatMap((run) => (isFinished(run.outcome) && run.engine && run.engine.branch !== kept ? [run.engine.branch] : []));
}

async function again({ engine }: OpenedEngine, { engine: before }: RunState, signal: AbortSignal): Promise<Result<Started>> {
  const run = await engine.read(before?.id ?? '', signal);
  if (run.state === 'failed') return { ok: false, failure: failureOf(run) };
  const started = await engine.rerun(run.value, signal);
  return started.state === 'told' ? ok(started.value) : { ok: false, failure: failureOf(started) };
}

function isSame({ engine: before }: RunState, { engine }: OpenedEngine): boolean {
  return before?.name === engine.name && before.place === engine.place;
}

function below(tree: readonly TreeEntry[], folder: string): TreeEntry[] {
  if (folder === '') return [...tree];
  return tree.filter(({ path }) => path.startsWith(`${folder}/`)).map((entry) => ({ ...entry, path: entry.path.slice(folder.length + 1) }));
}
