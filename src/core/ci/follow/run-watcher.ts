import type { Repository } from '../../git/repository';
import type { RepositoryHome } from '../../support/home';
import type { Tokens } from '../../model/tokens';
import { nothingContributed } from '../../logs/matchers/definition';
import type { Seen } from '../../process/visibility';
import { listRuns, readRun } from '../../history/runs';
import { isFinished, type RunState } from '../../model/run-state';
import type { CiName, CiPipeline } from '../ci-service';
import { readServices } from '../export/export';
import { keepEngineRecord, readEngineRecord, type CiRecord } from '../ci-record';
import { followAgain, inTurn, pipelineOf, treeOf } from './follow-run';
import { pollDelayAfter, waitForNextPoll } from './poll-schedule';
import type { CiClient, CiFailure, CiResult, RemoteDeployment, RemoteRun } from '../ci-client';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { plain } from '../../support/plain-text';
import type { Pipeline } from '../../model/pipeline';
import type { Change, EventBody } from '../../model/events';
import { Journal, journalName } from '../../history/journal';
import { plannedSteps } from '../../model/planned-steps';
import { ownBranches } from '../../git/delivery-branches';

export interface RunWatch {
  readonly repository: Repository;
  readonly home: RepositoryHome;
  readonly tokens: Tokens;
  readonly env: NodeJS.ProcessEnv;
  readonly seen: Seen;
}

/**
 * Watches the CI services of a repository: imports runs that were started elsewhere, follows unfinished runs, and records deployments. Only
 * the leader calls this.
 */
export async function watchRuns(watch: RunWatch, signal: AbortSignal): Promise<void> {
  const { home, repository } = watch;
  const services = await readServices(repository.root);
  if (!services.ok || signal.aborted) return;
  const one = inTurn();
  const watched = services.value.flatMap((service) =>
    enginesOf(service, home).map((name) => new WatchedService(watch, service, name, services.value, one)),
  );
  await Promise.all(watched.map(async (each) => each.run(signal)));
}

/** Returns the CI service that the definition names, and those of unfinished runs. */
function enginesOf({ pipeline }: CiPipeline, home: RepositoryHome): CiName[] {
  const going = listRuns(home, { service: pipeline.service }).filter(({ outcome }) => !isFinished(outcome));
  return [...new Set([...(pipeline.engine ? [pipeline.engine.kind] : []), ...going.flatMap(({ engine }) => engine?.name ?? [])])];
}

/** Watches one service on one CI service. */
class WatchedService {
  /** Keys are local run ids. */
  private readonly followed = new Map<string, Promise<unknown>>();
  private failures = 0;

  constructor(
    private readonly watch: RunWatch,
    private readonly service: CiPipeline,
    private readonly name: CiName,
    private readonly services: readonly CiPipeline[],
    private readonly inTurn: <T>(work: () => Promise<T>) => Promise<T>,
  ) {}

  async run(signal: AbortSignal): Promise<void> {
    const { repository, tokens, seen } = this.watch;
    const { connectToCi } = await import('../connect');
    const opened = await connectToCi(this.service.pipeline, this.name, {
      ...{ repository, services: this.services, tokens },
      proxy: 'environment',
    });
    if (!opened.ok) return; // `deliver check` and a delivery report it
    const { engine } = opened.value;
    while (!signal.aborted) {
      const failure = await this.inTurn(async () => this.look(engine, signal));
      if (signal.aborted) break;
      this.failures = failure ? this.failures + 1 : 0;
      if (!failure) this.follow(engine, signal);
      const pause = pollDelayAfter(
        {
          ...{ state: 'resting', isSeen: seen.isSeen, unchanged: 0, failures: this.failures },
          ...(failure?.retryAt !== undefined && { retryAt: failure.retryAt }),
          allowance: engine.allowance,
          requests: 2,
        },
        Date.now(),
      );
      await waitForNextPoll(pause, seen, signal);
    }
    await Promise.all(this.followed.values());
    engine.close?.();
  }

  /** Imports new runs and records the deployments. */
  private async look(engine: CiClient, signal: AbortSignal): Promise<CiFailure | undefined> {
    const { home, repository } = this.watch;
    const { pipeline, folder } = this.service;
    const there = await engine.list(pipeline.service, signal);
    if (signal.aborted) return undefined;
    if (there.state === 'ok') await importExternalRuns({ repository, home, engine, pipeline, folder }, there.value, signal);
    const deployed: CiResult<readonly RemoteDeployment[]> = there.state === 'ok' ? await engine.deployments(signal) : there;
    if (signal.aborted) return undefined;
    this.keep(engine, deployed);
    if (there.state === 'failed') return there;
    // A missing permission is recorded, and does not slow down polling.
    return deployed.state === 'failed' && deployed.reason !== 'token' ? deployed : undefined;
  }

  private keep({ name, label, place, host }: CiClient, deployed: CiResult<readonly RemoteDeployment[]>): void {
    const { service } = this.service.pipeline;
    const about = { service, name, label, place, host };
    const before = readEngineRecord(this.watch.home, service);
    const isSame = before?.name === name && before.place === place;
    let record: CiRecord = { ...about, deployments: [] };
    if (deployed.state === 'ok') record = { ...about, toldAt: new Date().toISOString(), deployments: deployed.value };
    else {
      const { reason, message, hint, retryAt } = deployed;
      const failure = { reason, message, ...(hint !== undefined && { hint }), ...(retryAt !== undefined && { retryAt }) };
      record = {
        ...about,
        ...(isSame && before.toldAt !== undefined && { toldAt: before.toldAt }),
        failure,
        deployments: isSame ? before.deployments : [],
      };
    }
    keepEngineRecord(this.watch.home, record);
  }

  /** Follows every unfinished run. */
  private follow(engine: CiClient, signal: AbortSignal): void {
    const { repository, home, env, seen } = this.watch;
    const { service } = this.service.pipeline;
    const going = listRuns(home, { service }).filter(
      (run) => run.engine?.name === engine.name && run.engine.place === engine.place && !isFinished(run.outcome),
    );
    for (const { id } of going) {
      if (this.followed.has(id)) continue;
      const following = followAgain(
        {
          ...{ repository, home, engine, run: id, env, seen },
          ...{ contributed: nothingContributed, onEvent: () => {}, beside: () => this.followed.size, inTurn: this.inTurn },
        },
        signal,
      ).finally(() => this.followed.delete(id));
      this.followed.set(id, following);
    }
  }
}

/** Older runs are not imported. */
const oldestMs = 14 * 86_400_000;
/** Runs to import at once, newest first. */
const mostAtOnce = 10;

export interface ExternalRuns {
  readonly repository: Repository;
  readonly home: RepositoryHome;
  readonly engine: CiClient;
  /** The pipeline in the working copy. */
  readonly pipeline: Pipeline;
  /** The service's folder relative to the root. */
  readonly folder: string;
}

/** Creates a journal for each run of the service that has none, as after a push. Two processes that do so at the same time create one. */
export async function importExternalRuns(
  given: ExternalRuns,
  there: readonly RemoteRun[],
  signal: AbortSignal,
  now = Date.now(),
): Promise<void> {
  const { home, engine, pipeline } = given;
  const known = new Set(
    listRuns(home, { service: pipeline.service }).flatMap((run) =>
      run.engine?.name === engine.name ? [keyOf({ id: run.engine.id, attempt: run.engine.attempt })] : [],
    ),
  );
  const unknown = there.filter(
    (run) => !known.has(keyOf(run)) && !isBegunHere(given, run) && now - Date.parse(run.createdAt) < oldestMs && !isSuperfluous(run, there),
  );
  for (const run of unknown.slice(0, mostAtOnce)) {
    const whole = await toldWhole(given.engine, run, signal);
    if (signal.aborted) return;
    await begin(given, whole);
  }
}

/** Reads a run whose list entry lacks the author or the subject, as with some CI services. */
async function toldWhole(engine: CiClient, run: RemoteRun, signal: AbortSignal): Promise<RemoteRun> {
  if (run.by !== undefined && run.subject !== '') return run;
  const read = await engine.read(run.id, signal);
  return read.state === 'ok' ? { ...read.value, attempt: run.attempt, createdAt: run.createdAt } : run;
}

function keyOf({ id, attempt }: Pick<RemoteRun, 'id' | 'attempt'>): string {
  return `${id}/${attempt}`;
}

/**
 * Returns whether a local delivery started the run: its process may be about to record the id. A further attempt may come from elsewhere,
 * unless a local rerun is starting now.
 */
function isBegunHere({ home, pipeline: { service } }: ExternalRuns, { id, attempt, branch }: RemoteRun): boolean {
  const run = /^\d{8}T\d{9}-[0-9a-f]+$/.exec(branch.slice(branch.length - 23))?.[0];
  if (!branch.startsWith(ownBranches) || run === undefined || !fs.existsSync(home.run(run))) return false;
  const local = readRun(home.run(run));
  // The process was killed before it knew the id.
  if (local && !local.engine && isFinished(local.outcome)) return false;
  const begun = local?.engine;
  const isFurther = begun?.id === id && attempt > begun.attempt;
  return !isFurther || listRuns(home, { service }).some((one) => one.handedTo !== undefined && !isFinished(one.outcome));
}

/** Returns whether a later attempt is listed: some CI services only describe the latest one. */
function isSuperfluous(run: RemoteRun, there: readonly RemoteRun[]): boolean {
  return there.some((other) => other.id === run.id && other.attempt > run.attempt);
}

async function begin({ repository, home, engine, pipeline, folder }: ExternalRuns, run: RemoteRun): Promise<void> {
  const { service } = pipeline;
  // A GitLab pipeline is one run for each service of a repository, so the service is part of the id.
  const id = `${stamp(run.createdAt)}-${engine.name}-${service}-${run.id.replace(/[^\w]+/g, '-')}${run.attempt > 1 ? `-${run.attempt}` : ''}`;
  const tree = await treeOf(repository, home, run.commit);
  const change: Change = {
    commit: run.commit,
    tree: tree ?? '',
    subject: plain(run.subject).split('\n')[0]?.slice(0, 200) ?? '',
    dirty: run.branch.startsWith(ownBranches),
    branch: run.branch,
  };
  const own = (await pipelineOf(repository, home, { change, folder })) ?? pipeline;
  const steps = plannedSteps(own, recent(home, service));
  const started: EventBody = {
    type: 'run-started',
    service,
    change,
    steps,
    // No process follows it yet.
    runner: { pid: 0, startedAt: '' },
    folder,
    repository: repository.root,
    since: run.createdAt,
    engine: {
      ...{
        name: engine.name,
        label: engine.label,
        place: engine.place,
        id: run.id,
        attempt: run.attempt,
        url: run.url,
        branch: run.branch,
      },
      by: run.by ?? 'somebody else',
      ...(engine.logs !== 'live' && { logsAtEnd: true as const }),
      ...(!run.isDefaultBranch && { isAside: true as const }),
    },
  };
  const missing: EventBody = {
    type: 'notice',
    message: `${run.commit.slice(0, 8)} is not in this repository: git fetch brings it, and with it the places of what failed`,
  };
  beginOnce(home, id, tree === undefined && run.commit !== '' ? [started, missing] : [started]);
}

/** Creates a journal with all its events at once, unless another process has created it: a follower may read it immediately. */
function beginOnce(home: RepositoryHome, id: string, events: readonly EventBody[]): void {
  fs.mkdirSync(home.run(id), { recursive: true });
  const draft = fs.mkdtempSync(path.join(home.folder, 'begun-'));
  const journal = new Journal(draft, id);
  for (const event of events) journal.append(event);
  journal.close();
  try {
    fs.linkSync(path.join(draft, journalName), path.join(home.run(id), journalName));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    fs.rmSync(draft, { recursive: true, force: true });
  }
}

function recent(home: RepositoryHome, service: string): RunState[] {
  return listRuns(home, { service, limit: 5 });
}

/** Returns a time in the format of run ids, which sort by time. */
function stamp(at: string): string {
  return new Date(at).toISOString().replace(/[-:.Z]/g, '');
}
