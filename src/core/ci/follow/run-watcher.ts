import type { Repository } from '../../git/repository';
import type { RepositoryHome } from '../../support/home';
import type { Tokens } from '../../model/tokens';
import { nothingContributed } from '../../logs/matchers/definition';
import type { Visibility } from '../../process/visibility';
import { listRuns, readRun } from '../../history/runs';
import { isFinished, type RunState } from '../../model/run-state';
import { SerialQueue } from '../../support/serial-queue';
import type { CiName, CiPipeline } from '../ci-service';
import { writeCiRecord, readCiRecord, type CiRecord } from '../ci-record';
import { pipelineOf, resumeFollowing, treeOf, type ReadPipeline } from './follow-run';
import { pollDelayAfter, waitForNextPoll } from './poll-schedule';
import type { CiClient, CiFailure, CiResult, RemoteDeployment, RemoteRun } from '../ci-client';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { plain } from '../../support/terminal-text';
import type { Pipeline } from '../../model/pipeline';
import type { Change, EventBody } from '../../model/events';
import { Journal, journalName } from '../../history/journal';
import { plannedSteps } from '../../model/run-status';
import { branchPrefix } from '../../git/snapshot-branch';

export interface RunWatch {
  readonly repository: Repository;
  readonly home: RepositoryHome;
  readonly tokens: Tokens;
  /** All services of the repository. */
  readonly services: readonly CiPipeline[];
  readonly readPipeline: ReadPipeline;
  readonly env: NodeJS.ProcessEnv;
  readonly visibility: Visibility;
}

/**
 * Watches the CI services of a repository: imports runs that were started elsewhere, follows unfinished runs, and records deployments. Only
 * the leader calls this.
 */
export async function watchRuns(watch: RunWatch, signal: AbortSignal): Promise<void> {
  const { home, services } = watch;
  const queue = new SerialQueue();
  const watched = services.flatMap((service) => ciServicesOf(service, home).map((name) => new WatchedService(watch, service, name, queue)));
  await Promise.all(watched.map(async (service) => service.run(signal)));
}

/** Returns the CI service that the definition names, and those of unfinished runs. */
function ciServicesOf({ pipeline }: CiPipeline, home: RepositoryHome): CiName[] {
  const unfinished = listRuns(home, { service: pipeline.service }).filter(({ outcome }) => !isFinished(outcome));
  return [...new Set([...(pipeline.engine ? [pipeline.engine.kind] : []), ...unfinished.flatMap(({ engine }) => engine?.name ?? [])])];
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
    private readonly queue: SerialQueue,
  ) {}

  async run(signal: AbortSignal): Promise<void> {
    const { repository, services, tokens, visibility } = this.watch;
    const { connectToCi } = await import('../connect');
    const opened = await connectToCi(this.service.pipeline, this.name, {
      ...{ repository, services, tokens },
      proxy: 'environment',
    });
    if (!opened.ok) return; // `deliver check` and a delivery report it
    const { engine: client } = opened.value;
    while (!signal.aborted) {
      const failure = await this.queue.run(async () => this.look(client, signal));
      if (signal.aborted) break;
      this.failures = failure ? this.failures + 1 : 0;
      if (!failure) this.follow(client, signal);
      const pause = pollDelayAfter(
        {
          ...{ state: 'resting', isVisible: visibility.isVisible, unchanged: 0, failures: this.failures },
          retryAt: failure?.retryAt,
          allowance: client.allowance,
          requests: 2,
        },
        Date.now(),
      );
      await waitForNextPoll(pause, visibility, signal);
    }
    await Promise.all(this.followed.values());
    client.close?.();
  }

  /** Imports new runs and records the deployments. */
  private async look(client: CiClient, signal: AbortSignal): Promise<CiFailure | undefined> {
    const { home, repository, readPipeline } = this.watch;
    const { pipeline, folder } = this.service;
    const listed = await client.list(pipeline.service, signal);
    if (signal.aborted) return undefined;
    if (listed.state === 'ok') await importExternalRuns({ repository, home, readPipeline, client, pipeline, folder }, listed.value, signal);
    const deployed: CiResult<readonly RemoteDeployment[]> = listed.state === 'ok' ? await client.deployments(signal) : listed;
    if (signal.aborted) return undefined;
    this.recordDeployments(client, deployed);
    if (listed.state === 'failed') return listed;
    // A missing permission is recorded, and does not slow down polling.
    return deployed.state === 'failed' && deployed.reason !== 'token' ? deployed : undefined;
  }

  private recordDeployments({ name, label, place, host }: CiClient, deployed: CiResult<readonly RemoteDeployment[]>): void {
    const { service } = this.service.pipeline;
    const about = { service, name, label, place, host };
    const before = readCiRecord(this.watch.home, service);
    const isSame = before?.name === name && before.place === place;
    let record: CiRecord = { ...about, deployments: [] };
    if (deployed.state === 'ok') record = { ...about, toldAt: new Date().toISOString(), deployments: deployed.value };
    else {
      const { reason, message, hint, retryAt } = deployed;
      const failure = { reason, message, hint, retryAt };
      record = {
        ...about,
        toldAt: isSame ? before.toldAt : undefined,
        failure,
        deployments: isSame ? before.deployments : [],
      };
    }
    writeCiRecord(this.watch.home, record);
  }

  /** Follows every unfinished run. */
  private follow(client: CiClient, signal: AbortSignal): void {
    const { repository, home, readPipeline, env, visibility } = this.watch;
    const { service } = this.service.pipeline;
    const unfinished = listRuns(home, { service }).filter(
      (run) => run.engine?.name === client.name && run.engine.place === client.place && !isFinished(run.outcome),
    );
    for (const { id } of unfinished) {
      if (this.followed.has(id)) continue;
      const following = resumeFollowing(
        {
          ...{ repository, home, readPipeline, client, run: id, env, visibility },
          ...{ contributed: nothingContributed, onEvent: () => {}, concurrentRuns: () => this.followed.size, queue: this.queue },
        },
        signal,
      ).finally(() => this.followed.delete(id));
      this.followed.set(id, following);
    }
  }
}

/** Older runs are not imported. */
const maxAgeMs = 14 * 86_400_000;
/** Runs to import at once, newest first. */
const maxImports = 10;

export interface ExternalRuns {
  readonly repository: Repository;
  readonly home: RepositoryHome;
  readonly client: CiClient;
  readonly readPipeline: ReadPipeline;
  /** The pipeline in the working copy. */
  readonly pipeline: Pipeline;
  /** The service's folder relative to the root. */
  readonly folder: string;
}

/** Creates a journal for each run of the service that has none, as after a push. Two processes that do so at the same time create one. */
export async function importExternalRuns(
  source: ExternalRuns,
  listed: readonly RemoteRun[],
  signal: AbortSignal,
  now = Date.now(),
): Promise<void> {
  const { home, client, pipeline } = source;
  const known = new Set(
    listRuns(home, { service: pipeline.service }).flatMap((run) =>
      run.engine?.name === client.name ? [keyOf({ id: run.engine.id, attempt: run.engine.attempt })] : [],
    ),
  );
  const unknown = listed.filter(
    (run) =>
      !known.has(keyOf(run)) && !isLocalRun(source, run) && now - Date.parse(run.createdAt) < maxAgeMs && !hasLaterAttempt(run, listed),
  );
  for (const run of unknown.slice(0, maxImports)) {
    const complete = await withMissingFields(source.client, run, signal);
    if (signal.aborted) return;
    await createJournal(source, complete);
  }
}

/** Reads a run whose list entry lacks the author or the subject, as with some CI services. */
async function withMissingFields(client: CiClient, run: RemoteRun, signal: AbortSignal): Promise<RemoteRun> {
  if (run.by !== undefined && run.subject !== '') return run;
  const read = await client.read(run.id, signal);
  return read.state === 'ok' ? { ...read.value, attempt: run.attempt, createdAt: run.createdAt } : run;
}

function keyOf({ id, attempt }: Pick<RemoteRun, 'id' | 'attempt'>): string {
  return `${id}/${attempt}`;
}

/**
 * Returns whether a local delivery started the run: its process may be about to record the id. A further attempt may come from elsewhere,
 * unless a local rerun is starting now.
 */
function isLocalRun({ home, pipeline: { service } }: ExternalRuns, { id, attempt, branch }: RemoteRun): boolean {
  const run = /^\d{8}T\d{9}-[0-9a-f]+$/.exec(branch.slice(branch.length - 23))?.[0];
  if (!branch.startsWith(branchPrefix) || run === undefined || !fs.existsSync(home.run(run))) return false;
  const local = readRun(home.run(run));
  // The process was killed before it knew the id.
  if (local && !local.engine && isFinished(local.outcome)) return false;
  const recorded = local?.engine;
  const isFurther = recorded?.id === id && attempt > recorded.attempt;
  return !isFurther || listRuns(home, { service }).some((run) => run.handedTo !== undefined && !isFinished(run.outcome));
}

/** Returns whether a later attempt is listed: some CI services only describe the latest one. */
function hasLaterAttempt(run: RemoteRun, listed: readonly RemoteRun[]): boolean {
  return listed.some((other) => other.id === run.id && other.attempt > run.attempt);
}

async function createJournal(source: ExternalRuns, run: RemoteRun): Promise<void> {
  const { repository, home, client, pipeline, folder } = source;
  const { service } = pipeline;
  // A GitLab pipeline is one run for each service of a repository, so the service is part of the id.
  const id = `${stamp(run.createdAt)}-${client.name}-${service}-${run.id.replace(/[^\w]+/g, '-')}${run.attempt > 1 ? `-${run.attempt}` : ''}`;
  const tree = await treeOf(repository, home, run.commit);
  const change: Change = {
    commit: run.commit,
    tree: tree ?? '',
    subject: plain(run.subject).split('\n')[0]?.slice(0, 200) ?? '',
    dirty: run.branch.startsWith(branchPrefix),
    branch: run.branch,
  };
  const definition = (await pipelineOf(source, { change, folder })) ?? pipeline;
  const steps = plannedSteps(definition, recent(home, service));
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
        name: client.name,
        label: client.label,
        place: client.place,
        id: run.id,
        attempt: run.attempt,
        url: run.url,
        branch: run.branch,
      },
      by: run.by ?? 'someone else',
      logsAtEnd: client.logs === 'live' ? undefined : true,
      isAside: run.isDefaultBranch ? undefined : true,
    },
  };
  const missing: EventBody = {
    type: 'notice',
    message: `commit ${run.commit.slice(0, 7)} is not in this repository: run git fetch, so that failures can be located`,
  };
  createJournalOnce(home, id, tree === undefined && run.commit !== '' ? [started, missing] : [started]);
}

/** Creates a journal with all its events at once, unless another process has created it: a follower may read it immediately. */
function createJournalOnce(home: RepositoryHome, id: string, events: readonly EventBody[]): void {
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
