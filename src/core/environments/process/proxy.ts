import { once } from 'node:events';
import * as http from 'node:http';
import type { Duplex } from 'node:stream';
import { createProxyServer, type ProxyServer } from 'http-proxy-3';
import type { Address } from './health';

/** A release as the front sees it: where it listens, and what of it is on the way to customers. */
export class Target {
  private readonly open = new Set<http.ServerResponse | Duplex>();
  private whenIdle: () => void = () => {};

  constructor(readonly address: Address) {}

  hold(what: http.ServerResponse | Duplex): void {
    this.open.add(what);
    what.once('close', () => {
      this.open.delete(what);
      if (this.open.size === 0) this.whenIdle();
    });
  }

  /** Resolves when every answer has been given; what is still open after `limitMs` is cut. */
  async drain(limitMs: number): Promise<void> {
    if (this.open.size === 0) return;
    const idle = new Promise<void>((resolve) => (this.whenIdle = resolve));
    const timer = setTimeout(() => {
      for (const what of this.open) what.destroy();
    }, limitMs);
    await idle;
    clearTimeout(timer);
  }
}

/** The fixed address of a service: whatever release is live answers there, and a switch drops nothing. */
export class Front {
  private target: Target | undefined;
  private readonly server: http.Server;
  private readonly proxy: ProxyServer;

  /** `whyDown` says why nothing is live, to whoever asks meanwhile. */
  constructor(
    readonly port: number,
    private readonly whyDown: () => string,
  ) {
    // One connection a request: one kept for later could end just as it is used again.
    this.proxy = createProxyServer({ xfwd: true, agent: false });
    this.proxy.on('error', (error, _request, answer) => {
      if (!(answer instanceof http.ServerResponse) || answer.headersSent) answer.destroy();
      else say(answer, 502, `the service did not answer: ${error.message}`);
    });
    this.server = http.createServer((request, response) => this.answer(request, response));
    this.server.on('upgrade', (request: http.IncomingMessage, socket: Duplex, head: Buffer) => this.upgrade(request, socket, head));
    // Customers' requests may be as long as the service allows.
    this.server.requestTimeout = 0;
    this.server.keepAliveTimeout = 60_000;
  }

  /** Throws where the port is taken. */
  async listen(): Promise<void> {
    this.server.listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
  }

  /** From now on each request goes to `target`; answers of another one that are on the way go on. */
  serve(target: Target | undefined): void {
    this.target = target;
  }

  async close(): Promise<void> {
    this.server.close();
    this.server.closeAllConnections();
    await once(this.server, 'close').catch(() => {});
  }

  private answer(request: http.IncomingMessage, response: http.ServerResponse): void {
    const { target } = this;
    if (!target) return say(response, 503, this.whyDown());
    target.hold(response);
    this.proxy.web(request, response, { target: target.address });
  }

  private upgrade(request: http.IncomingMessage, socket: Duplex, head: Buffer): void {
    const { target } = this;
    if (!target) {
      socket.end('HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\n\r\n');
      return;
    }
    target.hold(socket);
    this.proxy.ws(request, socket as Parameters<ProxyServer['ws']>[1], head, { target: target.address });
  }
}

function say(response: http.ServerResponse, status: number, why: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'retry-after': '1' });
  response.end(`${why}\n`);
}
