import * as assert from 'node:assert/strict';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as a server got it. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: http.IncomingHttpHeaders;
  /** Parsed; undefined for none. */
  readonly body: unknown;
  /** As in the first line of the request. */
  readonly target: string;
}

export interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  /** Text as it is, all else as JSON. */
  readonly body?: unknown;
}

/** Undefined: never answers. */
export type Handler = (asked: Asked, response: http.ServerResponse) => Reply | 'written' | undefined;

/** A server for one test: call it in `describe`, set its answers in each test. It stops after each test. */
export class TestServer {
  readonly asked: Asked[] = [];
  private handler: Handler = () => ({ status: 500, body: 'this test did not say what to answer' });
  private server: http.Server | undefined;

  constructor() {
    beforeEach(async () => {
      this.asked.length = 0;
      this.server = http.createServer((request, response) => void this.serve(request, response));
      await new Promise<void>((resolve) => this.server?.listen(0, '127.0.0.1', resolve));
    });
    afterEach(async () => this.stop());
  }

  /** `http://127.0.0.1:port` */
  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get port(): number {
    return (this.server?.address() as AddressInfo).port;
  }

  answers(handler: Handler): void {
    this.handler = handler;
  }

  async stop(): Promise<void> {
    const server = this.server;
    this.server = undefined;
    if (!server) return;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }

  private async serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    // Only a test that says so has a clock.
    response.sendDate = false;
    const asked = await askedOf(request);
    this.asked.push(asked);
    const reply = this.handler(asked, response);
    if (reply === undefined || reply === 'written') return;
    const { status = 200, headers = {}, body } = reply;
    response.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8', ...headers });
    response.end(typeof body === 'string' || body === undefined ? body : JSON.stringify(body));
  }
}

/** The only request that a server got. */
export function only(asked: readonly Asked[]): Asked {
  assert.equal(asked.length, 1, `asked ${asked.length} times: ${asked.map(({ target }) => target).join(', ')}`);
  return asked[0] as Asked;
}

/** The whole of a request, read to its end. */
export async function askedOf(request: http.IncomingMessage): Promise<Asked> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://127.0.0.1');
  const { method = '', headers, url: target = '' } = request;
  return { method, path: pathname, query: searchParams, headers, body: text === '' ? undefined : (JSON.parse(text) as unknown), target };
}
