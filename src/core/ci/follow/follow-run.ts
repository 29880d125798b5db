import type { Repository } from '../../git/repository';
import type { RepositoryHome } from '../../support/home';
import { Mask } from '../../support/masking';
import type { Contributed } from '../../logs/matchers/definition';
import { ProblemSearch } from '../../logs/problem-search';
import type { Pipeline } from '../../model/pipeline';
import type { Visibility } from '../../process/visibility';
import type { Journal } from '../../history/journal';
import { PathResolver, treePaths } from '../../location/path-resolver';
import { ProblemReporter } from '../../logs/problem-reporter';
import type { RunState } from '../../model/run-state';
import { declaredSecrets } from '../../process/step-environment';
import type { SerialQueue } from '../../support/serial-queue';
import { pollDelayAfter, waitForNextPoll, type Pause } from './poll-schedule';
import type { CiClient, CiFailure, RemoteJob, RemoteRun } from '../ci-client';
import { RunFollower, type Look } from './run-follower';

export interface RunToFollow {
  readonly repository: Repository;
  readonly home: RepositoryHome;
  readonly engine: CiClient;
  readonly journal: Journal;
  /** What the journal tells so far; it names a run of the engine. */
  readonly state: RunState;
  /** That of the run's own commit, where it is known. */
  readonly pipeline: Pick<Pipeline, 'steps'> | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly contributed: Contributed;
  readonly visibility: Visibility;
  /** How many runs are followed beside each other. */
  readonly beside: () => number;
  /** The looks at all runs take turns: one request at a time. */
  readonly queue: SerialQueue;
}

/** How many requests one look takes, about: the run, its jobs, a log. */
const requestsOfLook = 3;
/** One answer that fails says little; the client has asked more than once already. */
const quietFailures = 1;
const mostRefused = 3;

/** A run on a CI service that is told to its journal until it ends. */
export class FollowedRun {
  private readonly follower: RunFollower;
  private readonly search = new ProblemSearch();
  private failures = 0;
  private unchanged = 0;
  /** How often the token was refused, one time after the other. */
  private refused = 0;
  private asked: { readonly run: RemoteRun; readonly job: RemoteJob } | undefined;

  constructor(private readonly given: RunToFollow) {
    const { repository, home, state, journal, engine, env, pipeline, contributed } = given;
    const { change, folder } = state;
    const secrets = pipeline ? Object.values(declaredSecrets(env, { steps: pipeline.steps })) : [];
    this.follower = new RunFollower({
      engine,
      journal,
      state,
      steps: pipeline?.steps ?? [],
      mask: () => new Mask(secrets),
      asked: (run, job) => (this.asked = { run, job }),
      now: Date.now,
      problems: new ProblemReporter({
        search: this.search,
        placer: new PathResolver({ folder, repository: repository.root, isElsewhere: true }, async () =>
          treePaths(repository, home, change.tree, folder),
        ),
        journal,
        mask: new Mask(secrets),
        contributed,
        reports: async () => this.reported(),
      }),
    });
  }

  /**
   * Until it ends, or until the signal says that somebody else will go on; answers whether it ended. A token that is refused again
   * and again will not get better in this process: it leaves the run to one that has another.
   */
  async follow(signal: AbortSignal): Promise<boolean> {
    try {
      while (!signal.aborted) {
        const look = await this.given.queue.run(async () => this.follower.look(signal));
        if (look.isOver) return true;
        if (signal.aborted) break;
        const pause = this.pollDelayAfter(look);
        this.refused = look.failure?.reason === 'token' ? this.refused + 1 : 0;
        if (this.refused === mostRefused) break;
        await waitForNextPoll(pause, this.given.visibility, signal);
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

  /** Gives the run up: nothing more is told of it. */
  giveUp(outcome: 'cancelled' | 'interrupted', reason: string): void {
    this.follower.finish(outcome, reason);
  }

  private pollDelayAfter({ failure, hasChanged, isWaiting }: Look): Pause {
    const { engine, visibility, beside } = this.given;
    this.failures = failure ? this.failures + 1 : 0;
    this.unchanged = hasChanged ? 0 : this.unchanged + 1;
    const now = Date.now();
    const { allowance } = engine;
    const pause = pollDelayAfter(
      {
        state: isWaiting ? 'waiting' : 'going on',
        isSeen: visibility.isVisible,
        unchanged: this.unchanged,
        failures: this.failures,
        ...(failure?.retryAt !== undefined && { retryAt: failure.retryAt }),
        allowance,
        requests: requestsOfLook * beside(),
      },
      now,
    );
    const next = new Date(now + pause.ms).toISOString();
    if (failure) this.away(failure, next);
    else if (pause.isSlowed && allowance)
      this.follower.heard({
        state: 'slow',
        message: `${engine.label} allows ${allowance.remaining} more requests until ${allowance.resetAt.slice(11, 16)} UTC: it is asked every ${Math.ceil(pause.ms / 1000)} s`,
      });
    else this.follower.heard({ state: 'answers' });
    return pause;
  }

  private away({ reason, message, hint }: CiFailure, retryAt: string): void {
    if (this.failures <= quietFailures && reason !== 'token' && reason !== 'limit') return;
    const { host } = this.given.engine;
    const isFar = reason === 'limit';
    this.follower.heard({ state: 'away', reason, message, host, ...(hint !== undefined && { hint }), ...(isFar && { retryAt }) });
  }

  /** Failing tests that the engine itself knows of. */
  private async reported() {
    const none = { problems: [], more: 0, failures: [] };
    if (!this.asked) return none;
    const { run, job } = this.asked;
    const answer = await this.given.engine.problems(run, job, new AbortController().signal);
    if (answer.state === 'ok') return { ...none, problems: answer.value };
    return { ...none, failures: [{ file: `of ${job.name}`, message: answer.message }] };
  }
}
