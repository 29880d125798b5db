import * as assert from 'node:assert/strict';
import { once } from 'node:events';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
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
