import { listOf } from '../../support/json-value';
import { ok, type CiFailure, type RemoteRun, type CiResult } from '../ci-client';
import { buildTree, readBuild, refOf, starterOf, type Build } from './build';
import { unclear, type JenkinsApi } from './jenkins-api';
import { itemOf, Queue, type Place } from './queue';
import type { Stages } from './stages';
import { sentence } from './format';
import type { BuildLogs } from './build-logs';

const mostListed = 20;
const mostRemembered = 500;

/** What a run that was started here delivers: Jenkins knows it only once it has checked it out. */
export interface Sent {
  readonly branch: string;
  readonly commit: string;
  readonly at: string;
}

/** The builds of a job and what waits to be one, as runs. */
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
      if (this.sent.size <= mostRemembered) break;
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
      return answer.gone ? { ...answer, message: `build ${number} of ${this.server.job} is not in Jenkins any more` } : answer;
    const build = readBuild(answer.value, this.server);
    if (build.state === 'failed') return build;
    const other = this.otherThan(id, number, build.value);
    if (other) return other;
    const jobs = await this.stages.jobs(build.value, signal);
    if (jobs.state === 'failed') return jobs;
    const run = { ...this.runOf(build.value, id), jobs: jobs.value };
    if (run.state !== 'running' || run.jobs.some(({ state }) => state === 'running' || state === 'waiting')) return ok(run);
    // Builds of pipelines begin at once: it is their steps that wait for a machine.
    const why = await this.logs.of(number).lackOfMachine(signal);
    return ok(why === undefined ? run : { ...run, state: run.jobs.length === 0 ? 'waiting' : 'running', reason: sentence(why) });
  }

  async list(signal: AbortSignal): Promise<CiResult<readonly RemoteRun[]>> {
    const answer = await this.server.record(`${this.server.jobPath}/api/json?tree=builds[${buildTree}]{0,${mostListed}}`, signal);
    if (answer.state === 'failed') return answer;
    const { builds } = answer.value;
    if (!Array.isArray(builds)) return unclear(`Jenkins answered no builds of ${this.server.job}`);
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

  /** A number that is given again, after a job was made anew, is another build. */
  private otherThan(id: string, number: number, build: Build): CiFailure | undefined {
    const item = itemOf(id);
    if (build.number !== number) return unclear(`Jenkins answered build ${build.number} for build ${number}`);
    if (item === undefined || build.queueId === undefined || build.queueId === item) return undefined;
    return { ...unclear(`build ${number} of ${this.server.job} is another than the one that was started`), gone: true };
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
    const why = place.state === 'cancelled' ? 'it was taken out of the queue' : place.why;
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
