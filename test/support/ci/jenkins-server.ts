import { randomBytes } from 'node:crypto';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import type { Asked, Reply } from '../http-server';
import type { EngineServer, Fault } from './engine-server';
import { JenkinsBuild } from './jenkins-build';
import type { ScriptedJob, ScriptedRun, ScriptedRuns } from './scripted-runs';

export interface JenkinsOptions {
  /** Before all paths: `/jenkins`. */
  readonly prefix?: string;
  readonly job?: string;
  /** The commit of a branch, or else some commit. */
  readonly commitOf?: (branch: string) => string | undefined;
}

interface Item {
  readonly id: number;
  readonly run: ScriptedRun;
  build?: JenkinsBuild;
  isCancelled?: boolean;
  isForgotten?: boolean;
}

/** A Jenkins of the tests with one Pipeline job: its remote API, and the plugins Pipeline: Stage View and JUnit. */
export class JenkinsServer implements EngineServer {
  readonly token = 'octocat:11aabbccddeeff00';
  readonly asked: Asked[] = [];
  fault: Fault | undefined;
  onAnswer: EngineServer['onAnswer'];
  /** Why nothing leaves the queue; undefined: builds begin at once. */
  why: string | undefined;
  /** How far its clock is ahead. */
  skewMs = 0;
  /** Refuses requests without a crumb. */
  wantsCrumb = false;
  hasStageView = true;
  isDisabled = false;
  parameters: readonly { readonly name: string; readonly type: string }[] = [{ name: 'DELIVERY_REF', type: 'StringParameterDefinition' }];
  /** A log of any size, made while it is read: answered in place of those that are kept. `bytes`: its size as Jenkins counts it. */
  longLog: { readonly bytes: number; readonly html: () => Iterable<string> } | undefined;
  /** Steps that end as unstable where they failed. */
  readonly unstable = new Set<string>();
  /** Steps that are skipped for a condition of their own: told as passed. */
  readonly conditional = new Set<string>();
  /** Stages that are no steps, as they are told. */
  readonly otherStages: Readonly<Record<string, unknown>>[] = [];
  private readonly items: Item[] = [];
  private builds = 0;
  private readonly server: http.Server;

  private constructor(
    readonly runs: ScriptedRuns,
    private readonly options: JenkinsOptions,
  ) {
    this.server = http.createServer((request, response) => void this.serve(request, response));
  }

  static async start(runs: ScriptedRuns, options: JenkinsOptions = {}): Promise<JenkinsServer> {
    const jenkins = new JenkinsServer(runs, options);
    await new Promise<void>((resolve) => jenkins.server.listen(0, '127.0.0.1', resolve));
    return jenkins;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  get url(): string {
    return `${this.origin}${this.prefix}`;
  }

  get job(): string {
    return this.options.job ?? 'folder/shop';
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** Earlier output precedes later output in the logs. */
  observe(): void {
    for (const run of [...this.runs.runs].reverse())
      if (!this.items.some((item) => item.run === run)) this.items.push({ id: 100 + this.items.length, run });
    for (const item of this.items) {
      if (!item.build && !item.isCancelled && this.why === undefined) item.build = new JenkinsBuild(item.run, item.id, ++this.builds);
      item.build?.observe();
    }
  }

  /** As it does some minutes after they left the queue. */
  forgetItems(): void {
    this.observe();
    for (const item of this.items) item.isForgotten = true;
  }

  build(run: ScriptedRun): JenkinsBuild {
    this.observe();
    const build = this.items.find((item) => item.run === run)?.build;
    if (!build) throw new Error('the run is no build yet');
    return build;
  }

  private get prefix(): string {
    return this.options.prefix ?? '';
  }

  private get jobPath(): string {
    return this.job
      .split('/')
      .map((name) => `/job/${encodeURIComponent(name)}`)
      .join('');
  }

  private async serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    for await (const chunk of request) void chunk;
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://127.0.0.1');
    const asked: Asked = {
      method: request.method ?? '',
      path: pathname,
      query: searchParams,
      headers: request.headers,
      body: undefined,
      target: request.url ?? '',
    };
    this.asked.push(asked);
    this.onAnswer?.(asked, response);
    const fault = this.fault?.(asked);
    if (fault?.delayMs !== undefined) await new Promise((resolve) => setTimeout(resolve, fault.delayMs).unref());
    this.observe();
    if (this.longLog && !fault && pathname.endsWith('/logText/progressiveHtml')) {
      response.writeHead(200, { ...html, 'X-Text-Size': String(this.longLog.bytes) });
      return void Readable.from(this.longLog.html())
        .on('error', () => response.destroy())
        .pipe(response);
    }
    const { status = 200, headers = {}, body } = fault?.reply ?? this.refusal(asked) ?? this.answer(asked) ?? notFound;
    const text = typeof body === 'string' ? body : body === undefined ? '' : JSON.stringify(body);
    const date = new Date(Date.now() + this.skewMs).toUTCString();
    const length = String(Buffer.byteLength(text));
    response.writeHead(status, { 'Content-Type': 'application/json;charset=utf-8', Date: date, 'Content-Length': length, ...headers });
    if (fault?.cut === undefined) return void response.end(text);
    response.write(Buffer.from(text).subarray(0, fault.cut), () => setImmediate(() => response.destroy()));
  }

  private refusal({ method, headers, path }: Asked): Reply | undefined {
    const { authorization } = headers;
    if (authorization === undefined) return { status: 403, headers: html, body: '<html>Authentication required</html>' };
    if (authorization !== `Basic ${Buffer.from(this.token).toString('base64')}`)
      return { status: 401, headers: html, body: '<html>Unauthorized</html>' };
    if (method !== 'POST' || !this.wantsCrumb || path.endsWith('/crumbIssuer/api/json') || headers['jenkins-crumb'] === 'c0ffee')
      return undefined;
    return { status: 403, body: { servlet: 'Stapler', message: 'No valid crumb was included in the request', status: '403' } };
  }

  private answer({ method, path, query }: Asked): Reply | undefined {
    if (!path.startsWith(`${this.prefix}/`)) return undefined;
    const at = path.slice(this.prefix.length);
    if (at === '/me/api/json') return { body: { _class: 'hudson.model.User', id: 'octocat', fullName: 'Mona Octocat' } };
    if (at === '/crumbIssuer/api/json') return { body: { crumbRequestField: 'Jenkins-Crumb', crumb: 'c0ffee' } };
    const item = /^\/queue\/item\/(\d+)\/api\/json$/.exec(at)?.[1];
    if (item !== undefined) return this.itemAnswer(Number(item));
    if (at === '/queue/cancelItem' && method === 'POST') return this.cancelItem(Number(query.get('id')));
    if (!at.startsWith(`${this.jobPath}/`)) return undefined;
    const below = at.slice(this.jobPath.length + 1);
    if (below === 'api/json') return { body: this.jobAnswer() };
    if (below === 'buildWithParameters' && method === 'POST') return this.begin(query.get('DELIVERY_REF') ?? '');
    const [, number, rest = ''] = /^(\d+)\/(.*)$/.exec(below) ?? [];
    const build = this.live.find((one) => String(one.number) === number);
    return build && this.buildAnswer(build, rest, method, query);
  }

  private get live(): JenkinsBuild[] {
    return this.items.flatMap(({ build }) => (build && this.runs.runs.includes(build.run) ? [build] : [])).reverse();
  }

  private jobAnswer(): unknown {
    return {
      _class: 'org.jenkinsci.plugins.workflow.job.WorkflowJob',
      name: this.job.split('/').at(-1),
      buildable: !this.isDisabled,
      property: [{}, { parameterDefinitions: this.parameters }],
      builds: this.live.map((build) => this.facts(build)),
    };
  }

  private begin(ref: string): Reply {
    if (this.isDisabled) return { status: 409, headers: html, body: '<html>Conflict</html>' };
    const branch = ref.replace(/^refs\/heads\//, '');
    const commit = this.options.commitOf?.(branch) ?? randomBytes(20).toString('hex');
    const run = this.runs.begin({ branch, commit, by: 'Mona Octocat' });
    const id = 100 + this.items.length;
    this.items.push({ id, run });
    return { status: 201, headers: { Location: `${this.url}/queue/item/${id}/` }, body: '' };
  }

  private itemAnswer(id: number): Reply | undefined {
    const item = this.items.find((one) => one.id === id);
    if (!item || item.isForgotten) return undefined;
    const { run, build, isCancelled = false } = item;
    const inQueueSince = run.createdAt.getTime() + this.skewMs;
    const facts = { id, actions: this.actions(run, false), inQueueSince };
    if (build) return { body: { ...facts, why: null, cancelled: false, executable: { number: build.number, url: this.buildUrl(build) } } };
    return { body: { ...facts, why: isCancelled ? null : this.why, ...(isCancelled && { cancelled: true }) } };
  }

  private cancelItem(id: number): Reply {
    const item = this.items.find((one) => one.id === id);
    if (item && !item.build) item.isCancelled = true;
    return { status: 302, headers: { Location: `${this.url}/queue/` } };
  }

  private buildAnswer(build: JenkinsBuild, rest: string, method: string, query: URLSearchParams): Reply | undefined {
    if (rest === 'api/json') return { body: this.facts(build) };
    if (rest === 'logText/progressiveHtml') {
      const { text, size, isMore } = build.html(Number(query.get('start') ?? 0));
      return { headers: { ...html, 'X-Text-Size': String(size), ...(isMore && { 'X-More-Data': 'true' }) }, body: text };
    }
    if (rest === 'testReport/api/json') return this.report(build);
    if (rest === 'stop' && method === 'POST') {
      build.run.cancel();
      return { status: 302, headers: { Location: this.buildUrl(build) } };
    }
    if (!this.hasStageView) return undefined;
    if (rest === 'wfapi/describe') return { body: { id: String(build.number), stages: this.stages(build) } };
    if (rest === 'wfapi/inputSubmit' && method === 'POST') return this.proceed(build, query);
    if (rest === 'wfapi/pendingInputActions') return { body: this.inputs(build) };
    const node = /^execution\/node\/(\d+)\/wfapi\/describe$/.exec(rest)?.[1];
    return node === undefined ? undefined : this.nodeAnswer(build, node);
  }

  private buildUrl(build: JenkinsBuild): string {
    return `${this.url}${this.jobPath}/${build.number}/`;
  }

  private facts(build: JenkinsBuild): unknown {
    const { run, number, queueId, isOver } = build;
    const isUnstable = build.result === 'FAILURE' && run.jobs.some(({ name, state }) => state === 'failed' && this.unstable.has(name));
    return {
      _class: 'org.jenkinsci.plugins.workflow.job.WorkflowRun',
      number,
      queueId,
      url: this.buildUrl(build),
      building: !isOver,
      result: isOver ? (isUnstable ? 'UNSTABLE' : build.result) : null,
      timestamp: run.createdAt.getTime() + this.skewMs,
      duration: isOver ? (run.finishedAt?.getTime() ?? run.createdAt.getTime()) - run.createdAt.getTime() : 0,
      actions: this.actions(run, true),
      changeSets: [{ items: [{ commitId: run.commit, msg: run.subject }] }],
    };
  }

  private actions(run: ScriptedRun, isCheckedOut: boolean): unknown[] {
    return [
      { causes: [{ shortDescription: `Started by user ${run.by}`, userName: run.by }] },
      { parameters: [{ name: 'DELIVERY_REF', value: `refs/heads/${run.branch}` }] },
      {},
      ...(isCheckedOut ? [{ lastBuiltRevision: { SHA1: run.commit, branch: [{ name: `refs/remotes/origin/${run.branch}` }] } }] : []),
    ];
  }

  private stages(build: JenkinsBuild): unknown[] {
    const { run } = build;
    const told = run.jobs.flatMap((job) => {
      const isPaused = job.approval !== undefined && !job.isOver;
      const isEntered = job.startedAt !== undefined || isPaused || (build.isOver && run.isSkipped(job));
      return isEntered ? [this.stage(build, job, isPaused)] : [];
    });
    return [...this.otherStages, ...told];
  }

  /** Stages after a failure are entered, run nothing and are reported as passed. */
  private stage(build: JenkinsBuild, job: ScriptedJob, isPaused: boolean): unknown {
    const words = { waiting: 'SUCCESS', running: 'IN_PROGRESS', passed: 'SUCCESS', cancelled: 'ABORTED', skipped: 'NOT_EXECUTED' };
    const failed = this.unstable.has(job.name) ? 'UNSTABLE' : 'FAILED';
    const started = (job.startedAt ?? build.run.createdAt).getTime();
    return {
      id: build.stageId(job),
      name: job.name,
      status: isPaused ? 'PAUSED_PENDING_INPUT' : job.state === 'failed' ? failed : words[job.state],
      startTimeMillis: started + this.skewMs,
      durationMillis: (job.finishedAt?.getTime() ?? started) - started,
      pauseDurationMillis: 0,
      ...(job.state === 'failed' &&
        failed === 'FAILED' && { error: { message: `script returned exit code ${job.exitCode ?? 1}`, type: 'hudson.AbortException' } }),
    };
  }

  private nodeAnswer(build: JenkinsBuild, node: string): Reply | undefined {
    const job = build.run.jobs.find((one) => build.stageId(one) === node);
    if (!job) return undefined;
    const href = `${this.prefix}${this.jobPath}/${build.number}/execution/node/${build.shellId(job)}/wfapi`;
    const name = job.startedAt && !this.conditional.has(job.name) ? 'Shell Script' : 'Get contextual object from internal APIs';
    const nodes = [{ _links: { self: { href: `${href}/describe` }, log: { href: `${href}/log` } }, id: build.shellId(job), name }];
    return { body: { id: node, name: job.name, stageFlowNodes: nodes } };
  }

  private inputs(build: JenkinsBuild): unknown[] {
    return build.run.jobs.flatMap((job) => {
      if (job.approval === undefined || job.isOver) return [];
      const at = `${this.prefix}${this.jobPath}/${build.number}`;
      const [proceedUrl, abortUrl] = [`${at}/wfapi/inputSubmit?inputId=${job.id}`, `${at}/input/${job.id}/abort`];
      return [{ id: job.id, proceedText: 'Proceed', message: job.approval, inputs: [], proceedUrl, abortUrl }];
    });
  }

  private proceed(build: JenkinsBuild, query: URLSearchParams): Reply | undefined {
    const job = build.run.jobs.find((one) => one.id === query.get('inputId') && one.approval !== undefined);
    if (!job || query.get('json') === null) return { status: 500, headers: html, body: '<html>This page expects a form submission</html>' };
    job.start();
    return { body: '' };
  }

  private report(build: JenkinsBuild): Reply | undefined {
    const suites = build.run.jobs.flatMap((job) =>
      job.report === undefined ? [] : [{ name: 'suite', enclosingBlockNames: [job.name], cases: casesOf(job.report) }],
    );
    return suites.length === 0 ? undefined : { body: { suites } };
  }
}

const html = { 'Content-Type': 'text/html;charset=utf-8' };
const notFound: Reply = { status: 404, headers: html, body: '<html>Not Found</html>' };

/** Parses the simple JUnit XML of the tests. */
function casesOf(report: string): unknown[] {
  const attribute = (tag: string, name: string): string | undefined => new RegExp(` ${name}="([^"]*)"`).exec(tag)?.[1];
  return [...report.matchAll(/<testcase([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g)].map(([, tag = '', inner = '']) => {
    const [, failure, text] = /<failure([^>]*)>([\s\S]*?)<\/failure>/.exec(inner) ?? [];
    return {
      className: attribute(` ${tag}`, 'classname'),
      name: attribute(` ${tag}`, 'name'),
      status: failure === undefined ? 'PASSED' : 'FAILED',
      errorDetails: failure === undefined ? null : (attribute(failure, 'message') ?? null),
      errorStackTrace: text ?? null,
    };
  });
}
