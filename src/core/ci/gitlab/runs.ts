import { present, recordOf, textOf, valueAt } from '../../support/json-value';
import { ok, type CiFailure, type CiResult, type RemoteJob, type RemoteRun, type Started } from '../ci-client';
import { isSnapshotBranchOf, branchPrefix } from '../../git/snapshot-branch';
import { invisibleProject } from './check';
import { jobDeployments } from './deployments';
import {
  hasRetried,
  inOrder,
  isActive,
  isOver,
  jobRecord,
  latestTries,
  readJobs,
  runState,
  type JobRecord,
  type JobContext,
  type Naming,
} from './jobs';
import { shown, userOf, webAddress, wrong, type GitlabProject, type Json } from './project';

const maxRemembered = 500;
const concurrentRequests = 5;
/** How long after a rerun an answer may be outdated. GitLab silently skips jobs that it does not run again. */
const outdatedAnswersMs = 30_000;

/** The pipelines of a project as runs of one of its services. */
export class GitlabRuns {
  /** Subjects by commit, which never change. */
  private readonly titles = new Map<string, string>();
  /** Reruns of this process, by pipeline id. */
  private readonly reruns = new Map<
    string,
    { readonly attempt: number; readonly kept: ReadonlySet<string>; readonly replaced: ReadonlySet<string>; readonly at: number }
  >();
  private readonly environments = new Map<string, { readonly name: string; readonly url: string }>();
  /** Finished runs whose deployments were read. */
  private readonly deployed = new Set<string>();

  constructor(
    private readonly project: GitlabProject,
    private readonly naming: Naming,
  ) {}

  /** Returns a run. GitLab does not count the attempts of a pipeline, so another process passes the `attempt` that it knows. */
  async read(id: string, signal: AbortSignal, attempt?: number): Promise<CiResult<RemoteRun>> {
    const address = `/pipelines/${encodeURIComponent(id)}`;
    const pipeline = await this.project.record(address, 'a pipeline', signal);
    if (pipeline.state === 'failed') return this.missing(id, pipeline, signal);
    const records = await this.records(`${address}/jobs?include_retried=false&per_page=100`, signal);
    if (records.state === 'failed') return this.missing(id, records, signal);
    const all = hasRetried(records.value, textOf(pipeline.value['started_at']))
      ? await this.records(`${address}/jobs?include_retried=true&per_page=100`, signal)
      : undefined;
    if (all?.state === 'failed') return all;
    // This list was read later. If it lacks a job, it is outdated, and attempts are unknown.
    if (all && !records.value.every(({ id: one }) => all.value.some((other) => other.id === one)))
      return wrong(`GitLab returned an outdated list of the jobs of pipeline ${id}`);
    const latest = latestTries(records.value);
    const { replaced, at = 0 } = this.reruns.get(id) ?? {};
    const mayBeOld = replaced && replaced.size > 0 && Date.now() - at < outdatedAnswersMs;
    if (mayBeOld && [...replaced].every((old) => latest.some((job) => job.id === old)))
      return wrong(`GitLab returned an outdated state of pipeline ${id}`);
    this.rememberTitle(latest);
    const reported = await this.basic(pipeline.value, signal, attempt);
    if (typeof reported === 'string') return wrong(reported);
    // The status of a pipeline lags behind its jobs: one of them may have started again.
    const isRunningAgain = isOver(reported.state) && latest.some(({ status }) => isActive(status));
    const basic: RemoteRun = isRunningAgain ? { ...reported, state: 'running' } : reported;
    await this.findEnvironments(basic, latest, signal);
    const context: JobContext = {
      isOver: isOver(basic.state),
      kept: this.reruns.get(id)?.kept ?? new Set(),
      tries: all && triesOf(all.value),
      environments: this.environments,
    };
    const jobs = readJobs(inOrder(latest, all?.value ?? []), this.naming, context, this.project.client);
    if (typeof jobs === 'string') return wrong(jobs);
    return ok(this.runOf(basic, pipeline.value, jobs));
  }

  async list(signal: AbortSignal): Promise<CiResult<readonly RemoteRun[]>> {
    const answer = await this.project.client.get(this.project.path('/pipelines?per_page=20&order_by=id&sort=desc'), signal);
    if (answer.state === 'failed') return answer.gone ? invisibleProject(this.project, answer) : answer;
    if (!Array.isArray(answer.value)) return wrong('GitLab did not return a list of pipelines');
    const values = (answer.value as readonly unknown[]).filter((one) => !this.belongsToNoRun(one));
    const runs: RemoteRun[] = [];
    await this.project.branch(signal);
    for (let at = 0; at < values.length; at += concurrentRequests) {
      const read = await Promise.all(
        values.slice(at, at + concurrentRequests).map(async (value) => this.basic(recordOf(value) ?? {}, signal)),
      );
      const unread = read.find((one): one is string => typeof one === 'string');
      if (unread !== undefined) return wrong(unread);
      runs.push(...read.filter((one): one is RemoteRun => typeof one !== 'string'));
    }
    return ok(runs);
  }

  /**
   * Returns whether a pipeline belongs to no run: a push that starts nothing leaves a skipped pipeline
   * (lib/gitlab/ci/pipeline/chain/skip.rb), and a delivery branch has the jobs of one service only.
   */
  private belongsToNoRun(json: unknown): boolean {
    const { status, source, ref } = recordOf(json) ?? {};
    const branch = textOf(ref) ?? '';
    if (!branch.startsWith(branchPrefix)) return false;
    return (status === 'skipped' && source === 'push') || !(this.naming.isAlone || isSnapshotBranchOf(this.naming.service, branch));
  }

  /** Runs the jobs again that did not pass. */
  async rerun(run: RemoteRun, signal: AbortSignal): Promise<CiResult<Started>> {
    const { id } = run;
    const before = await this.read(id, signal);
    if (before.state === 'failed') return before;
    if (before.value.state === 'passed') return wrong('all jobs passed, so GitLab has none to run again');
    const answer = await this.project.post(`/pipelines/${encodeURIComponent(id)}/retry`, undefined, 'a pipeline', signal);
    if (answer.state === 'failed') return answer;
    if (textOf(answer.value['id']) !== id) return wrong('GitLab did not confirm the rerun');
    const attempt = Math.max(run.attempt, before.value.attempt) + 1;
    const kept = before.value.jobs.filter(({ state }) => state === 'passed' || state === 'kept').map((job) => job.id);
    // GitLab replaces these jobs by new ones.
    const replaced = before.value.jobs.filter(({ state }) => state === 'failed' || state === 'cancelled').map((job) => job.id);
    this.reruns.set(id, { attempt, kept: new Set(kept), replaced: new Set(replaced), at: Date.now() });
    return ok({ id, attempt, ...present({ url: webAddress(answer.value['web_url']) }) });
  }

  /** Returns the failure for a missing run. It is only gone if its project is visible. */
  private async missing(id: string, failure: CiFailure, signal: AbortSignal): Promise<CiFailure> {
    if (!failure.gone) return failure;
    const project = await this.project.record('', 'the project', signal);
    if (project.state === 'failed') return project.gone ? invisibleProject(this.project, project) : project;
    return { ...failure, message: `pipeline ${id} does not exist on GitLab` };
  }

  private async records(address: string, signal: AbortSignal): Promise<CiResult<readonly JobRecord[]>> {
    const list = await this.project.list(address, 'jobs', signal);
    if (list.state === 'failed') return list;
    const records = list.value.map(jobRecord);
    return records.every((one) => one !== undefined) ? ok(records) : wrong('GitLab returned a job without an id, a name or a status');
  }

  /** Returns the fields that lists and single answers share, or the error in them. */
  private async basic(json: Json, signal: AbortSignal, attempt = 1): Promise<RemoteRun | string> {
    const [id, status, commit] = [textOf(json['id']), textOf(json['status']), textOf(json['sha'])];
    if (id === undefined || status === undefined || commit === undefined)
      return 'GitLab returned a pipeline without an id, a status or a commit';
    const state = runState(status);
    if (state === undefined) return `pipeline ${id} has the unknown status “${shown(status, 50)}”`;
    const url = webAddress(json['web_url']);
    const createdAt = this.project.client.time(textOf(json['created_at']));
    if (url === undefined || createdAt === undefined) return `GitLab returned pipeline ${id} without an address or a start time`;
    const branch = shown(json['ref']) ?? '';
    const main = await this.project.branch(signal);
    return {
      id,
      attempt: this.reruns.get(id)?.attempt ?? attempt,
      url,
      branch,
      commit,
      subject: await this.title(commit, signal),
      state,
      createdAt,
      jobs: [],
      ...present({
        by: userOf(json),
        isDefaultBranch: main === undefined ? undefined : branch === main,
        reason: status === 'skipped' ? 'GitLab skipped it' : undefined,
      }),
    };
  }

  private async title(commit: string, signal: AbortSignal): Promise<string> {
    const known = this.titles.get(commit);
    if (known !== undefined) return known;
    const answer = await this.project.record(`/repository/commits/${encodeURIComponent(commit)}`, 'a commit', signal);
    // Missing permission lasts; a failed connection may recover.
    if (answer.state === 'failed' && !answer.gone && answer.reason !== 'token') return '';
    const title = answer.state === 'ok' ? (shown(answer.value['title']) ?? '') : '';
    remember(this.titles, commit, title);
    return title;
  }

  private rememberTitle(jobs: readonly JobRecord[]): void {
    for (const { json } of jobs.slice(0, 1)) {
      const [commit, title] = [textOf(valueAt(json, 'commit.id')), shown(valueAt(json, 'commit.title'))];
      if (commit !== undefined && title !== undefined) remember(this.titles, commit, title);
    }
  }

  private async findEnvironments(run: RemoteRun, jobs: readonly JobRecord[], signal: AbortSignal): Promise<void> {
    const waits = jobs.some(({ id, status }) => /^(manual|waiting_for_resource)$/.test(status) && !this.environments.has(id));
    const ended = run.state === 'passed' || run.state === 'failed';
    if (!waits && !(ended && !this.deployed.has(`${run.id} ${run.attempt}`))) return;
    if (ended) this.deployed.add(`${run.id} ${run.attempt}`);
    for (const { job, name, url } of await jobDeployments(this.project, signal)) remember(this.environments, job, { name, url });
  }

  private runOf(basic: RemoteRun, json: Json, jobs: readonly RemoteJob[]): RemoteRun {
    const hasBegun = jobs.some((job) => job.startedAt !== undefined);
    const whole = basic.state === 'waiting' && hasBegun ? 'running' : basic.state;
    const state = this.naming.isAlone ? whole : (stateOf(jobs) ?? whole);
    const ends = jobs.flatMap(({ finishedAt }) => finishedAt ?? []).sort();
    const finishedAt = this.project.client.time(textOf(json['finished_at'])) ?? ends.at(-1);
    const reason = shown(json['yaml_errors']) ?? basic.reason ?? this.missingReason(basic, json, jobs);
    return {
      ...basic,
      state,
      jobs,
      ...present({ reason, finishedAt: !isOver(state) ? undefined : this.naming.isAlone ? finishedAt : (ends.at(-1) ?? finishedAt) }),
    };
  }

  /** Returns the reason of a run that ended without jobs. */
  private missingReason({ state }: RemoteRun, json: Json, jobs: readonly RemoteJob[]): string | undefined {
    if (jobs.length > 0 || !isOver(state)) return undefined;
    if (!this.naming.isAlone && state === 'passed') return `the pipeline has no job of ${this.naming.service}`;
    if (state !== 'failed') return undefined;
    // For example `failed - the pipeline could not be created`.
    const message = shown(valueAt(json, 'detailed_status.tooltip'));
    return message === undefined || message === 'failed'
      ? `the pipeline failed without a job of ${this.naming.service}`
      : `GitLab: ${message}`;
  }
}

/** Returns the state of one service's jobs in a shared pipeline, or undefined while one is unfinished. */
function stateOf(jobs: readonly RemoteJob[]): RemoteRun['state'] | undefined {
  if (jobs.length === 0 || jobs.some(({ state }) => !isOver(state))) return undefined;
  const states = jobs.filter(({ state, reason }) => !(state === 'failed' && isAllowedToFail(reason))).map(({ state }) => state);
  return states.includes('failed')
    ? 'failed'
    : states.includes('cancelled')
      ? 'cancelled'
      : states.every((one) => one === 'skipped')
        ? undefined
        : 'passed';
}

function isAllowedToFail(reason: string | undefined): boolean {
  return reason?.split('; ').includes('allowed to fail') === true;
}

/** Returns the attempt of each job by id: ids increase. */
function triesOf(all: readonly JobRecord[]): ReadonlyMap<string, number> {
  const tries = new Map<string, number>();
  for (const { id, name } of all) {
    const before = all.filter((other) => other.name === name && Number(other.id) < Number(id));
    tries.set(id, new Set(before.map((other) => other.id)).size + 1);
  }
  return tries;
}

function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  for (const oldest of map.keys()) {
    if (map.size <= maxRemembered) return;
    map.delete(oldest);
  }
}
