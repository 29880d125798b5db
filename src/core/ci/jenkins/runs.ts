import { listOf, numberOf, recordOf, textOf } from '../../support/json-value';
import { ok, type CiFailure, type RemoteRun, type CiResult } from '../ci-client';
import { buildTree, readBuild, refOf, starterOf, type Build } from './build';
import { unexpected, type JenkinsApi, sentence } from './jenkins-api';
import type { Stages } from './stages';
import type { BuildLogs } from './build-log';

const maxListed = 20;
const maxRemembered = 500;

/** The branch and commit of a run that this process started. Jenkins knows them only after the checkout. */
export interface Sent {
  readonly branch: string;
  readonly commit: string;
  readonly at: string;
}

/** The builds and queue items of a job, as runs. */
export class Runs {
  private readonly queue: Queue;
  private readonly sent = new Map<string, Sent>();

  constructor(
    private readonly server: JenkinsApi,
    private readonly stages: Stages,
    private readonly logs: BuildLogs,
  ) {
    this.queue = new Queue(server);
  }

  remember(id: string, sent: Sent): void {
    this.sent.set(id, sent);
    for (const oldest of this.sent.keys()) {
      if (this.sent.size <= maxRemembered) break;
      this.sent.delete(oldest);
    }
  }

  async find(id: string, signal: AbortSignal): Promise<CiResult<Place>> {
    return this.queue.find(id, signal);
  }

  async read(id: string, signal: AbortSignal): Promise<CiResult<RemoteRun>> {
    const place = await this.find(id, signal);
    if (place.state === 'failed') return place;
    if (place.value.state !== 'build') return ok(this.queued(id, place.value));
    const { number } = place.value;
    const answer = await this.server.record(`${this.server.jobPath}/${number}/api/json?tree=${buildTree}`, signal);
    if (answer.state === 'failed')
      return answer.gone ? { ...answer, message: `build ${number} of ${this.server.job} was deleted from Jenkins` } : answer;
    const build = readBuild(answer.value, this.server);
    if (build.state === 'failed') return build;
    const other = this.mismatch(id, number, build.value);
    if (other) return other;
    const jobs = await this.stages.jobs(build.value, signal);
    if (jobs.state === 'failed') return jobs;
    const run = { ...this.runOf(build.value, id), jobs: jobs.value };
    if (run.state !== 'running' || run.jobs.some(({ state }) => state === 'running' || state === 'waiting')) return ok(run);
    // Pipeline builds start immediately; their steps wait for a machine.
    const why = await this.logs.get(number).lackOfMachine(signal);
    return ok(why === undefined ? run : { ...run, state: run.jobs.length === 0 ? 'waiting' : 'running', reason: sentence(why) });
  }

  async list(signal: AbortSignal): Promise<CiResult<readonly RemoteRun[]>> {
    const answer = await this.server.record(`${this.server.jobPath}/api/json?tree=builds[${buildTree}]{0,${maxListed}}`, signal);
    if (answer.state === 'failed') return answer;
    const { builds } = answer.value;
    if (!Array.isArray(builds)) return unexpected(`Jenkins answered no builds of ${this.server.job}`);
    const runs: RemoteRun[] = [];
    for (const value of listOf(builds)) {
      const build = readBuild(value, this.server);
      if (build.state === 'failed') return build;
      const { queueId } = build.value;
      const id = queueId !== undefined && this.sent.has(`queue:${queueId}`) ? `queue:${queueId}` : build.value.id;
      runs.push(this.runOf(build.value, id));
    }
    return ok(runs);
  }

  /** After a job is created again, the same number belongs to another build. */
  private mismatch(id: string, number: number, build: Build): CiFailure | undefined {
    const item = itemOf(id);
    if (build.number !== number) return unexpected(`Jenkins answered build ${build.number} for build ${number}`);
    if (item === undefined || build.queueId === undefined || build.queueId === item) return undefined;
    return { ...unexpected(`build ${number} of ${this.server.job} is not the build that was started`), gone: true };
  }

  private runOf({ number: _number, queueId: _queueId, result: _result, ...run }: Build, id: string): RemoteRun {
    const sent = this.sent.get(id);
    return { ...run, id, branch: sent?.branch ?? run.branch, commit: run.commit || (sent?.commit ?? '') };
  }

  private queued(id: string, place: Exclude<Place, { readonly state: 'build' }>): RemoteRun {
    const sent = this.sent.get(id);
    const { asking, jobUrl: url } = this.server;
    const since = place.since === undefined || Math.abs(place.since) > 8.64e15 ? undefined : new Date(place.since).toISOString();
    const by = starterOf(place.actions);
    const why = place.state === 'cancelled' ? 'removed from the queue' : place.why;
    return {
      id,
      attempt: 1,
      url,
      branch: sent?.branch ?? refOf(place.actions),
      commit: sent?.commit ?? '',
      subject: '',
      state: place.state,
      createdAt: asking.time(since) ?? sent?.at ?? new Date().toISOString(),
      jobs: [],
      ...(why !== undefined && { reason: why }),
      ...(by !== undefined && { by }),
    };
  }
}

/** The number of builds searched for a queue item that Jenkins has discarded. */
const maxSearchedBuilds = 200;

/** The current state of a run: a build with a number, or a queue item. */
export type Place =
  | { readonly state: 'build'; readonly number: number }
  | { readonly state: 'waiting'; readonly why: string | undefined; readonly since: number | undefined; readonly actions: unknown }
  | { readonly state: 'cancelled'; readonly since: number | undefined; readonly actions: unknown };

/** Finds the build of a queue item. Jenkins keeps queue items for about five minutes; builds keep the id of their item. */
export class Queue {
  private readonly numbers = new Map<number, number>();

  constructor(private readonly server: JenkinsApi) {}

  /** Finds a run by `queue:N` or `build:N`. */
  async find(id: string, signal: AbortSignal): Promise<CiResult<Place>> {
    const item = itemOf(id);
    if (item === undefined) {
      const number = /^build:(\d{1,12})$/.exec(id)?.[1];
      return number === undefined
        ? { ...unexpected(`“${sentence(id)}” is not a run of Jenkins`), gone: true }
        : ok({ state: 'build', number: Number(number) });
    }
    const number = this.numbers.get(item);
    if (number !== undefined) return ok({ state: 'build', number });
    const tree = 'id,why,cancelled,inQueueSince,executable[number],actions[parameters[name,value],causes[userName,shortDescription]]';
    const answer = await this.server.record(`/queue/item/${item}/api/json?tree=${tree}`, signal);
    if (answer.state === 'failed') return answer.gone ? this.findBuild(item, answer, signal) : answer;
    const { value } = answer;
    if (numberOf(value['id']) !== item) return unexpected(`Jenkins answered something else for the item ${item} of its queue`);
    const since = numberOf(value['inQueueSince']);
    const { actions } = value;
    const became = numberOf(recordOf(value['executable'])?.['number']);
    if (became !== undefined) return ok(this.became(item, became));
    if (value['cancelled'] === true) return ok({ state: 'cancelled', since, actions });
    const why = textOf(value['why']);
    return ok({ state: 'waiting', why: why === undefined ? undefined : sentence(why), since, actions });
  }

  private async findBuild(item: number, gone: CiFailure, signal: AbortSignal): Promise<CiResult<Place>> {
    const answer = await this.server.record(`${this.server.jobPath}/api/json?tree=builds[number,queueId]{0,${maxSearchedBuilds}}`, signal);
    if (answer.state === 'failed') return answer;
    const build = listOf(answer.value['builds'])
      .map(recordOf)
      .find((one) => numberOf(one?.['queueId']) === item);
    const number = numberOf(build?.['number']);
    if (number !== undefined) return ok(this.became(item, number));
    return { ...gone, message: `Jenkins no longer has the item ${item} of its queue or a build that came from it` };
  }

  private became(item: number, number: number): Place {
    this.numbers.set(item, number);
    for (const oldest of this.numbers.keys()) {
      if (this.numbers.size <= maxRemembered) break;
      this.numbers.delete(oldest);
    }
    return { state: 'build', number };
  }
}

export function itemOf(id: string): number | undefined {
  const item = /^queue:(\d{1,12})$/.exec(id)?.[1];
  return item === undefined ? undefined : Number(item);
}
