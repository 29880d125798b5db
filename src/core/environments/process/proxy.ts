import { once } from 'node:events';
import * as http from 'node:http';
import * as net from 'node:net';
import type { Duplex } from 'node:stream';
import { protocolOf } from './first-bytes';
import { forward, forwardUpgrade, maxHeaderSize, tunnel } from './forward';
import type { Address } from './health';

/** The time after which the release is asked whether it speaks first, as databases and mail servers do. */
const silenceMs = 300;
/** The answers of this period decide whether a release fails its customers. */
const recentMs = 30_000;
const maxRecent = 50;
/** Fewer errors are no failure. */
const minErrors = 3;

/** A release as the proxy sees it: its address, its open connections and its recent answers. */
export class Upstream {
  private readonly connections = new Set<http.ServerResponse | Duplex>();
  private recent: { readonly at: number; readonly status: number }[] = [];
  private onIdle: () => void = () => {};
  /** Called after each answer with a server error. */
  onError: () => unknown = () => {};

  constructor(readonly address: Address) {}

  track(connection: http.ServerResponse | Duplex): void {
    this.connections.add(connection);
    connection.once('close', () => {
      this.connections.delete(connection);
      if (this.connections.size === 0) this.onIdle();
    });
  }

  /**
   * Resolves with 0 when all connections are closed or the signal aborts, or after `limitMs` with the number of connections that it
   * cut.
   */
  async drain(limitMs: number, signal?: AbortSignal): Promise<number> {
    if (this.connections.size === 0 || signal?.aborted) return 0;
    let count = 0;
    const timer = setTimeout(() => {
      count = this.connections.size;
      for (const connection of this.connections) connection.destroy();
      this.onIdle();
    }, limitMs);
    await new Promise<void>((resolve) => {
      this.onIdle = resolve;
      signal?.addEventListener('abort', () => resolve(), { once: true });
    });
    clearTimeout(timer);
    return count;
  }

  answered(status: number): void {
    this.recent.push({ at: Date.now(), status });
    if (this.recent.length > maxRecent) this.recent.shift();
    if (status >= 500) this.onError();
  }

  /** Errors of a verification, which may cause them on purpose, do not count afterwards. */
  forgetAnswers(): void {
    this.recent = [];
  }

  /** Returns the share of server errors among the recent answers, and a sentence if it is at least half. */
  get errors(): { readonly share: number; readonly problem?: string } {
    const since = Date.now() - recentMs;
    const answers = this.recent.filter(({ at }) => at >= since);
    const failed = answers.filter(({ status }) => status >= 500);
    if (failed.length < minErrors) return { share: 0 };
    const share = failed.length / answers.length;
    const problem = `${failed.length} of its last ${answers.length} answers were server errors (${failed.at(-1)?.status})`;
    return share >= 0.5 ? { share, problem } : { share };
  }
}

/** The fixed address of a service. It forwards to the live release, and a switch drops no request. */
export class ServiceProxy {
  private upstream: Upstream | undefined;
  private readonly server: http.Server;
  private readonly door: net.Server;
  private readonly sockets = new Set<net.Socket>();

  /** `unavailableReason` is the response body while no release is live. */
  constructor(
    readonly port: number,
    private readonly unavailableReason: () => string,
  ) {
    this.server = http.createServer({ maxHeaderSize }, (request, response) => this.answer(request, response));
    // The release decides whether the client may send the body.
    this.server.on('checkContinue', (request: http.IncomingMessage, response: http.ServerResponse) => this.answer(request, response));
    this.server.on('upgrade', (request: http.IncomingMessage, socket: Duplex, head: Buffer) => this.upgrade(request, socket, head));
    // The service decides how long a request may take.
    this.server.requestTimeout = 0;
    this.server.keepAliveTimeout = 60_000;
    this.door = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.accept(socket));
  }

  /** Returns false if another process listens on the port. */
  async listen(): Promise<boolean> {
    try {
      this.door.listen(this.port, '127.0.0.1');
      await once(this.door, 'listening');
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return false;
      throw error;
    }
  }

  get listening(): boolean {
    return this.door.listening;
  }

  /** Sends all new requests to `upstream`. Requests to the former one are still answered by it. */
  routeTo(upstream: Upstream | undefined): void {
    this.upstream = upstream;
  }

  async close(): Promise<void> {
    const closed = this.listening ? once(this.door, 'close') : undefined;
    this.door.close();
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  /** HTTP/1 is forwarded request by request, every other protocol as bytes. */
  private accept(socket: net.Socket): void {
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
    let first: Buffer = Buffer.alloc(0);
    let release: net.Socket | undefined;
    const decide = (kind: 'http' | 'bytes'): void => {
      clearTimeout(silence);
      socket.off('data', read).off('error', ignore).off('end', end).pause();
      if (first.length > 0) socket.unshift(first);
      if (kind === 'http') {
        release?.destroy();
        this.server.emit('connection', socket);
        process.nextTick(() => socket.resume());
      } else this.pass(socket, release);
    };
    const read = (bytes: Buffer): void => {
      first = first.length === 0 ? bytes : Buffer.concat([first, bytes]);
      const protocol = protocolOf(first);
      if (protocol !== 'more') decide(protocol);
    };
    const end = (): void => (first.length > 0 ? decide('bytes') : void socket.destroy());
    const silence = setTimeout(() => {
      if (first.length > 0) return decide('bytes');
      const { upstream } = this;
      if (!upstream) return;
      const asked = net.connect({ ...upstream.address, allowHalfOpen: true });
      release = asked;
      socket.once('close', () => asked.destroy());
      asked.on('error', ignore);
      asked.once('close', () => (release = release === asked ? undefined : release));
      asked.once('readable', () => {
        if (release === asked && asked.readableLength > 0 && first.length === 0) decide('bytes');
      });
    }, silenceMs);
    socket.on('data', read).on('error', ignore).on('end', end);
    socket.once('close', () => clearTimeout(silence));
  }

  private pass(socket: net.Socket, connected: net.Socket | undefined): void {
    const { upstream } = this;
    if (!upstream) return void socket.destroy();
    upstream.track(socket);
    tunnel(socket, connected ?? net.connect({ ...upstream.address, allowHalfOpen: true }));
  }

  private answer(request: http.IncomingMessage, response: http.ServerResponse): void {
    const { upstream } = this;
    if (!upstream) return sendText(response, 503, this.unavailableReason());
    closeWith(request.socket, response);
    upstream.track(response);
    forward(request, response, upstream.address, (status, error) => {
      upstream.answered(status);
      if (error && !response.headersSent) sendText(response, status, `the service did not answer: ${error.message}`);
    });
  }

  private upgrade(request: http.IncomingMessage, socket: Duplex, head: Buffer): void {
    const { upstream } = this;
    if (!upstream) {
      socket.end('HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\n\r\n');
      return;
    }
    upstream.track(socket);
    forwardUpgrade(request, socket, head, upstream.address);
  }
}

function ignore(): void {}

/** Node closes only the response that a socket sends, not the responses to pipelined requests that wait for it. */
function closeWith(socket: net.Socket, response: http.ServerResponse): void {
  const close = (): void => void (response.socket ?? response.emit('close'));
  socket.setMaxListeners(0).once('close', close);
  response.once('close', () => socket.off('close', close));
}

function sendText(response: http.ServerResponse, status: number, reason: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'retry-after': '1' });
  response.end(`${reason}\n`);
}
