import { zipSync } from 'fflate';
import type { Asked, Reply } from '../http-server';
import { annotationFields, artifactFields, deploymentFields, jobFields, runFields, statusFields, type Addresses } from './github-fields';
import type { ScriptedJob, ScriptedRun, ScriptedRuns } from './scripted-runs';

export interface GithubOptions {
  /** `owner/name`; `acme/shop` by default. */
  readonly repository?: string;
  /** The workflow files on the default branch; `deliver-shop.yml` by default. */
  readonly workflows?: readonly string[];
  /** How an Enterprise server before 2026 treats `return_run_details`: it ignores or refuses it. */
  readonly details?: 'given' | 'ignored' | 'refused';
  /** The list of the latest attempt omits kept jobs. */
  readonly hidesKept?: boolean;
  /** The commit of each branch. */
  readonly commitOf?: (branch: string) => string | undefined;
  /** The list of runs ignores filters. */
  readonly hasNoFilters?: boolean;
  /** How many times a new run is missing in the list. */
  readonly listDelay?: number;
  /** How far the server's clock is ahead. */
  readonly skewMs?: number;
  /** Entries on a page, whatever the request says. */
  readonly pageSize?: number;
  /** The storage ignores ranges. */
  readonly hasNoRanges?: boolean;
  /** How many times a log is missing. */
  readonly logDelay?: number;
  /** How many times a run is not queued yet, so that a cancellation fails. */
  readonly queueDelay?: number;
  /** Permissions of the repository. */
  readonly facts?: object;
  /** The token belongs to an app. */
  readonly isApp?: boolean;
  /** Scopes of a classic token. */
  readonly scopes?: string;
  /** The token's owner may not approve. */
  readonly mayNotApprove?: boolean;
  readonly annotations?: (job: ScriptedJob) => readonly object[];
  /** Overrides for fields of runs and jobs. */
  readonly runMore?: (run: ScriptedRun) => object;
  readonly jobMore?: (job: ScriptedJob) => object;
  /** The archive of a job's reports. */
  readonly archive?: (job: ScriptedJob) => Buffer;
}

type Route = readonly [method: string, path: RegExp, answer: (parts: readonly string[], asked: Asked) => Reply];

const notFound: Reply = { status: 404, body: { message: 'Not Found', status: '404' } };
const conflict = (message: string): Reply => ({ status: 409, body: { message } });

/** Returns the answers of GitHub to a scripted run. */
export class GithubAnswers {
  /** Deployment statuses that were posted, in order. */
  readonly told: unknown[] = [];
  private listDelay: number;
  private logDelay: number;
  private queueDelay: number;
  private readonly routes: readonly Route[];

  constructor(
    private readonly runs: ScriptedRuns,
    private readonly options: GithubOptions,
    private readonly addresses: () => Addresses,
  ) {
    this.listDelay = options.listDelay ?? 0;
    this.logDelay = options.logDelay ?? 0;
    this.queueDelay = options.queueDelay ?? 0;
    this.routes = this.table();
  }

  answer(asked: Asked): Reply {
    if (asked.method === 'GET' && asked.path === '/user') {
      const { scopes, isApp } = this.options;
      if (isApp) return { status: 403, body: { message: 'Resource not accessible by integration', status: '403' } };
      return { ...(scopes !== undefined && { headers: { 'X-OAuth-Scopes': scopes } }), body: { login: 'octocat', id: 1 } };
    }
    const folder = `/repos/${this.repository}`;
    if (asked.path !== folder && !asked.path.startsWith(`${folder}/`)) return notFound;
    const below = asked.path.slice(folder.length);
    for (const [method, pattern, answer] of this.routes) {
      const parts = method === asked.method ? pattern.exec(below) : null;
      if (parts) return answer(parts.slice(1), asked);
    }
    return notFound;
  }

  /** The content of the storage. */
  stored(path: string): Buffer | undefined {
    const [, kind, id = ''] = /^\/(log|reports)\/(\d+)/.exec(path) ?? [];
    const job = this.runs.findJob(id);
    if (!job) return undefined;
    if (kind === 'log') return logOf(job);
    if (this.options.archive) return this.options.archive(job);
    return job.report === undefined ? undefined : Buffer.from(zipSync({ 'reports/junit.xml': Buffer.from(job.report) }));
  }

  private get repository(): string {
    return this.options.repository ?? 'acme/shop';
  }

  private table(): Route[] {
    return [
      ['GET', /^$/, () => ({ body: this.facts() })],
      ['POST', /^\/actions\/workflows\/([^/]+)\/dispatches$/, ([file = ''], { body }) => this.dispatch(file, body)],
      ['GET', /^\/actions\/workflows\/([^/]+)\/runs$/, ([file = ''], asked) => this.list(file, asked)],
      ['GET', /^\/actions\/runs\/(\d+)$/, ([id = '']) => this.run(id, (run) => ({ body: this.runBody(run) }))],
      ['GET', /^\/actions\/runs\/(\d+)\/jobs$/, ([id = ''], asked) => this.run(id, (run) => this.jobs(run, asked))],
      ['POST', /^\/actions\/runs\/(\d+)\/cancel$/, ([id = '']) => this.run(id, (run) => this.cancel(run))],
      ['POST', /^\/actions\/runs\/(\d+)\/rerun(-failed-jobs)?$/, ([id = '', failed]) => this.run(id, (run) => this.rerun(run, failed))],
      ['GET', /^\/actions\/runs\/(\d+)\/pending_deployments$/, ([id = '']) => this.run(id, (run) => ({ body: this.pending(run) }))],
      ['POST', /^\/actions\/runs\/(\d+)\/pending_deployments$/, ([id = ''], { body }) => this.run(id, (run) => this.approve(run, body))],
      ['GET', /^\/actions\/runs\/(\d+)\/artifacts$/, ([id = ''], asked) => this.run(id, (run) => this.artifacts(run, asked))],
      ['GET', /^\/actions\/artifacts\/(\d+)\/zip$/, ([id = '']) => this.redirect(`/reports/${id}.zip`)],
      ['GET', /^\/actions\/jobs\/(\d+)\/logs$/, ([id = '']) => this.log(id)],
      ['GET', /^\/check-runs\/(\d+)$/, ([id = '']) => this.checkRun(id)],
      ['GET', /^\/check-runs\/(\d+)\/annotations$/, ([id = ''], asked) => this.annotations(id, asked)],
      ['GET', /^\/deployments$/, (_, asked) => this.deployments(asked)],
      ['POST', /^\/deployments$/, (_, { body }) => this.deploy(body)],
      ['GET', /^\/deployments\/(\d+)\/statuses$/, ([id = '']) => this.statuses(id)],
      ['POST', /^\/deployments\/(\d+)\/statuses$/, ([id = ''], { body }) => this.tell(id, body)],
    ];
  }

  private facts(): object {
    return {
      full_name: this.repository,
      default_branch: 'main',
      fork: false,
      archived: false,
      permissions: { admin: false, push: true, pull: true },
      ...this.options.facts,
    };
  }

  private has(file: string): boolean {
    return (this.options.workflows ?? ['deliver-shop.yml']).includes(file);
  }

  private run(id: string, answer: (run: ScriptedRun) => Reply): Reply {
    const run = this.runs.find(id);
    return run ? answer(run) : notFound;
  }

  private runBody(run: ScriptedRun): object {
    return { ...runFields(run, this.repository, this.addresses(), this.options.skewMs ?? 0), ...this.options.runMore?.(run) };
  }

  private dispatch(file: string, body: unknown): Reply {
    if (!this.has(file)) return notFound;
    const { ref, return_run_details: wanted } = body as { ref: string; return_run_details?: boolean };
    const { details = 'given' } = this.options;
    if (details === 'refused' && wanted !== undefined)
      return { status: 422, body: { message: 'Invalid request.\n\n"return_run_details" is not a permitted key.' } };
    const commit = this.options.commitOf?.(ref);
    const run = this.runs.begin({
      branch: ref,
      event: 'workflow_dispatch',
      ...(commit !== undefined && { commit }),
      ...this.pushed.get(ref),
    });
    if (details !== 'given' || wanted !== true) return { status: 204 };
    const page = `${this.addresses().url}/${this.repository}/actions/runs/${run.id}`;
    return { body: { workflow_run_id: Number(run.id), run_url: page, html_url: page } };
  }

  /** The commits that a test gave to branches. */
  readonly pushed = new Map<string, { readonly commit: string; readonly subject?: string }>();

  private list(file: string, asked: Asked): Reply {
    if (!this.has(file)) return notFound;
    const { query } = asked;
    const isWanted = (name: string, value: string): boolean =>
      this.options.hasNoFilters === true || !query.has(name) || query.get(name) === value;
    const isDelayed = query.has('head_sha') && this.listDelay-- > 0;
    const runs = this.runs.runs.filter(
      (run) => !isDelayed && isWanted('branch', run.branch) && isWanted('event', run.event) && isWanted('head_sha', run.commit),
    );
    return this.paged(
      runs.map((run) => this.runBody(run)),
      asked,
      'workflow_runs',
    );
  }

  private jobs(run: ScriptedRun, asked: Asked): Reply {
    // A job is created when its needs have ended.
    const made = run.jobs.filter((job) => job.isOver || run.isSkipped(job) || job.needs.every((need) => run.job(need).isOver));
    const isAll = asked.query.get('filter') === 'all';
    const listed = isAll ? [...run.allJobs.filter((job) => !run.jobs.includes(job)), ...made] : made;
    const shown = listed.filter((job) => isAll || !this.options.hidesKept || job.attempt === run.attempt);
    const fields = shown.map((job) => ({
      ...jobFields(job, run, this.repository, this.addresses(), this.options.skewMs ?? 0),
      ...this.options.jobMore?.(job),
    }));
    return this.paged(run.startupFailure === undefined ? fields : [], asked, 'jobs');
  }

  private cancel(run: ScriptedRun): Reply {
    if (run.finishedAt) return conflict('Cannot cancel a workflow run that is completed.');
    if (this.queueDelay-- > 0) return conflict('Cannot cancel a workflow re-run that has not yet queued.');
    run.cancel();
    return { status: 202, body: {} };
  }

  private rerun(run: ScriptedRun, failed: string | undefined): Reply {
    if (!run.finishedAt) return { status: 403, body: { message: 'This workflow is already running' } };
    if (failed === undefined) run.rerunAll();
    else run.rerunFailed();
    return { status: 201, body: {} };
  }

  private held(run: ScriptedRun): string[] {
    return [...new Set(run.jobs.flatMap(({ approval, state }) => (state === 'waiting' ? (approval ?? []) : [])))];
  }

  private pending(run: ScriptedRun): object[] {
    return this.held(run).map((name, index) => ({
      environment: { id: index + 70, name, html_url: `${this.addresses().url}/${this.repository}/deployments` },
      wait_timer: 0,
      wait_timer_started_at: null,
      current_user_can_approve: this.options.mayNotApprove !== true,
      reviewers: [{ type: 'User', reviewer: { login: 'ada', id: 2 } }],
    }));
  }

  private approve(run: ScriptedRun, body: unknown): Reply {
    const { environment_ids: ids } = body as { environment_ids: readonly number[] };
    const names = this.held(run).filter((_, index) => ids.includes(index + 70));
    if (names.length === 0 || this.options.mayNotApprove)
      return { status: 422, body: { message: 'There was one or more errors approving or rejecting your deployments' } };
    for (const job of run.jobs) if (names.includes(job.approval ?? '')) job.start();
    return { body: [] };
  }

  private artifacts(run: ScriptedRun, asked: Asked): Reply {
    const all = run.allJobs.filter(({ report }) => report !== undefined || this.options.archive).map((job) => artifactFields(job, 'shop'));
    const name = asked.query.get('name');
    return this.paged(
      all.filter((one) => name === null || one.name === name),
      asked,
      'artifacts',
    );
  }

  private redirect(path: string): Reply {
    return { status: 302, headers: { Location: `${this.addresses().storage}${path}?signature=0123456789` }, body: '' };
  }

  private log(id: string): Reply {
    const job = this.runs.findJob(id);
    if (!job?.isOver || !job.startedAt || this.logDelay-- > 0) return notFound;
    return this.redirect(`/log/${id}`);
  }

  private checkRun(id: string): Reply {
    const job = this.runs.findJob(id);
    if (!job) return notFound;
    const environment = job.approval ?? job.deployedTo?.environment;
    return { body: { id: Number(id), name: job.name, ...(environment !== undefined && { deployment: { id: 1, environment } }) } };
  }

  private annotations(id: string, asked: Asked): Reply {
    const job = this.runs.findJob(id);
    if (!job) return notFound;
    const own =
      job.state === 'failed' && job.startedAt
        ? [annotationFields({ message: `Process completed with exit code ${job.exitCode ?? 1}.` })]
        : [];
    return this.paged([...(this.options.annotations?.(job) ?? []).map(annotationFields), ...own], asked);
  }

  private deployments(asked: Asked): Reply {
    const isWanted = (name: string, value: string): boolean => !asked.query.has(name) || asked.query.get(name) === value;
    const list = this.runs.deployments.filter((one) => isWanted('environment', one.environment) && isWanted('sha', one.commit));
    return this.paged(
      list.map((one) => deploymentFields(one, this.options.skewMs ?? 0)),
      asked,
    );
  }

  private deploy(body: unknown): Reply {
    const { ref, environment } = body as { ref: string; environment: string };
    if (/^0+$/.test(ref)) return { status: 422, body: { message: `No ref found for: ${ref}` } };
    const id = String(500 + this.runs.deployments.length);
    const facts = { id, environment, commit: ref, ref, by: 'octocat', createdAt: new Date(), state: 'in_progress', url: '' } as const;
    const made = { ...facts };
    this.runs.deployments.unshift(made);
    return { status: 201, body: deploymentFields(made, this.options.skewMs ?? 0) };
  }

  private statuses(id: string): Reply {
    const one = this.runs.deployments.find((deployment) => deployment.id === id);
    return one ? { body: [statusFields(one, this.runs, this.addresses(), this.options.skewMs ?? 0)] } : notFound;
  }

  private tell(id: string, body: unknown): Reply {
    const one = this.runs.deployments.find((deployment) => deployment.id === id);
    if (!one) return notFound;
    const { state, environment_url: url } = body as { state: typeof one.state; environment_url?: string };
    this.told.push(body);
    one.state = state;
    one.url = url ?? '';
    return { status: 201, body: statusFields(one, this.runs, this.addresses(), this.options.skewMs ?? 0) };
  }

  /** A `Link` header names further pages. */
  private paged(all: readonly object[], { query, path }: Asked, key?: string): Reply {
    const size = this.options.pageSize ?? Number(query.get('per_page') ?? 30);
    const page = Number(query.get('page') ?? 1);
    const next = new URLSearchParams(query);
    next.set('page', String(page + 1));
    const isLast = page * size >= all.length;
    const shown = all.slice((page - 1) * size, page * size);
    return {
      ...(!isLast && { headers: { Link: `<${this.addresses().url}/api/v3${path}?${next.toString()}>; rel="next"` } }),
      body: key === undefined ? shown : { total_count: all.length, [key]: shown },
    };
  }
}

/** The format of the runner: a byte order mark, and a time before each line. */
export function logOf({ log }: Pick<ScriptedJob, 'log'>): Buffer {
  const parts: Buffer[] = [Buffer.from('\ufeff')];
  for (let at = 0; at < log.length;) {
    const end = log.indexOf('\n', at) + 1 || log.length;
    parts.push(Buffer.from('2026-11-24T10:00:00.1234567Z '), log.subarray(at, end));
    at = end;
  }
  return Buffer.concat(parts);
}
