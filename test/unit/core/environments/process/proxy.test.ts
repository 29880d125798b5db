import * as assert from 'node:assert/strict';
import { once } from 'node:events';
import * as http from 'node:http';
import * as http2 from 'node:http2';
import * as net from 'node:net';
import type { AddressInfo } from 'node:net';
import * as tls from 'node:tls';
import type { Duplex } from 'node:stream';
import { cert, key } from '../../../../support/test-certificate';
import { ServiceProxy, Upstream } from '../../../../../src/core/environments/process/proxy';

/** A release that responds with its name, delays `/slow` until `finish` is called, and echoes upgraded connections. */
class Release {
  private finishSlow: () => void = () => {};
  readonly slowBegan: Promise<void>;
  private readonly server: http.Server;

  constructor(name: string) {
    let began = (): void => {};
    this.slowBegan = new Promise((resolve) => (began = resolve));
    this.server = http.createServer((request, response) => {
      if (request.url !== '/slow') return void response.end(`${name} ${String(request.headers['x-forwarded-host'])}`);
      response.write(name);
      this.finishSlow = () => response.end(' to the end');
      began();
    });
    this.server.on('upgrade', (_request, socket: Duplex) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n');
      socket.write(`${name} `);
      socket.pipe(socket);
    });
  }

  async upstream(): Promise<Upstream> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return new Upstream({ host: '127.0.0.1', port: (this.server.address() as AddressInfo).port });
  }

  finish(): void {
    this.finishSlow();
  }

  stop(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}

describe('the proxy of a service', () => {
  const [one, two] = [new Release('one'), new Release('two')];
  let [first, second]: Upstream[] = [];
  let proxy: ServiceProxy;
  let port = 0;

  before(async () => {
    [first, second] = [await one.upstream(), await two.upstream()];
    const free = http.createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    port = (free.address() as AddressInfo).port;
    free.close();
    await once(free, 'close');
    proxy = new ServiceProxy(port, () => 'nothing is live yet');
    await proxy.listen();
  });
  after(async () => {
    await proxy.close();
    one.stop();
    two.stop();
  });

  const get = async (path = '/'): Promise<{ status: number; body: string }> => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`);
    return { status: answer.status, body: await answer.text() };
  };

  const connect = async (): Promise<{ socket: Duplex; receives: (text: string) => Promise<void> }> => {
    const request = http.request({ port, host: '127.0.0.1', headers: { upgrade: 'websocket', connection: 'upgrade' } }).end();
    const [, socket, head] = (await once(request, 'upgrade')) as [unknown, Duplex, Buffer];
    let received = head.toString();
    socket.on('data', (bytes: Buffer) => (received += bytes.toString()));
    const receives = async (text: string): Promise<void> => {
      while (!received.includes(text)) await once(socket, 'data');
    };
    return { socket, receives };
  };

  it('explains that nothing is live', async () => {
    assert.deepEqual(await get(), { status: 503, body: 'nothing is live yet\n' });
    const request = http.request({ port, host: '127.0.0.1', headers: { upgrade: 'websocket', connection: 'upgrade' } }).end();
    const [answer] = (await once(request, 'response')) as [http.IncomingMessage];
    assert.equal(answer.statusCode, 503);
    answer.destroy();
  });

  it('forwards to the live release with the original host', async () => {
    proxy.routeTo(first);
    assert.deepEqual(await get(), { status: 200, body: `one 127.0.0.1:${port}` });
    proxy.routeTo(second);
    assert.equal((await get()).body.split(' ')[0], 'two');
  });

  it('completes a pending response after a switch', async () => {
    proxy.routeTo(first);
    const slow = get('/slow');
    await one.slowBegan;
    proxy.routeTo(second);
    assert.equal((await get()).body.split(' ')[0], 'two');
    const drained = first?.drain(60_000);
    one.finish();
    assert.deepEqual(await slow, { status: 200, body: 'one to the end' });
    await drained;
  });

  it('forwards WebSockets, and keeps open ones on their release until it is drained', async () => {
    proxy.routeTo(first);
    const old = await connect();
    await old.receives('one ');
    proxy.routeTo(second);
    old.socket.write('still there');
    await old.receives('still there');
    const young = await connect();
    await young.receives('two ');
    young.socket.write('hello');
    await young.receives('hello');

    const cut = once(old.socket, 'close');
    await first?.drain(10);
    await cut;
    young.socket.write('not me');
    await young.receives('not me');
    young.socket.destroy();
  });

  it('reports a release that does not respond', async () => {
    proxy.routeTo(first);
    one.stop();
    const { status, body } = await get();
    assert.equal(status, 502);
    assert.match(body, /the service did not answer: .*ECONNREFUSED/);
  });
});

describe('the proxy of a service forwards', () => {
  let proxy: ServiceProxy;
  let port = 0;
  let service: net.Server | undefined;

  beforeEach(async () => {
    const free = net.createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    port = (free.address() as AddressInfo).port;
    free.close();
    await once(free, 'close');
    proxy = new ServiceProxy(port, () => 'nothing is live yet');
    assert.ok(await proxy.listen());
  });
  afterEach(async () => {
    await proxy.close();
    service?.close();
  });

  let upstream: Upstream;
  const serve = async <S extends net.Server>(server: S): Promise<S> => {
    service = server;
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    upstream = new Upstream({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
    proxy.routeTo(upstream);
    return server;
  };
  const echo = (request: http.IncomingMessage, response: http.ServerResponse): void => void request.pipe(response);
  /** Writes to a new connection, and returns all that it answers until the end or `last`. */
  const exchange = async (text: string, last?: string): Promise<string> => {
    const socket = net.connect(port, '127.0.0.1');
    socket.write(text);
    let answer = '';
    for await (const chunk of socket) {
      answer += String(chunk);
      if (last !== undefined && answer.includes(last)) break;
    }
    return answer;
  };

  for (const method of ['DELETE', 'OPTIONS', 'POST', 'GET'])
    it(`a ${method} whose body comes in chunks`, async () => {
      await serve(http.createServer(echo));
      const head = `${method} / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n`;
      assert.match(await exchange(`${head}5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n`), /^HTTP\/1\.1 200 [^]*hello[^]* world/);
    });

  it('headers of 60 kB in both directions', async () => {
    const server = http.createServer({ maxHeaderSize: 1 << 17 }, (request, response) => {
      response.setHeader('x-large', request.headers.cookie ?? '');
      response.end('ok');
    });
    await serve(server);
    const cookie = 'x'.repeat(60_000);
    const request = http.get({ host: '127.0.0.1', port, headers: { cookie }, maxHeaderSize: 1 << 17 });
    const [answer] = (await once(request, 'response')) as [http.IncomingMessage];
    answer.resume();
    assert.deepEqual([answer.statusCode, answer.headers['x-large']], [200, cookie]);
  });

  it('trailers in both directions', async () => {
    const server = http.createServer((request, response) => {
      request.resume().on('end', () => {
        response.writeHead(200, { trailer: 'x-sum' });
        response.write('body');
        response.addTrailers({ 'x-sum': request.trailers['x-sum'] ?? 'none' });
        response.end();
      });
    });
    await serve(server);
    const request = http.request({ host: '127.0.0.1', port, method: 'PUT', headers: { trailer: 'x-sum', 'transfer-encoding': 'chunked' } });
    request.write('data');
    request.addTrailers({ 'x-sum': '42' });
    request.end();
    const [answer] = (await once(request, 'response')) as [http.IncomingMessage];
    answer.resume();
    await once(answer, 'end');
    assert.equal(answer.trailers['x-sum'], '42');
  });

  it('early hints, and the permission to send a body', async () => {
    const server = http.createServer();
    server.on('checkContinue', (request: http.IncomingMessage, response: http.ServerResponse) => {
      response.writeContinue();
      response.writeEarlyHints({ link: '</style.css>; rel=preload' });
      echo(request, response);
    });
    await serve(server);
    const request = http.request({ host: '127.0.0.1', port, method: 'PUT', headers: { expect: '100-continue', 'content-length': 4 } });
    const statuses: number[] = [];
    request.on('information', ({ statusCode }) => statuses.push(statusCode));
    request.flushHeaders();
    await once(request, 'continue');
    request.end('body');
    const [answer] = (await once(request, 'response')) as [http.IncomingMessage];
    assert.equal(await new Response(answer as unknown as ReadableStream).text(), 'body');
    assert.deepEqual(statuses, [100, 103]);
  });

  it('a request of HTTP/1.0 without a host', async () => {
    await serve(http.createServer((request, response) => void response.end(request.headers.host)));
    assert.match(await exchange('GET / HTTP/1.0\r\n\r\n'), new RegExp(`^HTTP/1\\.1 200 [^]*127\\.0\\.0\\.1:${port}$`));
  });

  it('pipelined requests, and forgets those whose client is gone', async () => {
    const both = new Promise<http.ServerResponse[]>((resolve) => {
      const waiting: http.ServerResponse[] = [];
      void serve(http.createServer((_, response) => void (waiting.push(response) === 2 && resolve(waiting))));
    });
    const socket = net.connect(port, '127.0.0.1');
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(2));
    const ended = (await both).map(async (response) => once(response, 'close'));
    socket.destroy();
    await Promise.all(ended);
    assert.equal(await upstream.drain(60_000), 0);
  });

  it('the answer to HEAD without a body', async () => {
    await serve(http.createServer((_, response) => void response.writeHead(200, { 'content-length': '1234' }).end()));
    assert.match(await exchange('HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'), /content-length: 1234\r\n[^]*\r\n\r\n$/i);
  });

  it('each request of a connection to the release that is live at its time', async () => {
    const first = await serve(http.createServer((_, response) => void response.end('one')));
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const ask = async (): Promise<string> => {
      const [answer] = (await once(http.get({ host: '127.0.0.1', port, agent }), 'response')) as [http.IncomingMessage];
      return new Response(answer).text();
    };
    const before = await ask();
    await serve(http.createServer((_, response) => void response.end('two')));
    assert.deepEqual([before, await ask()], ['one', 'two']);
    agent.destroy();
    first.close();
  });

  it('HTTP/2 with prior knowledge, as gRPC uses it', async () => {
    await serve(http2.createServer((_, response) => response.end('h2')));
    const session = http2.connect(`http://127.0.0.1:${port}`);
    const stream = session.request({ ':path': '/' });
    stream.setEncoding('utf8');
    let text = '';
    for await (const chunk of stream) text += String(chunk);
    session.close();
    assert.equal(text, 'h2');
  });

  it('TLS', async () => {
    await serve(tls.createServer({ cert, key }, (socket) => socket.end('secret')));
    const socket = tls.connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
    const [bytes] = (await once(socket, 'data')) as [Buffer];
    assert.equal(bytes.toString(), 'secret');
    socket.destroy();
  });

  it('a protocol in which the client speaks first, and closes its side', async () => {
    await serve(
      net.createServer({ allowHalfOpen: true }, (socket) => {
        let text = '';
        socket.on('data', (bytes) => (text += bytes.toString()));
        socket.on('end', () => socket.end(`got ${text}`));
      }),
    );
    const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    socket.end('get key\r\n');
    const [answer] = (await once(socket, 'data')) as [Buffer];
    assert.equal(answer.toString(), 'got get key\r\n');
    socket.destroy();
  });

  it('a protocol in which the service speaks first', async () => {
    await serve(net.createServer((socket) => void socket.end('220 ready\r\n')));
    const socket = net.connect(port, '127.0.0.1');
    const [bytes] = (await once(socket, 'data')) as [Buffer];
    assert.equal(bytes.toString(), '220 ready\r\n');
    socket.destroy();
  });

  it('a request that arrives byte by byte', async () => {
    await serve(http.createServer((_, response) => void response.end('complete')));
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    for (const letter of 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n') {
      socket.write(letter);
      await new Promise((resolve) => setImmediate(resolve));
    }
    let text = '';
    for await (const chunk of socket) text += String(chunk);
    assert.match(text, /complete/);
  });
});

describe('the recent answers of a release', () => {
  const after = (...statuses: number[]): Upstream['errors'] => {
    const upstream = new Upstream({ host: '127.0.0.1', port: 1 });
    for (const status of statuses) upstream.answered(status);
    return upstream.errors;
  };

  it('are a problem if half of them are server errors', () => {
    assert.equal(after(200, 500, 200, 503, 500).problem, '3 of its last 5 answers were server errors (500)');
  });
  it('are no problem if they are refusals, few errors or mostly good', () => {
    assert.equal(after(404, 404, 404, 404).problem, undefined);
    assert.equal(after(500, 500).problem, undefined);
    assert.equal(after(500, 500, 500, 200, 200, 200, 200).problem, undefined);
  });
  it('do not count after they are forgotten', () => {
    const upstream = new Upstream({ host: '127.0.0.1', port: 1 });
    for (const status of [500, 500, 500]) upstream.answered(status);
    upstream.forgetAnswers();
    assert.deepEqual(upstream.errors, { share: 0 });
  });
});
