import { present, recordOf, textOf, valueAt } from '../../support/json-value';
import { ok, type CiFailure, type RemoteJob, type RemoteRun, type Started, type CiResult } from '../ci-client';
import { isSnapshotBranchOf, branchPrefix } from '../../git/snapshot-branch';
import { notSeen } from './check';
import { jobDeployments } from './environments';
import { hasRetried, inOrder, jobRecord, latestTries, readJobs, type JobRecord, type JobsAround, type Naming } from './jobs';
import { shown, userOf, webAddress, wrong, type GitlabProject, type Json } from './project';
import { isActive, isOver, runState } from './states';

const mostRemembered = 500;
const atOnce = 5;
/** So long after a pipeline was run again an answer may be of before; what GitLab does not run again it passes over without a word. */
const oldAnswersMs = 30_000;

/** The pipelines of a project as runs of one of its services. */
export class GitlabRuns {
  /** Titles of commits never change. */
  private readonly titles = new Map<string, string>();
  /** What was told to go on here, by id. */
  private readonly reruns = new Map<
    string,
    { readonly attempt: number; readonly kept: ReadonlySet<string>; readonly replaced: ReadonlySet<string>; readonly at: number }
  >();
  private readonly environments = new Map<string, { readonly name: string; readonly url: string }>();
  /** Runs whose deployments were asked for when they were over. */
  private readonly deployed = new Set<string>();

  constructor(
    private readonly project: GitlabProject,
    private readonly naming: Naming,
  ) {}

  /** GitLab does not count the attempts of a pipeline: another process knows by `attempt` which it is. */
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
    // It was asked for later and has all jobs: if it lacks one, it was made before, and how often a job was tried is not known.
    if (all && !records.value.every(({ id: one }) => all.value.some((other) => other.id === one)))
      return wrong(`GitLab answered jobs of pipeline ${id} that are older than others`);
    const latest = latestTries(records.value);
    const { replaced, at = 0 } = this.reruns.get(id) ?? {};
    const mayBeOld = replaced && replaced.size > 0 && Date.now() - at < oldAnswersMs;
    if (mayBeOld && [...replaced].every((old) => latest.some((job) => job.id === old)))
      return wrong(`GitLab answered how pipeline ${id} was before it was run again`);
    this.hearTitles(latest);
    const itself = await this.basic(pipeline.value, signal, attempt);
    if (typeof itself === 'string') return wrong(itself);
    // What a pipeline says of itself comes some moments after what its jobs do: one of them may have been started again.
    const goesOn = isOver(itself.state) && latest.some(({ status }) => isActive(status));
    const basic: RemoteRun = goesOn ? { ...itself, state: 'running' } : itself;
    await this.findEnvironments(basic, latest, signal);
    const around: JobsAround = {
      isOver: isOver(basic.state),
      kept: this.reruns.get(id)?.kept ?? new Set(),
      tries: all && triesOf(all.value),
      environments: this.environments,
    };
    const jobs = readJobs(inOrder(latest, all?.value ?? []), this.naming, around, this.project.asking);
    if (typeof jobs === 'string') return wrong(jobs);
    return ok(this.runOf(basic, pipeline.value, jobs));
  }

  async list(signal: AbortSignal): Promise<CiResult<readonly RemoteRun[]>> {
    const answer = await this.project.asking.get(this.project.path('/pipelines?per_page=20&order_by=id&sort=desc'), signal);
    if (answer.state === 'failed') return answer.gone ? notSeen(this.project, answer) : answer;
    if (!Array.isArray(answer.value)) return wrong('GitLab answered something that is no list of pipelines');
    const values = (answer.value as readonly unknown[]).filter((one) => !this.isNobodys(one));
    const runs: RemoteRun[] = [];
    await this.project.branch(signal);
    for (let at = 0; at < values.length; at += atOnce) {
      const read = await Promise.all(values.slice(at, at + atOnce).map(async (value) => this.basic(recordOf(value) ?? {}, signal)));
      const unread = read.find((one): one is string => typeof one === 'string');
      if (unread !== undefined) return wrong(unread);
      runs.push(...read.filter((one): one is RemoteRun => typeof one !== 'string'));
    }
    return ok(runs);
  }

  /**
   * A push that is to start nothing leaves a pipeline that was skipped (lib/gitlab/ci/pipeline/chain/skip.rb). What is started at a
   * branch of Deliver's own has the jobs of one service alone.
   */
  private isNobodys(json: unknown): boolean {
    const { status, source, ref } = recordOf(json) ?? {};
    const branch = textOf(ref) ?? '';
    if (!branch.startsWith(branchPrefix)) return false;
    return (status === 'skipped' && source === 'push') || !(this.naming.isAlone || isSnapshotBranchOf(this.naming.service, branch));
  }

  /** Only what did not pass is run again. */
  async rerun(run: RemoteRun, signal: AbortSignal): Promise<CiResult<Started>> {
    const { id } = run;
    const before = await this.read(id, signal);
    if (before.state === 'failed') return before;
    if (before.value.state === 'passed') return wrong('all of its jobs passed: there is none that GitLab would run again');
    const answer = await this.project.post(`/pipelines/${encodeURIComponent(id)}/retry`, undefined, 'a pipeline', signal);
    if (answer.state === 'failed') return answer;
    if (textOf(answer.value['id']) !== id) return wrong('GitLab does not say that it runs this pipeline again');
    const attempt = Math.max(run.attempt, before.value.attempt) + 1;
    const kept = before.value.jobs.filter(({ state }) => state === 'passed' || state === 'kept').map((job) => job.id);
    // What did not pass is made anew, with another id.
    const replaced = before.value.jobs.filter(({ state }) => state === 'failed' || state === 'cancelled').map((job) => job.id);
    this.reruns.set(id, { attempt, kept: new Set(kept), replaced: new Set(replaced), at: Date.now() });
    return ok({ id, attempt, ...present({ url: webAddress(answer.value['web_url']) }) });
  }

  /** Jobs and runs that are not there tell nothing where the whole project cannot be seen. */
  private async missing(id: string, failure: CiFailure, signal: AbortSignal): Promise<CiFailure> {
    if (!failure.gone) return failure;
    const project = await this.project.record('', 'the project', signal);
    if (project.state === 'failed') return project.gone ? notSeen(this.project, project) : project;
    return { ...failure, message: `GitLab has no pipeline ${id} (any more)` };
  }

  private async records(address: string, signal: AbortSignal): Promise<CiResult<readonly JobRecord[]>> {
    const list = await this.project.list(address, 'jobs', signal);
    if (list.state === 'failed') return list;
    const records = list.value.map(jobRecord);
    return records.every((one) => one !== undefined) ? ok(records) : wrong('GitLab answered a job without an id, a name or a status');
  }

  /** What lists and single answers both tell. A sentence where something is missing. */
  private async basic(json: Json, signal: AbortSignal, attempt = 1): Promise<RemoteRun | string> {
    const [id, status, commit] = [textOf(json['id']), textOf(json['status']), textOf(json['sha'])];
    if (id === undefined || status === undefined || commit === undefined)
      return 'GitLab answered a pipeline without an id, a status or a commit';
    const state = runState(status);
    if (state === undefined) return `GitLab says that pipeline ${id} is “${shown(status, 50)}”, which is unknown here`;
    const url = webAddress(json['web_url']);
    const createdAt = this.project.asking.time(textOf(json['created_at']));
    if (url === undefined || createdAt === undefined) return `GitLab does not say where pipeline ${id} is, or since when`;
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
    // What may not be read now may not be read a moment later, either; what could not be reached may.
    if (answer.state === 'failed' && !answer.gone && answer.reason !== 'token') return '';
    const title = answer.state === 'ok' ? (shown(answer.value['title']) ?? '') : '';
    remember(this.titles, commit, title);
    return title;
  }

  private hearTitles(jobs: readonly JobRecord[]): void {
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
    const finishedAt = this.project.asking.time(textOf(json['finished_at'])) ?? ends.at(-1);
    const reason = shown(json['yaml_errors']) ?? basic.reason ?? this.unsaid(basic, json, jobs);
    return {
      ...basic,
      state,
      jobs,
      ...present({ reason, finishedAt: !isOver(state) ? undefined : this.naming.isAlone ? finishedAt : (ends.at(-1) ?? finishedAt) }),
    };
  }

  /** Why a run ended so that has no jobs which say it. */
  private unsaid({ state }: RemoteRun, json: Json, jobs: readonly RemoteJob[]): string | undefined {
    if (jobs.length > 0 || !isOver(state)) return undefined;
    if (!this.naming.isAlone && state === 'passed') return `it has no job of ${this.naming.service}`;
    if (state !== 'failed') return undefined;
    // In words like `failed - the pipeline could not be created`.
    const words = shown(valueAt(json, 'detailed_status.tooltip'));
    return words === undefined || words === 'failed' ? `it failed without a job of ${this.naming.service}` : `GitLab says: ${words}`;
  }
}

/** Where the jobs of one service are, in a pipeline that has others, too. Undefined while one is not over. */
function stateOf(jobs: readonly RemoteJob[]): RemoteRun['state'] | undefined {
  if (jobs.length === 0 || jobs.some(({ state }) => !isOver(state))) return undefined;
  const states = jobs.filter(({ state, reason }) => !(state === 'failed' && mayFail(reason))).map(({ state }) => state);
  return states.includes('failed')
    ? 'failed'
    : states.includes('cancelled')
      ? 'cancelled'
      : states.every((one) => one === 'skipped')
        ? undefined
        : 'passed';
}

function mayFail(reason: string | undefined): boolean {
  return reason?.split('; ').includes('it may fail') === true;
}

/** Which try of its name each job is, by its id: GitLab counts up. */
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
    if (map.size <= mostRemembered) return;
    map.delete(oldest);
  }
}
