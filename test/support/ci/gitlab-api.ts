import type { Asked, Reply } from '../http-server';
import { testSuite } from './gitlab-reports';
import type { GitlabOptions } from './gitlab-server';
import type { ScriptedDeployment, ScriptedJob, ScriptedRun, ScriptedRuns } from './scripted-runs';

type Route = readonly [method: string, path: RegExp, answer: (match: readonly string[], asked: Asked) => Reply | undefined];

interface Environment {
  readonly id: number;
  readonly name: string;
  external_url: string | null;
}

const missing: Reply = { status: 404, body: { message: '404 Not found' } };
const user = { id: 7, username: 'octocat', name: 'Octo Cat', state: 'active', web_url: 'https://gitlab.example.com/octocat' };

/** The API of a project; each part names its page of docs.gitlab.com. */
export class GitlabApi {
  readonly project: string;
  /** Scripted by tests. */
  readonly access = { level: 30 as number | null, member: undefined as number | undefined, scopes: ['api'], project: {} as object };
  /** The commit of each branch. */
  readonly branches = new Map<string, string>();
  /** Ids of jobs with erased logs. */
  readonly erased = new Set<string>();
  /** Overrides for jobs by name. */
  readonly facts = new Map<string, object>();
  /** The errors of a pipeline's creation, as `{base: ["…"]}`. */
  refusal: Reply | undefined;
  readonly environments: Environment[] = [];
  private readonly approved = new Set<string>();
  /** Ids of deployments without a job. */
  private readonly told = new Set<string>();

  constructor(
    readonly runs: ScriptedRuns,
    private readonly options: GitlabOptions,
    private readonly url: () => string,
  ) {
    this.project = options.project ?? 'acme/shop';
  }

  answer(asked: Asked): Reply {
    const path = asked.path.slice('/api/v4'.length);
    const own = `/projects/${encodeURIComponent(this.project)}`;
    const at = path.startsWith(`${own}/`) || path === own ? path.slice(own.length) : undefined;
    for (const [method, pattern, answer] of at === undefined ? this.anywhere : this.routes) {
      const match = method === asked.method ? pattern.exec(at ?? path) : null;
      if (match) return answer(match.slice(1).map(decodeURIComponent), asked) ?? missing;
    }
    return missing;
  }

  private readonly anywhere: readonly Route[] = [
    // api/users, api/personal_access_tokens
    ['GET', /^\/user$/, () => ({ body: { ...user, is_admin: false } })],
    ['GET', /^\/personal_access_tokens\/self$/, () => ({ body: { id: 4, name: 'deliver', active: true, scopes: this.access.scopes } })],
  ];

  private readonly routes: readonly Route[] = [
    // api/projects, api/members, api/commits
    ['GET', /^$/, () => ({ body: this.projectBody() })],
    [
      'GET',
      /^\/members\/all\/7$/,
      () => (this.access.member === undefined ? undefined : { body: { ...user, access_level: this.access.member } }),
    ],
    [
      'GET',
      /^\/repository\/commits\/(.+)$/,
      ([sha]) =>
        this.with(
          this.runs.runs.find(({ commit }) => commit === sha),
          (run) => commitOf(run),
        ),
    ],
    // api/pipelines
    ['POST', /^\/pipeline$/, (_, { body }) => this.create((body as { ref?: string } | undefined)?.ref ?? '')],
    ['GET', /^\/pipelines$/, () => ({ body: this.runs.runs.flatMap((run) => [this.basic(run), ...this.skipped(run)]) })],
    ['GET', /^\/pipelines\/(\d+)$/, ([id = '']) => this.with(this.runs.find(id), (run) => this.pipeline(run))],
    ['GET', /^\/pipelines\/(\d+)\/jobs$/, ([id = ''], { query }) => this.with(this.runs.find(id), (run) => this.jobs(run, query))],
    ['GET', /^\/pipelines\/(\d+)\/test_report$/, ([id = '']) => this.with(this.runs.find(id), testReport)],
    ['POST', /^\/pipelines\/(\d+)\/cancel$/, ([id = '']) => this.with(this.runs.find(id), (run) => (run.cancel(), this.pipeline(run)))],
    [
      'POST',
      /^\/pipelines\/(\d+)\/retry$/,
      ([id = '']) => this.with(this.runs.find(id), (run) => (run.retryFailed(), this.pipeline(run)), 201),
    ],
    // api/jobs
    ['GET', /^\/jobs\/(\d+)$/, ([id = '']) => this.withJob(id, (run, job) => this.job(run, job))],
    ['GET', /^\/jobs\/(\d+)\/trace$/, ([id = ''], { headers }) => this.trace(id, headers.range)],
    ['POST', /^\/jobs\/(\d+)\/play$/, ([id = '']) => this.play(id)],
    // api/deployments
    ['GET', /^\/deployments$/, (_, { query }) => ({ body: this.listed(query) })],
    [
      'GET',
      /^\/deployments\/(\d+)$/,
      ([id = '']) =>
        this.with(
          this.jobDeployments().find((one) => one.id === Number(id)),
          (one) => one,
        ),
    ],
    [
      'POST',
      /^\/deployments\/(\d+)\/approval$/,
      ([id = '']) => (this.approved.add(id), { status: 201, body: { status: 'approved', user } }),
    ],
    ['POST', /^\/deployments$/, (_, { body }) => this.deploy(body as Record<string, string>)],
    ['PUT', /^\/deployments\/(\d+)$/, ([id], { body }) => this.change(id, (body as { readonly status?: string }).status)],
    // api/environments
    ['GET', /^\/environments$/, (_, { query }) => ({ body: this.known().filter(({ name }) => name === (query.get('name') ?? name)) })],
    [
      'GET',
      /^\/environments\/(\d+)$/,
      ([id]) =>
        this.with(
          this.known().find((one) => String(one.id) === id),
          (one) => this.environment(one),
        ),
    ],
    ['POST', /^\/environments$/, (_, { body }) => this.makeEnvironment(body as Partial<Environment>)],
    [
      'PUT',
      /^\/environments\/(\d+)$/,
      ([id], { body }) =>
        this.with(
          this.environments.find((one) => String(one.id) === id),
          (one) => Object.assign(one, body),
        ),
    ],
  ];

  private with<T>(value: T | undefined, answer: (value: T) => unknown, status = 200): Reply | undefined {
    return value === undefined ? undefined : { status, body: answer(value) };
  }

  private withJob(id: string, answer: (run: ScriptedRun, job: ScriptedJob) => unknown): Reply | undefined {
    const run = this.runs.runs.find(({ allJobs }) => allJobs.some((job) => job.id === id));
    const job = this.runs.findJob(id);
    return run && job ? { body: answer(run, job) } : undefined;
  }

  private time(date: Date | undefined): string | null {
    return date === undefined ? null : new Date(date.getTime() + (this.options.skewMs ?? 0)).toISOString();
  }

  private page(below: string): string {
    return `${this.url()}/${this.project}/-/${below}`;
  }

  private projectBody(): object {
    const level = this.access.level;
    return {
      id: 1,
      path_with_namespace: this.project,
      default_branch: 'main',
      archived: false,
      jobs_enabled: true,
      builds_access_level: 'enabled',
      permissions: { project_access: level === null ? null : { access_level: level }, group_access: null },
      ...this.access.project,
    };
  }

  private create(ref: string): Reply {
    if (this.refusal) return this.refusal;
    const commit = this.options.commitOf ? this.options.commitOf(ref) : this.branches.get(ref);
    if (commit === undefined) return { status: 400, body: { message: { base: ['Reference not found'] } } };
    return { status: 201, body: this.pipeline(this.runs.begin({ branch: ref, commit, by: user.username, event: 'api' })) };
  }

  private basic(run: ScriptedRun): object {
    return {
      id: Number(run.id),
      iid: Number(run.id) - 1000,
      project_id: 1,
      status: pipelineStatus(run),
      source: run.event === 'workflow_dispatch' ? 'api' : run.event,
      ref: run.branch,
      sha: run.commit,
      web_url: this.page(`pipelines/${run.id}`),
      created_at: this.time(run.createdAt),
      updated_at: this.time(run.finishedAt ?? run.createdAt),
    };
  }

  /** The skipped pipeline that a push of a delivery branch leaves (lib/gitlab/ci/pipeline/chain/skip.rb). */
  private skipped(run: ScriptedRun): object[] {
    if (!run.branch.startsWith('deliver/')) return [];
    const id = Number(run.id) - 1;
    return [{ ...this.basic(run), id, status: 'skipped', source: 'push', web_url: this.page(`pipelines/${id}`) }];
  }

  private pipeline(run: ScriptedRun): object {
    const starts = run.allJobs.flatMap(({ startedAt }) => startedAt ?? []).sort((a, b) => a.getTime() - b.getTime());
    return {
      ...this.basic(run),
      before_sha: '0000000000000000000000000000000000000000',
      tag: false,
      yaml_errors: run.startupFailure ?? null,
      user: { ...user, username: run.by },
      started_at: this.time(starts[0]),
      finished_at: this.time(run.finishedAt),
      committed_at: null,
      duration: null,
      detailed_status: { text: pipelineStatus(run), label: pipelineStatus(run), tooltip: pipelineStatus(run), has_details: true },
    };
  }

  /** Newest first (api/jobs: sorted by ID in descending order). */
  private jobs(run: ScriptedRun, query: URLSearchParams): object[] {
    if (run.startupFailure !== undefined) return [];
    const jobs = query.get('include_retried') === 'true' ? run.allJobs : run.jobs;
    return [...jobs].sort((a, b) => Number(b.id) - Number(a.id)).map((job) => this.job(run, job));
  }

  private job(run: ScriptedRun, job: ScriptedJob): object {
    const isRetry = job.attempt > 1;
    const before = run.allJobs.filter((one) => one.attempt < job.attempt).flatMap(({ finishedAt }) => finishedAt ?? []);
    const made = isRetry ? new Date(Math.max(run.createdAt.getTime(), ...before.map((one) => one.getTime() + 1))) : run.createdAt;
    return {
      id: Number(job.id),
      name: job.name,
      status: jobStatus(run, job),
      stage: 'test',
      ref: run.branch,
      tag: false,
      allow_failure: false,
      created_at: this.time(made),
      started_at: this.time(job.startedAt),
      finished_at: this.time(job.finishedAt),
      erased_at: this.erased.has(job.id) ? this.time(new Date()) : null,
      duration: null,
      queued_duration: null,
      user: { ...user, username: run.by },
      commit: commitOf(run),
      pipeline: this.basic(run),
      ...(job.state === 'failed' && { failure_reason: job.startedAt ? 'script_failure' : 'stuck_or_timeout_failure' }),
      web_url: this.page(`jobs/${job.id}`),
      artifacts: [],
      runner: null,
      tag_list: [],
      ...this.facts.get(job.name),
    };
  }

  private trace(id: string, range: string | undefined): Reply | undefined {
    const job = this.runs.findJob(id);
    if (!job) return undefined;
    const log = this.erased.has(id) ? Buffer.alloc(0) : this.options.runnerMarks ? withRunnerMarks(job) : job.log;
    const headers = { 'Content-Type': 'text/plain' };
    const from = this.options.ranges === true ? /^bytes=(\d+)-$/.exec(range ?? '')?.[1] : undefined;
    if (from === undefined) return { headers, body: log };
    if (Number(from) >= log.length) return { status: 416, headers: { ...headers, 'Content-Range': `bytes */${log.length}` } };
    const span = `bytes ${from}-${log.length - 1}/${log.length}`;
    return { status: 206, headers: { ...headers, 'Content-Range': span }, body: log.subarray(Number(from)) };
  }

  private play(id: string): Reply | undefined {
    const job = this.runs.findJob(id);
    if (!job) return undefined;
    if (job.approval === undefined) return { status: 400, body: { message: '400 Bad request - Unplayable Job' } };
    if (this.isBlocked(job)) return { status: 403, body: { message: '403 Forbidden' } };
    job.approval = undefined;
    return this.withJob(id, (run, one) => this.job(run, one));
  }

  private isBlocked(job: ScriptedJob): boolean {
    return (this.options.protectedEnvironments ?? []).includes(job.approval ?? '') && !this.approved.has(job.id);
  }

  /** Deployments of jobs; a deployment has the id of its job here. */
  private jobDeployments(): { readonly id: number; readonly status: string; readonly environment: { readonly name: string } }[] {
    return this.runs.runs
      .flatMap((run) => run.allJobs.map((job) => ({ run, job })))
      .flatMap(({ run, job }) => {
        const name = job.approval ?? job.deployedTo?.environment;
        if (name === undefined) return [];
        const status = job.approval === undefined ? 'success' : this.isBlocked(job) ? 'blocked' : 'created';
        const environment = { id: 1, name, external_url: job.deployedTo?.url ?? null };
        const id = Number(job.id);
        const facts = { id, iid: id, ref: run.branch, sha: run.commit, created_at: this.time(run.createdAt), status, user };
        return [{ ...facts, environment, deployable: this.job(run, job) }];
      })
      .sort((a, b) => b.id - a.id);
  }

  /** Deployments without a job, newest first. */
  private listed(query: URLSearchParams): object[] {
    const made = this.runs.deployments.map((one) => ({
      ...this.deployment(one),
      environment: { id: 1, name: one.environment, external_url: one.url },
    }));
    const [environment, status] = [query.get('environment'), query.get('status')];
    return [...this.jobDeployments(), ...made].filter(
      (one) => one.environment.name === (environment ?? one.environment.name) && one.status === (status ?? one.status),
    );
  }

  /** Deployments of jobs cannot be changed (lib/api/deployments.rb). */
  private change(id: string | undefined, status: string | undefined): Reply | undefined {
    const one = this.runs.deployments.find((deployment) => deployment.id === id);
    if (!one) return undefined;
    if (!this.told.has(one.id)) return { status: 403, body: { message: '403 Forbidden - Deployments created using GitLab CI' } };
    one.state = status === 'success' ? 'success' : status === 'failed' ? 'failure' : 'inactive';
    return { body: this.deployment(one) };
  }

  private deploy({ environment = '', sha = '', ref = '', status = '' }: Record<string, string>): Reply {
    const state = status === 'success' ? 'success' : status === 'failed' ? 'failure' : 'inactive';
    const url = this.known().find(({ name }) => name === environment)?.external_url ?? '';
    const id = String(this.runs.deployments.length + 1);
    this.runs.deployments.unshift({ id, environment, commit: sha, ref, by: user.username, createdAt: new Date(), state, url });
    this.told.add(id);
    return { status: 201, body: { id: Number(id), iid: Number(id), ref, sha, status, user, deployable: null } };
  }

  /** Includes environments that only the script names. */
  private known(): Environment[] {
    for (const { environment: name, url } of this.runs.deployments)
      if (!this.environments.some((one) => one.name === name)) this.makeEnvironment({ name, external_url: url });
    return this.environments;
  }

  private makeEnvironment({ name = '', external_url = null }: Partial<Environment>): Reply {
    if (this.environments.some((one) => one.name === name)) return { status: 400, body: { message: { name: ['has already been taken'] } } };
    const environment = { id: this.environments.length + 1, name, external_url, state: 'available', tier: 'other' };
    this.environments.push(environment);
    return { status: 201, body: environment };
  }

  private environment(environment: Environment): object {
    // The last success (app/models/environment.rb).
    const last = this.runs.deployments.find((one) => one.environment === environment.name && one.state === 'success');
    return { ...environment, last_deployment: last ? this.deployment(last) : null };
  }

  private deployment({ id, commit, ref, by, createdAt, state }: ScriptedDeployment): { readonly status: string } {
    const status = { success: 'success', failure: 'failed', in_progress: 'running', inactive: 'canceled' }[state];
    // A cancelled job never went live: such a deployment was reported over the API.
    const deployable = this.told.has(id) || state === 'inactive' ? null : { id: 1, status: 'success', web_url: this.page('jobs/1') };
    const facts = {
      id: Number(id),
      ref,
      sha: commit,
      created_at: this.time(createdAt),
      status,
      user: { ...user, username: by },
      deployable,
    };
    return facts;
  }
}

function commitOf({ commit, subject }: ScriptedRun): object {
  return { id: commit, short_id: commit.slice(0, 8), title: subject, message: `${subject}\n` };
}

function pipelineStatus(run: ScriptedRun): string {
  const states = { waiting: 'pending', running: 'running', passed: 'success', failed: 'failed', cancelled: 'canceled', skipped: 'skipped' };
  const goesOn = run.state === 'waiting' || run.state === 'running';
  const open = run.jobs.filter((job) => !job.isOver && !run.isSkipped(job));
  const isBlocked =
    goesOn &&
    open.some(({ approval }) => approval !== undefined) &&
    open.every((job) => jobStatus(run, job) !== 'pending' && job.state !== 'running');
  return isBlocked ? 'manual' : states[run.state];
}

function jobStatus(run: ScriptedRun, job: ScriptedJob): string {
  const states = { running: 'running', passed: 'success', failed: 'failed', cancelled: 'canceled', skipped: 'skipped' };
  if (job.state !== 'waiting') return states[job.state];
  if (run.isSkipped(job)) return 'skipped';
  if (job.needs.some((name) => run.job(name).state !== 'passed')) return 'created';
  return job.approval === undefined ? 'pending' : 'manual';
}

function testReport(run: ScriptedRun): object {
  const suites = run.jobs.flatMap(({ name, report }) => (report === undefined ? [] : [testSuite(name, report)]));
  return { total_count: suites.length, test_suites: suites };
}

/** The format of a runner: sections, a time before each line, and a line split in two by a section. */
function withRunnerMarks({ log, isOver }: ScriptedJob): Buffer {
  const time = (stream: string): string => `2026-11-24T10:00:00.123456Z ${stream}`;
  const lines = log.toString('latin1').split(/(?<=\n)/);
  const ends = isOver
    ? [`${time('00O ')}section_end:1764000002:step_script\r\n`, `${time('00O+')}\x1b[0K`, '\x1b[32;1mJob succeeded\x1b[0;m\n']
    : [];
  return Buffer.from(
    [
      `${time('00O ')}Running with gitlab-runner 18.5.0\n`,
      `${time('00O ')}section_start:1764000000:step_script\r\n${time('00O+')}\x1b[0K\x1b[36;1mExecuting "step_script"\x1b[0;m\n`,
      ...lines.filter((line) => line !== '').map((line) => `${time('01O ')}${line}`),
      ...ends,
    ].join(''),
    'latin1',
  );
}
