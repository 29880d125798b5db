import type { Repository } from '../../git/repository';
import type { RepositoryHome } from '../../support/home';
import { Mask } from '../../support/masking';
import type { Contributed } from '../../logs/matchers/definition';
import { ProblemSearch } from '../../logs/problem-search';
import type { Pipeline } from '../../model/pipeline';
import type { Result } from '../../model/result';
import type { Visibility } from '../../process/visibility';
import { Journal } from '../../history/journal';
import { PathResolver } from '../../location/path-resolver';
import { treePaths } from '../../location/tree-paths';
import { ProblemReporter } from '../../logs/problem-reporter';
import { isFinished, type RunState } from '../../model/run-state';
import { declaredSecrets } from '../../process/step-environment';
import { pollDelayAfter, waitForNextPoll, type PollDelay } from './poll-schedule';
import type { CiClient, CiFailure, RemoteJob, RemoteRun } from '../ci-client';
import type { SerialQueue } from '../../support/serial-queue';
import { RunFollower, type Look } from './run-follower';
import { takeSnapshot } from '../../git/snapshot';
import { listTree, type TreeEntry } from '../../git/tree';
import type { RunEvent } from '../../model/events';
import { currentIdentity } from '../../process/process-identity';
import { readRecorded } from '../../history/runs';
import * as path from 'node:path';
import { tryLock, type LockAttempt } from '../../process/lock';

export interface RunToFollow {
  readonly repository: Repository;
  readonly home: RepositoryHome;
  readonly client: CiClient;
  readonly journal: Journal;
  /** The state that the journal describes so far. It names a run of the CI service. */
  readonly state: RunState;
  /** The pipeline of the run's own commit, if it is known. */
  readonly pipeline: Pick<Pipeline, 'steps'> | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly contributed: Contributed;
  readonly visibility: Visibility;
  /** Returns how many runs are followed at the same time. */
  readonly concurrentRuns: () => number;
  /** Runs requests one after another. */
  readonly queue: SerialQueue;
}

/** Approximate number of requests in one look: the run, its jobs, a log. */
const requestsPerLook = 3;
/** A single failure is not reported: the client has retried already. */
const quietFailures = 1;
const maxRefusals = 3;

/** Records a run of a CI service in its journal until it ends. */
export class FollowedRun {
  private readonly follower: RunFollower;
  private readonly search = new ProblemSearch();
  private failures = 0;
  private unchanged = 0;
  /** How many times in a row the token was refused. */
  private refused = 0;
  private problemSource: { readonly run: RemoteRun; readonly job: RemoteJob } | undefined;

  constructor(private readonly options: RunToFollow) {
    const { repository, home, state, journal, client, env, pipeline, contributed } = options;
    const { change, folder } = state;
    const secrets = pipeline ? Object.values(declaredSecrets(env, { steps: pipeline.steps })) : [];
    this.follower = new RunFollower({
      client,
      journal,
      state,
      steps: pipeline?.steps ?? [],
      mask: () => new Mask(secrets),
      setProblemSource: (run, job) => (this.problemSource = { run, job }),
      now: Date.now,
      problems: new ProblemReporter({
        search: this.search,
        placer: new PathResolver({ folder, repository: repository.root, isElsewhere: true }, async () =>
          treePaths(repository, home, change.tree),
        ),
        journal,
        mask: new Mask(secrets),
        contributed,
        reports: async () => this.reported(),
      }),
    });
  }

  /**
   * Follows the run until it ends or the signal aborts. Returns whether it ended. After repeated refusals of the token, another process may
   * continue.
   */
  async follow(signal: AbortSignal): Promise<boolean> {
    try {
      while (!signal.aborted) {
        const look = await this.options.queue.run(async () => this.follower.look(signal));
        if (look.isOver) return true;
        if (signal.aborted) break;
        const pause = this.pollDelayAfter(look);
        this.refused = look.failure?.reason === 'token' ? this.refused + 1 : 0;
        if (this.refused === maxRefusals) break;
        await waitForNextPoll(pause, this.options.visibility, signal);
      }
      this.follower.leave();
      return false;
    } finally {
      this.search.dispose();
    }
  }

  notice(message: string): void {
    this.follower.notice(message);
  }

  /** Ends the journal, whatever happens to the run. */
  giveUp(outcome: 'cancelled' | 'interrupted', reason: string): void {
    this.follower.finish(outcome, reason);
  }

  private pollDelayAfter({ failure, hasChanged, isWaiting }: Look): PollDelay {
    const { client, visibility, concurrentRuns } = this.options;
    this.failures = failure ? this.failures + 1 : 0;
    this.unchanged = hasChanged ? 0 : this.unchanged + 1;
    const now = Date.now();
    const { allowance } = client;
    const pause = pollDelayAfter(
      {
        state: isWaiting ? 'waiting' : 'going on',
        isVisible: visibility.isVisible,
        unchanged: this.unchanged,
        failures: this.failures,
        retryAt: failure?.retryAt,
        allowance,
        requests: requestsPerLook * concurrentRuns(),
      },
      now,
    );
    const next = new Date(now + pause.ms).toISOString();
    if (failure) this.recordFailure(failure, next);
    else if (pause.isSlowed && allowance)
      this.follower.recordConnection({
        state: 'slow',
        message: `${client.label} allows ${allowance.remaining} more requests until ${allowance.resetAt.slice(11, 16)} UTC. Polling every ${Math.ceil(pause.ms / 1000)} s.`,
      });
    else this.follower.recordConnection({ state: 'answers' });
    return pause;
  }

  private recordFailure({ reason, message, hint }: CiFailure, retryAt: string): void {
    if (this.failures <= quietFailures && reason !== 'token' && reason !== 'limit') return;
    const { host } = this.options.client;
    this.follower.recordConnection({ state: 'away', reason, message, host, hint, retryAt: reason === 'limit' ? retryAt : undefined });
  }

  /** Returns the failing tests that the CI service reports. */
  private async reported() {
    const none = { problems: [], more: 0, failures: [] };
    if (!this.problemSource) return none;
    const { run, job } = this.problemSource;
    const answer = await this.options.client.problems(run, job, new AbortController().signal);
    if (answer.state === 'ok') return { ...none, problems: answer.value };
    return { ...none, failures: [{ file: `of ${job.name}`, message: answer.message }] };
  }
}

/** Reads the pipeline that a tree defines for the service in `folder`. A parameter, because the parser is in a higher layer. */
export type ReadPipeline = (
  repository: Repository,
  home: RepositoryHome,
  tree: readonly TreeEntry[],
  folder: string,
) => Promise<Result<Pipeline>>;

export interface RunToResume {
  readonly readPipeline: ReadPipeline;
  readonly repository: Repository;
  readonly home: RepositoryHome;
  readonly client: CiClient;
  readonly run: string;
  readonly env: NodeJS.ProcessEnv;
  readonly contributed: Contributed;
  readonly onEvent: (event: RunEvent) => void;
  readonly visibility: Visibility;
  readonly concurrentRuns: () => number;
  readonly queue: SerialQueue;
}

/**
 * Resumes following an unfinished run. Returns whether this process followed it: another one may hold the lock. The journal is read under
 * the lock, so that the last events of an earlier process count.
 */
export async function resumeFollowing(options: RunToResume, signal: AbortSignal): Promise<boolean> {
  const { home, run } = options;
  const before = readRecorded(home.run(run));
  if (!before?.engine || isFinished(before.outcome)) return false;
  const lock = lockFollowedRun(home, run);
  if (!lock.ok) return false;
  try {
    const journal = new Journal(home.run(run), run, options.onEvent);
    try {
      journal.append({ type: 'run-followed', runner: currentIdentity() });
      const state = readRecorded(home.run(run));
      if (!state || isFinished(state.outcome)) return false;
      const pipeline = await pipelineOf(options, state);
      await new FollowedRun({ ...options, journal, state, pipeline }).follow(signal);
      return true;
    } finally {
      journal.close();
    }
  } finally {
    lock.release();
  }
}

/** Returns the pipeline of the run's commit, or undefined if the repository lacks that commit. */
export async function pipelineOf(
  { repository, home, readPipeline }: Pick<RunToResume, 'repository' | 'home' | 'readPipeline'>,
  { change, folder }: Pick<RunState, 'change' | 'folder'>,
): Promise<Pipeline | undefined> {
  if (change.tree === '') return undefined;
  const tree = await listTree(repository, home, change.tree, folder);
  const read = tree.ok ? await readPipeline(repository, home, tree.value, folder) : tree;
  return read.ok ? read.value : undefined;
}

/** Returns the tree of a commit, or undefined if the repository lacks it. */
export async function treeOf(repository: Repository, home: RepositoryHome, commit: string): Promise<string | undefined> {
  const snapshot = await takeSnapshot(repository, home, { commit });
  return snapshot.ok ? snapshot.value.change.tree : undefined;
}

/**
 * Locks a run on this machine, so that one process writes its journal. The key is the local run id: services of a GitLab pipeline share its
 * remote id, and Jenkins jobs share build numbers.
 */
export function lockFollowedRun(home: RepositoryHome, run: string): LockAttempt {
  return tryLock(path.join(home.locks, `followed-${run}.lock`), { ...currentIdentity(), run });
}
