import { createHash } from 'node:crypto';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { askedOf, type Asked, type Reply } from '../http-server';
import type { EngineServer, Fault } from './engine-server';
import { GitlabApi } from './gitlab-api';
import type { ScriptedRuns } from './scripted-runs';

export interface GitlabOptions {
  /** `group/name` */
  readonly project?: string;
  /** Whether traces support ranges. GitLab's API does not document them (gitlab-org/gitlab#30391). */
  readonly ranges?: boolean;
  /** Whether runners write times and sections into logs, the default today (docs.gitlab.com: ci/jobs/job_logs). */
  readonly runnerMarks?: boolean;
  /** The server's idea of its own address, if it does not know of the proxy before it. */
  readonly ownAddress?: string;
  /** How far the server's clock is ahead. */
  readonly skewMs?: number;
  /** The commit of a branch; from `branches` by default. */
  readonly commitOf?: (branch: string) => string | undefined;
  /** Environments that require an approval (docs.gitlab.com: ci/environments/deployment_approvals). */
  readonly protectedEnvironments?: readonly string[];
}

const token = 'glpat-of-the-test-0123456789';

/** A GitLab server of the tests: its REST API, version 4, as docs.gitlab.com/api describes it. */
export class GitlabServer implements EngineServer {
  readonly token = token;
  readonly asked: Asked[] = [];
  fault: Fault | undefined;
  onAnswer: EngineServer['onAnswer'];
  readonly api: GitlabApi;
  private readonly server: http.Server;
  private left = 2000;

  private constructor(
    readonly runs: ScriptedRuns,
    private readonly options: GitlabOptions,
  ) {
    this.api = new GitlabApi(runs, options, () => this.url);
    this.server = http.createServer((request, response) => void this.serve(request, response));
  }

  static async start(runs: ScriptedRuns, options: GitlabOptions = {}): Promise<GitlabServer> {
    const started = new GitlabServer(runs, options);
    await new Promise<void>((resolve) => started.server.listen(0, '127.0.0.1', resolve));
    return started;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const asked = await askedOf(request);
    this.asked.push(asked);
    this.onAnswer?.(asked, response);
    const fault = this.fault?.(asked);
    if (fault?.delayMs !== undefined) await delay(fault.delayMs);
    const reply = fault?.reply ?? this.answer(asked);
    this.write(response, asked, reply, fault?.cut);
  }

  private answer(asked: Asked): Reply {
    if (!asked.path.startsWith('/api/v4/')) return { status: 302, headers: { Location: `${this.url}/users/sign_in` } };
    if (asked.headers.authorization !== `Bearer ${token}`) return { status: 401, body: { message: '401 Unauthorized' } };
    return this.api.answer(asked);
  }

  /** Pages, ETags, and rate limits (docs.gitlab.com: api/rest, administration/settings/user_and_ip_rate_limits). */
  private write(response: http.ServerResponse, asked: Asked, { status = 200, headers = {}, body }: Reply, cut: number | undefined): void {
    const page = Array.isArray(body)
      ? pageOf(body as readonly unknown[], asked, this.options.ownAddress ?? this.url)
      : { body, headers: {} };
    const bytes = Buffer.isBuffer(page.body)
      ? page.body
      : Buffer.from(page.body === undefined ? '' : typeof page.body === 'string' ? page.body : JSON.stringify(page.body));
    const etag = `W/"${createHash('sha256').update(bytes).digest('hex').slice(0, 32)}"`;
    const isSame = asked.method === 'GET' && status === 200 && asked.headers['if-none-match'] === etag;
    const now = Date.now() + (this.options.skewMs ?? 0);
    response.writeHead(isSame ? 304 : status, {
      'Content-Type': 'application/json',
      ...(!Buffer.isBuffer(body) && asked.method === 'GET' && { ETag: etag }),
      Date: new Date(now).toUTCString(),
      'RateLimit-Limit': '2000',
      'RateLimit-Observed': String(2001 - this.left),
      'RateLimit-Remaining': String(--this.left),
      'RateLimit-Reset': String(Math.ceil(now / 60_000) * 60),
      ...page.headers,
      ...headers,
      ...(!isSame && { 'Content-Length': bytes.length }),
    });
    if (isSame) response.end();
    else if (cut === undefined) response.end(bytes);
    else response.write(bytes.subarray(0, cut), () => response.socket?.end());
  }
}

function pageOf(values: readonly unknown[], asked: Asked, url: string): { body: unknown; headers: Record<string, string> } {
  const size = Math.min(100, Number(asked.query.get('per_page') ?? 20));
  const page = Number(asked.query.get('page') ?? 1);
  const body = values.slice((page - 1) * size, page * size);
  const hasNext = values.length > page * size;
  const query = new URLSearchParams(asked.query);
  query.set('page', String(page + 1));
  return {
    body,
    headers: {
      'X-Page': String(page),
      'X-Per-Page': String(size),
      'X-Next-Page': hasNext ? String(page + 1) : '',
      'X-Total': String(values.length),
      ...(hasNext && { Link: `<${url}${asked.path}?${query.toString()}>; rel="next"` }),
    },
  };
}
