import { once } from 'node:events';
import * as http from 'node:http';
import type { Duplex } from 'node:stream';
import { createProxyServer, type ProxyServer } from 'http-proxy-3';
import type { Address } from './health';

/** A release as the proxy sees it: its address and its open connections. */
export class Upstream {
  private readonly connections = new Set<http.ServerResponse | Duplex>();
  private onIdle: () => void = () => {};

  constructor(readonly address: Address) {}

  track(connection: http.ServerResponse | Duplex): void {
    this.connections.add(connection);
    connection.once('close', () => {
      this.connections.delete(connection);
      if (this.connections.size === 0) this.onIdle();
    });
  }

  /** Resolves when all connections are closed. Connections that are still open after `limitMs` are cut. */
  async drain(limitMs: number): Promise<void> {
    if (this.connections.size === 0) return;
    const idle = new Promise<void>((resolve) => (this.onIdle = resolve));
    const timer = setTimeout(() => {
      for (const connection of this.connections) connection.destroy();
    }, limitMs);
    await idle;
    clearTimeout(timer);
  }
}

/** The fixed address of a service. It forwards to the live release, and a switch drops no request. */
export class ServiceProxy {
  private upstream: Upstream | undefined;
  private readonly server: http.Server;
  private readonly proxy: ProxyServer;

  /** `unavailableReason` is the response body while no release is live. */
  constructor(
    readonly port: number,
    private readonly unavailableReason: () => string,
  ) {
    // A kept connection could end at the moment it is used again.
    this.proxy = createProxyServer({ xfwd: true, agent: false });
    this.proxy.on('error', (error, _request, answer) => {
      if (!(answer instanceof http.ServerResponse) || answer.headersSent) answer.destroy();
      else sendText(answer, 502, `the service did not answer: ${error.message}`);
    });
    this.server = http.createServer((request, response) => this.answer(request, response));
    this.server.on('upgrade', (request: http.IncomingMessage, socket: Duplex, head: Buffer) => this.upgrade(request, socket, head));
    // The service decides how long a request may take.
    this.server.requestTimeout = 0;
    this.server.keepAliveTimeout = 60_000;
  }

  /** Throws if the port is in use. */
  async listen(): Promise<void> {
    this.server.listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
  }

  /** Sends all new requests to `upstream`. Requests to the former one are still answered by it. */
  routeTo(upstream: Upstream | undefined): void {
    this.upstream = upstream;
  }

  async close(): Promise<void> {
    this.server.close();
    this.server.closeAllConnections();
    await once(this.server, 'close').catch(() => {});
  }

  private answer(request: http.IncomingMessage, response: http.ServerResponse): void {
    const { upstream } = this;
    if (!upstream) return sendText(response, 503, this.unavailableReason());
    upstream.track(response);
    this.proxy.web(request, response, { target: upstream.address });
  }

  private upgrade(request: http.IncomingMessage, socket: Duplex, head: Buffer): void {
    const { upstream } = this;
    if (!upstream) {
      socket.end('HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\n\r\n');
      return;
    }
    upstream.track(socket);
    this.proxy.ws(request, socket as Parameters<ProxyServer['ws']>[1], head, { target: upstream.address });
  }
}

function sendText(response: http.ServerResponse, status: number, reason: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'retry-after': '1' });
  response.end(`${reason}\n`);
}
