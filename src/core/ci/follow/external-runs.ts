import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Repository } from '../../git/repository';
import type { RepositoryHome } from '../../support/home';
import { plain } from '../../support/plain-text';
import type { Pipeline } from '../../model/pipeline';
import type { Change, EventBody } from '../../model/events';
import { Journal, journalName } from '../../history/journal';
import { plannedSteps } from '../../model/planned-steps';
import { listRuns, readRun } from '../../history/runs';
import { isFinished, type RunState } from '../../model/run-state';
import { pipelineOf, treeOf, type ReadPipeline } from './resume-following';
import { ownBranches } from '../../git/delivery-branches';
import type { CiClient, RemoteRun } from '../ci-client';

/** How old a run may be that is told for the first time. */
const oldestMs = 14 * 86_400_000;
/** How many of them at once: those before are history. */
const mostAtOnce = 10;

export interface ExternalRuns {
  readonly repository: Repository;
  readonly home: RepositoryHome;
  readonly engine: CiClient;
  readonly readPipeline: ReadPipeline;
  /** As the working copy defines it. */
  readonly pipeline: Pipeline;
  /** The service's folder relative to the root. */
  readonly folder: string;
}

/**
 * Begins a journal for each run of the service that no journal tells of yet: those that somebody else started, or a push. Two
 * processes that do so at once make one.
 */
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

/** Some engines say in a list neither who began a run nor with what. */
async function toldWhole(engine: CiClient, run: RemoteRun, signal: AbortSignal): Promise<RemoteRun> {
  if (run.by !== undefined && run.subject !== '') return run;
  const read = await engine.read(run.id, signal);
  return read.state === 'ok' ? { ...read.value, attempt: run.attempt, createdAt: run.createdAt } : run;
}

function keyOf({ id, attempt }: Pick<RemoteRun, 'id' | 'attempt'>): string {
  return `${id}/${attempt}`;
}

/** Its own process may be about to write which it is. A further attempt of it may be somebody else's, unless one is begun here now. */
function isBegunHere({ home, pipeline: { service } }: ExternalRuns, { id, attempt, branch }: RemoteRun): boolean {
  const run = /^\d{8}T\d{9}-[0-9a-f]+$/.exec(branch.slice(branch.length - 23))?.[0];
  if (!branch.startsWith(ownBranches) || run === undefined || !fs.existsSync(home.run(run))) return false;
  const local = readRun(home.run(run));
  // Its process was killed before it knew which it is.
  if (local && !local.engine && isFinished(local.outcome)) return false;
  const begun = local?.engine;
  const isFurther = begun?.id === id && attempt > begun.attempt;
  return !isFurther || listRuns(home, { service }).some((one) => one.handedTo !== undefined && !isFinished(one.outcome));
}

/** An earlier attempt of a run is not told any more by engines that tell only the latest. */
function isSuperfluous(run: RemoteRun, there: readonly RemoteRun[]): boolean {
  return there.some((other) => other.id === run.id && other.attempt > run.attempt);
}

async function begin(given: ExternalRuns, run: RemoteRun): Promise<void> {
  const { repository, home, engine, pipeline, folder } = given;
  const { service } = pipeline;
  // With the service: a pipeline of GitLab is one run for each service of a repository.
  const id = `${stamp(run.createdAt)}-${engine.name}-${service}-${run.id.replace(/[^\w]+/g, '-')}${run.attempt > 1 ? `-${run.attempt}` : ''}`;
  const tree = await treeOf(repository, home, run.commit);
  const change: Change = {
    commit: run.commit,
    tree: tree ?? '',
    subject: plain(run.subject).split('\n')[0]?.slice(0, 200) ?? '',
    dirty: run.branch.startsWith(ownBranches),
    branch: run.branch,
  };
  const own = (await pipelineOf(given, { change, folder })) ?? pipeline;
  const steps = plannedSteps(own, recent(home, service));
  const started: EventBody = {
    type: 'run-started',
    service,
    change,
    steps,
    // Nobody follows it yet.
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

/** Of two that begin the same journal one does, and it comes into being whole: somebody may follow it at once. */
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

/** As in the ids of runs, which sort by time. */
function stamp(at: string): string {
  return new Date(at).toISOString().replace(/[-:.Z]/g, '');
}
