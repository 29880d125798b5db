import { takeSnapshot } from '../../git/snapshot';
import { listTree, type TreeEntry } from '../../git/tree';
import type { Repository } from '../../git/repository';
import type { RepositoryHome } from '../../support/home';
import type { Contributed } from '../../logs/matchers/definition';
import type { Pipeline } from '../../model/pipeline';
import type { Result } from '../../model/result';
import type { Visibility } from '../../process/visibility';
import type { RunEvent } from '../../model/events';
import { Journal } from '../../history/journal';
import { ownIdentity } from '../../process/process-identity';
import { readRecorded } from '../../history/runs';
import { isFinished, type RunState } from '../../model/run-state';
import type { SerialQueue } from '../../support/serial-queue';
import { FollowedRun } from './follow-run';
import { followedLock } from './follow-lock';
import type { CiClient } from '../ci-client';

/** Reads the pipeline that a tree defines for the service in `folder`. Callers hand it in, because the parser is in a higher layer. */
export type ReadPipeline = (
  repository: Repository,
  home: RepositoryHome,
  tree: readonly TreeEntry[],
  folder: string,
) => Promise<Result<Pipeline>>;

export interface FollowAgain {
  readonly repository: Repository;
  readonly home: RepositoryHome;
  readonly engine: CiClient;
  readonly readPipeline: ReadPipeline;
  readonly run: string;
  readonly env: NodeJS.ProcessEnv;
  readonly contributed: Contributed;
  readonly onEvent: (event: RunEvent) => void;
  readonly visibility: Visibility;
  readonly beside: () => number;
  readonly queue: SerialQueue;
}

/**
 * Goes on to tell a run whose journal says that it goes on, where no other process does. Answers whether it was this one's to
 * tell. The journal is read under the lock: what the process before it wrote last counts.
 */
export async function followAgain(given: FollowAgain, signal: AbortSignal): Promise<boolean> {
  const { home, run } = given;
  const before = readRecorded(home.run(run));
  if (!before?.engine || isFinished(before.outcome)) return false;
  const lock = followedLock(home, run);
  if (!lock.ok) return false;
  try {
    const journal = new Journal(home.run(run), run, given.onEvent);
    try {
      journal.append({ type: 'run-followed', runner: ownIdentity() });
      const state = readRecorded(home.run(run));
      if (!state || isFinished(state.outcome)) return false;
      const pipeline = await pipelineOf(given, state);
      await new FollowedRun({ ...given, journal, state, pipeline }).follow(signal);
      return true;
    } finally {
      journal.close();
    }
  } finally {
    lock.release();
  }
}

/** Returns the pipeline of the commit that the run delivers, or undefined if the repository does not have that commit. */
export async function pipelineOf(
  { repository, home, readPipeline }: Pick<FollowAgain, 'repository' | 'home' | 'readPipeline'>,
  { change, folder }: Pick<RunState, 'change' | 'folder'>,
): Promise<Pipeline | undefined> {
  if (change.tree === '') return undefined;
  const tree = await listTree(repository, home, change.tree, folder);
  const read = tree.ok ? await readPipeline(repository, home, tree.value, folder) : tree;
  return read.ok ? read.value : undefined;
}

/** The tree of a commit, where the repository has it. */
export async function treeOf(repository: Repository, home: RepositoryHome, commit: string): Promise<string | undefined> {
  const known = await takeSnapshot(repository, home, { commit });
  return known.ok ? known.value.change.tree : undefined;
}
