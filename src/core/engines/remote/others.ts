import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Repository } from '../../changes/repository';
import type { RepositoryHome } from '../../home';
import { plain } from '../../plain-text';
import type { Pipeline } from '../../pipeline/pipeline';
import type { Change } from '../../run/events';
import { Journal, journalName } from '../../run/journal';
import { plannedSteps } from '../../run/planned';
import { listRuns } from '../../run/runs';
import type { RunState } from '../../run/state';
import { pipelineOf, treeOf } from './follow-again';
import { ownBranches } from '../own-branches';
import type { RemoteEngine, RemoteRun } from './remote-engine';

/** How old a run may be that is told for the first time. */
const oldestMs = 14 * 86_400_000;
/** How many of them at once: those before are history. */
const mostAtOnce = 10;

export interface OthersRuns {
  readonly repository: Repository;
  readonly home: RepositoryHome;
  readonly engine: RemoteEngine;
  /** As the working copy defines it. */
  readonly pipeline: Pipeline;
  /** The service's folder relative to the root. */
  readonly folder: string;
}

/**
 * Begins a journal for each run of the service that no journal tells of yet: those that somebody else started, or a push. Two
 * processes that do so at once make the same. Answers the ids of those that go on, of all.
 */
export async function adoptRuns(given: OthersRuns, there: readonly RemoteRun[], now = Date.now()): Promise<void> {
  const { home, engine, pipeline } = given;
  const known = new Set(
    listRuns(home, { service: pipeline.service }).flatMap((run) =>
      run.engine?.name === engine.name ? [keyOf({ id: run.engine.id, attempt: run.engine.attempt })] : [],
    ),
  );
  const unknown = there.filter(
    (run) => !known.has(keyOf(run)) && !isBegunHere(home, run) && now - Date.parse(run.createdAt) < oldestMs && !isSuperfluous(run, there),
  );
  for (const run of unknown.slice(0, mostAtOnce)) await begin(given, run);
}

function keyOf({ id, attempt }: Pick<RemoteRun, 'id' | 'attempt'>): string {
  return `${id}/${attempt}`;
}

/** Its own process may be about to write which it is. */
function isBegunHere(home: RepositoryHome, { branch }: RemoteRun): boolean {
  const run = /^\d{8}T\d{9}-[0-9a-f]+$/.exec(branch.slice(branch.length - 23))?.[0];
  return branch.startsWith(ownBranches) && run !== undefined && fs.existsSync(home.run(run));
}

/** An earlier attempt of a run is not told any more by engines that tell only the latest. */
function isSuperfluous(run: RemoteRun, there: readonly RemoteRun[]): boolean {
  return there.some((other) => other.id === run.id && other.attempt > run.attempt);
}

async function begin({ repository, home, engine, pipeline, folder }: OthersRuns, run: RemoteRun): Promise<void> {
  const id = `${stamp(run.createdAt)}-${engine.name}-${run.id.replace(/[^\w]+/g, '-')}${run.attempt > 1 ? `-${run.attempt}` : ''}`;
  if (fs.existsSync(path.join(home.run(id), journalName))) return;
  const tree = await treeOf(repository, home, run.commit);
  const change: Change = {
    commit: run.commit,
    tree: tree ?? '',
    subject: plain(run.subject).split('\n')[0]?.slice(0, 200) ?? '',
    dirty: run.branch.startsWith(ownBranches),
    branch: run.branch,
  };
  const own = (await pipelineOf(repository, home, { change, folder })) ?? pipeline;
  const steps = plannedSteps(own, recent(home, pipeline.service));
  const journal = new Journal(home.run(id), id);
  journal.append({
    type: 'run-started',
    service: pipeline.service,
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
  });
  if (tree === undefined && run.commit !== '')
    journal.append({
      type: 'notice',
      message: `${run.commit.slice(0, 8)} is not in this repository: git fetch brings it, and with it the places of what failed`,
    });
  journal.close();
}

function recent(home: RepositoryHome, service: string): RunState[] {
  return listRuns(home, { service, limit: 5 });
}

/** As in the ids of runs, which sort by time. */
function stamp(at: string): string {
  return new Date(at).toISOString().replace(/[-:.Z]/g, '');
}
