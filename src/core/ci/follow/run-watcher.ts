import type { Repository } from '../../git/repository';
import type { RepositoryHome } from '../../support/home';
import type { Tokens } from '../../model/tokens';
import { nothingContributed } from '../../logs/matchers/definition';
import type { Visibility } from '../../process/visibility';
import { listRuns } from '../../history/runs';
import { isFinished } from '../../model/run-state';
import { SerialQueue } from '../../support/serial-queue';
import type { CiName, CiPipeline } from '../ci-service';
import { keepEngineRecord, readEngineRecord, type CiRecord } from './ci-record';
import { followAgain, type ReadPipeline } from './resume-following';
import { importExternalRuns } from './external-runs';
import { pollDelayAfter, waitForNextPoll } from './poll-schedule';
import type { RemoteDeployment, CiClient, CiFailure, CiResult } from '../ci-client';

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
 * Watches the CI services of a repository: runs that others start get a journal like one's own, runs that go on are followed, and
 * what is deployed where is kept. For one process at a time: it alone decides when what is asked.
 */
export async function watchRuns(watch: RunWatch, signal: AbortSignal): Promise<void> {
  const { home, services } = watch;
  const queue = new SerialQueue();
  const watched = services.flatMap((service) => enginesOf(service, home).map((name) => new WatchedService(watch, service, name, queue)));
  await Promise.all(watched.map(async (each) => each.run(signal)));
}

/** The one that its definition names, and those that runs go on at which were started there all the same. */
function enginesOf({ pipeline }: CiPipeline, home: RepositoryHome): CiName[] {
  const going = listRuns(home, { service: pipeline.service }).filter(({ outcome }) => !isFinished(outcome));
  return [...new Set([...(pipeline.engine ? [pipeline.engine.kind] : []), ...going.flatMap(({ engine }) => engine?.name ?? [])])];
}

/** One service at one engine. */
class WatchedService {
  /** By the id of the run here. */
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
    const opened = await connectToCi(this.service.pipeline, this.name, { repository, services, tokens, proxy: 'environment' });
    if (!opened.ok) return; // `deliver check` and a delivery tell why
    const { engine } = opened.value;
    while (!signal.aborted) {
      const failure = await this.queue.run(async () => this.look(engine, signal));
      if (signal.aborted) break;
      this.failures = failure ? this.failures + 1 : 0;
      if (!failure) this.follow(engine, signal);
      const pause = pollDelayAfter(
        {
          ...{ state: 'resting', isSeen: visibility.isVisible, unchanged: 0, failures: this.failures },
          ...(failure?.retryAt !== undefined && { retryAt: failure.retryAt }),
          allowance: engine.allowance,
          requests: 2,
        },
        Date.now(),
      );
      await waitForNextPoll(pause, visibility, signal);
    }
    await Promise.all(this.followed.values());
    engine.close?.();
  }

  /** The runs that there are, and what is deployed. */
  private async look(engine: CiClient, signal: AbortSignal): Promise<CiFailure | undefined> {
    const { home, repository, readPipeline } = this.watch;
    const { pipeline, folder } = this.service;
    const there = await engine.list(pipeline.service, signal);
    if (signal.aborted) return undefined;
    if (there.state === 'ok') await importExternalRuns({ repository, home, readPipeline, engine, pipeline, folder }, there.value, signal);
    const deployed: CiResult<readonly RemoteDeployment[]> = there.state === 'ok' ? await engine.deployments(signal) : there;
    if (signal.aborted) return undefined;
    this.keep(engine, deployed);
    if (there.state === 'failed') return there;
    // One that may not be read is said, and asked for as often as the rest.
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

  /** Every run that goes on is told by somebody. */
  private follow(engine: CiClient, signal: AbortSignal): void {
    const { repository, home, readPipeline, env, visibility } = this.watch;
    const { service } = this.service.pipeline;
    const going = listRuns(home, { service }).filter(
      (run) => run.engine?.name === engine.name && run.engine.place === engine.place && !isFinished(run.outcome),
    );
    for (const { id } of going) {
      if (this.followed.has(id)) continue;
      const following = followAgain(
        {
          ...{ repository, home, readPipeline, engine, run: id, env, visibility },
          ...{ contributed: nothingContributed, onEvent: () => {}, beside: () => this.followed.size, queue: this.queue },
        },
        signal,
      ).finally(() => this.followed.delete(id));
      this.followed.set(id, following);
    }
  }
}
