import { createHash } from 'node:crypto';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import { GithubDescription } from '../github-description';
import { askedOf, type Asked, type Reply } from '../http-server';
import type { EngineServer, Fault } from './engine-server';
import { GithubAnswers, type GithubOptions } from './github-answers';
import type { ScriptedRuns } from './scripted-runs';

const base = '/api/v3';
/** Read once, because it is large. */
let description: GithubDescription | undefined;

/** A GitHub Enterprise server with its API below `/api/v3`, and its logs and archives on another host. */
export class GithubServer implements EngineServer {
  readonly token = 'ghp_accepted';
  readonly asked: Asked[] = [];
  /** Requests to the storage host. */
  readonly stored: Asked[] = [];
  fault: Fault | undefined;
  onAnswer: EngineServer['onAnswer'];
  /** Like `fault`, for the storage host. */
  storageFault: Fault | undefined;
  /** Violations of GitHub's API description. They are answered with 500. */
  readonly complaints: string[] = [];
  readonly answers: GithubAnswers;
  private remaining = 5000;

  private constructor(
    readonly runs: ScriptedRuns,
    private readonly options: GithubOptions,
    private readonly api: http.Server,
    private readonly storage: http.Server,
  ) {
    this.answers = new GithubAnswers(runs, options, () => ({ url: this.url, storage: `http://127.0.0.1:${portOf(storage)}` }));
  }

  static async start(runs: ScriptedRuns, options: GithubOptions = {}): Promise<GithubServer> {
    const api = http.createServer((request, response) => void server.serve(request, response));
    const storage = http.createServer((request, response) => void server.serveStored(request, response));
    const server: GithubServer = new GithubServer(runs, options, api, storage);
    for (const one of [api, storage]) await new Promise<void>((resolve) => one.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${portOf(this.api)}`;
  }

  async stop(): Promise<void> {
    for (const server of [this.api, this.storage]) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }

  private async serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const asked = await askedOf(request);
    this.asked.push(asked);
    this.onAnswer?.(asked, response);
    const fault = this.fault?.(asked);
    const reply = fault?.reply ?? this.reply(asked);
    await send(response, this.tagged(asked, reply), fault, this.now());
  }

  private reply(asked: Asked): Reply {
    if (!asked.path.startsWith(`${base}/`)) return { status: 404, headers: { 'Content-Type': 'text/html' }, body: '<!DOCTYPE html>' };
    const below = { ...asked, path: asked.path.slice(base.length) };
    try {
      (description ??= new GithubDescription()).check(below);
    } catch (error) {
      this.complaints.push((error as Error).message);
      return { status: 500, body: { message: (error as Error).message } };
    }
    this.remaining -= 1;
    if (asked.headers.authorization !== `Bearer ${this.token}`) return { status: 401, body: { message: 'Bad credentials', status: '401' } };
    return this.answers.answer(below);
  }

  /** Requests without an answer are not validated. */
  private tagged(asked: Asked, reply: Reply): Reply {
    const { status = 200, body } = reply;
    if (asked.method !== 'GET' || status !== 200) return { ...reply, headers: { ...this.limits(), ...reply.headers } };
    const etag = `W/"${createHash('sha256').update(JSON.stringify(body)).digest('hex')}"`;
    const isSame = asked.headers['if-none-match'] === etag;
    if (isSame) this.remaining += 1;
    return { ...reply, headers: { ...this.limits(), ETag: etag, ...reply.headers }, ...(isSame && { status: 304, body: undefined }) };
  }

  private limits(): Readonly<Record<string, string>> {
    return {
      'X-RateLimit-Limit': '5000',
      'X-RateLimit-Remaining': String(this.remaining),
      'X-RateLimit-Reset': String(Math.ceil((this.now() + 1_800_000) / 1000)),
      'X-RateLimit-Resource': 'core',
    };
  }

  private now(): number {
    return Date.now() + (this.options.skewMs ?? 0);
  }

  private async serveStored(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const asked = await askedOf(request);
    this.stored.push(asked);
    this.onAnswer?.(asked, response);
    const fault = this.storageFault?.(asked);
    await send(response, fault?.reply ?? this.storedReply(asked), fault, this.now());
  }

  /** Answers like a blob store: with ranges by RFC 9110, and refusing a token besides the signed address. */
  private storedReply({ path, headers }: Asked): Reply {
    if (headers.authorization !== undefined) return { status: 400, body: 'InvalidAuthenticationInfo' };
    const content = this.answers.stored(path);
    if (!content) return { status: 404, body: 'BlobNotFound' };
    const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? NaN);
    const type = { 'Content-Type': path.endsWith('.zip') ? 'application/zip' : 'text/plain' };
    if (Number.isNaN(from) || this.options.hasNoRanges) return { headers: type, body: content };
    const { length } = content;
    if (from >= length) return { status: 416, headers: { ...type, 'Content-Range': `bytes */${length}` }, body: '' };
    return { status: 206, headers: { ...type, 'Content-Range': `bytes ${from}-${length - 1}/${length}` }, body: content.subarray(from) };
  }
}

function portOf(server: http.Server): number {
  return (server.address() as AddressInfo).port;
}

async function send(response: http.ServerResponse, reply: Reply, fault: ReturnType<Fault>, now: number): Promise<void> {
  if (fault?.delayMs !== undefined) await new Promise((resolve) => setTimeout(resolve, fault.delayMs));
  const { status = 200, headers = {}, body } = reply;
  const bytes = Buffer.isBuffer(body)
    ? body
    : Buffer.from(body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body));
  const hasBody = status !== 204 && status !== 304;
  response.writeHead(status, {
    Date: new Date(now).toUTCString(),
    ...(hasBody && { 'Content-Type': 'application/json; charset=utf-8', 'Content-Length': String(bytes.length) }),
    ...headers,
  });
  if (fault?.cut === undefined || fault.cut >= bytes.length) return void response.end(hasBody ? bytes : undefined);
  response.write(bytes.subarray(0, fault.cut), () => response.socket?.destroySoon());
}
