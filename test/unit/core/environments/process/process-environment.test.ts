import * as assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as http from 'node:http';
import * as path from 'node:path';
import { findControl } from '../../../../../src/core/environments/process/control';
import { Journal } from '../../../../../src/core/history/journal';
import { portsFor } from '../../../../../src/core/process/free-port';
import { identityOf, isAlive } from '../../../../../src/core/process/process-identity';
import { eventually } from '../../../../support/temporary';
import { answering, get, serving, stagingEnvironment } from './process-staging';

(process.platform === 'win32' ? describe.skip : describe)('the embedded environment', () => {
  const staging = stagingEnvironment();

  it('serves a release at a stable address', async () => {
    const first = await staging.deploy(answering('one'));
    assert.equal(await get(first.url), 'one');
    const second = await staging.deploy(answering('two'));
    assert.equal(second.url, first.url);
    assert.equal(await get(second.url), 'two');
    const status = staging.status();
    assert.equal(status?.state, 'healthy');
    assert.equal(status.release?.id, second.id);
    assert.equal(status.previous?.id, first.id);
  });

  it('keeps the address after a stop', async () => {
    const { url } = await staging.deploy(answering('one'));
    await staging.environment().stop();
    await assert.rejects(get(url));
    assert.equal(staging.status()?.state, 'stopped');
    await staging.environment().start();
    await eventually('it responds', async () => (await get(url)) === 'one');
  });

  it('drops no request during a switch', async () => {
    const slow = (text: string) => serving(`setTimeout(() => response.end('${text}'), request.url === '/healthz' ? 0 : 30)`);
    const { url } = await staging.deploy(slow('one'));
    const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
    const answers: string[] = [];
    let isRunning = true;
    const customer = async () => {
      while (isRunning) answers.push(await ask(url, agent));
    };
    const customers = Array.from({ length: 8 }, customer);
    for (const text of ['two', 'three', 'four']) {
      await staging.deploy(slow(text));
      await eventually(`${text} is served`, () => answers.includes(`200 ${text}`));
    }
    isRunning = false;
    await Promise.all(customers);
    agent.destroy();
    assert.deepEqual([...new Set(answers)], ['200 one', '200 two', '200 three', '200 four']);
  });

  it('completes pending requests before the old release stops', async () => {
    const { url } = await staging.deploy(
      serving(`if (request.url === '/long') globalThis.finish = () => response.end('finished');
      else { response.end('ok'); if (request.url === '/finish') globalThis.finish(); }`),
    );
    const port = staging.state()!.services[0]!.current!.process!;
    const answer = get(`${url}/long`);
    await staging.deploy(answering('two'));
    assert.equal(await get(url), 'two');
    assert.ok(isAlive(port));
    // The proxy no longer forwards to it: call its private port.
    const portVariable = fs
      .readFileSync(`/proc/${port.pid}/environ`, 'latin1')
      .split('\0')
      .find((variable) => variable.startsWith('PORT='))!;
    await get(`http://127.0.0.1:${portVariable.slice(5)}/finish`);
    assert.equal(await answer, 'finished');
    await eventually('the process has ended', () => !isAlive(port));
  });

  it('does not make an unhealthy release live', async () => {
    const { url } = await staging.deploy(answering('one'));
    const unhealthy = await staging.deploy(`console.log('no database'); ${serving('response.statusCode = 500; response.end()')}`, {
      health: { timeoutMs: 3_000 },
    });
    assert.match(failureOf(unhealthy), /^shop did not come up in staging: it was not healthy within 3 s: GET \/healthz answered 500$/);
    assert.ok(unhealthy.log.includes('no database'), unhealthy.log.join('\n'));
    assert.equal(await get(url), 'one');
    assert.equal(staging.processes().length, 1);
  });

  it('fails at once when a release exits before it listens', async () => {
    const dead = await staging.deploy(`console.error('cannot find the configuration'); process.exit(3)`, { health: { timeoutMs: 60_000 } });
    assert.match(failureOf(dead), /it ended with exit code 3/);
    assert.ok(dead.log.includes('cannot find the configuration'));
    assert.deepEqual(staging.processes(), []);
  });

  it('checks health by an open port and by a command', async () => {
    const tcp = await staging.deploy(serving('response.statusCode = 500; response.end("up")'), { health: { probe: { tcp: true } } });
    assert.equal(await get(tcp.url), 'up');
    const command = await staging.deploy(answering('by command'), {
      health: { probe: { command: 'test -n "$PORT" && test -f server.js' } },
    });
    assert.equal(await get(command.url), 'by command');
    const unhealthy = await staging.deploy(answering('never'), { health: { probe: { command: 'exit 9' }, timeoutMs: 3_000 } });
    assert.match(failureOf(unhealthy), /the health command ended with 9/);
  });

  it('reaches a release that listens on the IPv6 localhost', async function () {
    const six = await staging.deploy(answering('six').replace("'127.0.0.1'", "'::1'"));
    if (!six.result.ok && six.log.join('').includes('EADDRNOTAVAIL')) this.skip();
    assert.equal(await get(six.url), 'six');
  });

  it('rolls back immediately while the release is not verified', async () => {
    const { url } = await staging.deploy(answering('one'));
    await staging.deploy(answering('two'), { unverified: true });
    assert.equal(await get(url), 'two');
    assert.equal(staging.processes().length, 2);
    const back = await staging.environment().rollBack('shop');
    assert.ok(back.ok);
    assert.notEqual(back.value.from.id, back.value.to?.id);
    assert.equal(await get(url), 'one');
    await eventually('the other process has ended', () => staging.processes().length === 1);
  });

  it('rolls back to each of two earlier releases and then takes the service down', async () => {
    const { url } = await staging.deploy(answering('one'));
    for (const text of ['two', 'three']) await staging.deploy(answering(text));
    const texts: string[] = [];
    for (let i = 0; i < 2; i++) {
      const back = await staging.environment().rollBack('shop');
      assert.ok(back.ok, JSON.stringify(back));
      texts.push(await get(url));
    }
    assert.deepEqual(texts, ['two', 'one']);
    const last = await staging.environment().rollBack('shop');
    assert.deepEqual(last.ok && last.value.to, undefined, JSON.stringify(last));
    assert.equal((await fetch(url)).status, 503);
    const none = await staging.environment().rollBack('shop');
    assert.ok(!none.ok && none.failure.message === 'shop is not live in staging');
  });

  it('keeps the live release if a rollback fails', async () => {
    const old = await staging.deploy(answering('one'));
    const { url } = await staging.deploy(answering('two'));
    fs.writeFileSync(path.join(old.folder, 'server.js'), 'process.exit(1)');
    const back = await staging.environment().rollBack('shop');
    assert.ok(!back.ok && /could not be rolled back/.test(back.failure.message));
    assert.equal(await get(url), 'two');
    assert.equal(staging.status()?.state, 'healthy');
  });

  it('rolls back a release whose verifier died', async () => {
    const { url } = await staging.deploy(answering('one'));
    const owner = spawn('sleep', ['100']);
    const identity = identityOf(owner.pid!)!;
    await staging.deploy(answering('two'), { unverified: true, owner: identity });
    assert.equal(await get(url), 'two');
    owner.kill('SIGKILL');
    await eventually('the verified release is back', async () => (await get(url)) === 'one', 10_000);
  });

  it('restarts a release that exits', async () => {
    const { url } = await staging.deploy(serving(`if (request.url === '/die') process.exit(1); response.end(String(process.pid))`));
    const first = await get(url);
    await get(`${url}/die`);
    await eventually('another process answers', async () => {
      const response = await fetch(url);
      return response.ok && (await response.text()) !== first;
    });
    await eventually('its status is healthy', () => staging.status()?.state === 'healthy');
  });

  it('explains an outage in its responses', async () => {
    const marker = path.join(staging.files().home, 'broken');
    const { url } = await staging.deploy(
      `if (require('node:fs').existsSync(${JSON.stringify(marker)})) process.exit(5);\n${serving(`if (request.url === '/die') process.exit(4); response.end('up')`)}`,
    );
    fs.writeFileSync(marker, '');
    await get(`${url}/die`);
    await eventually('the response explains the outage', async () => /it ended with exit code 5; restarting in/.test(await get(url)));
    assert.equal(staging.status()?.state, 'unhealthy');
    fs.rmSync(marker);
    await eventually('it serves requests', async () => (await get(url)) === 'up', 10_000);
  });

  it('restores all releases after its supervisor was killed', async () => {
    const { url } = await staging.deploy(answering('one'));
    const control = findControl(staging.files())!;
    const before = staging.processes();
    process.kill(control.supervisor.pid, 'SIGKILL');
    await eventually('its status is stopped', () => staging.status()?.state === 'stopped');
    assert.match(staging.status()!.reason ?? '', /supervisor is not running/);
    await staging.environment().start();
    await eventually('it serves requests', async () => (await get(url)) === 'one');
    assert.deepEqual(
      before.filter((pid) => staging.processes().includes(pid)),
      [],
    );
    assert.equal(staging.processes().length, 1);
  });

  it('leaves no process after a stop, even during a deployment', async () => {
    await staging.deploy(answering('one'));
    const deploying = staging.deploy(`setInterval(() => {}, 1000); process.on('SIGTERM', () => process.exit())`, {
      health: { timeoutMs: 60_000 },
    });
    await eventually('both run', () => staging.processes().length === 2);
    assert.ok((await staging.environment().stop()).ok);
    assert.ok(!(await deploying).result.ok);
    assert.deepEqual(staging.processes(), []);
    assert.equal(findControl(staging.files()), undefined);
  });

  it('stops when its folder is removed', async () => {
    await staging.deploy(answering('one'));
    const { supervisor } = findControl(staging.files())!;
    fs.rmSync(staging.files().folder, { recursive: true });
    await eventually('the process has ended', () => !isAlive(supervisor));
    assert.deepEqual(staging.processes(), []);
    assert.ok(!fs.existsSync(staging.files().folder));
  });

  it('stops the processes of a cancelled deployment', async () => {
    const cancel = new AbortController();
    const deploying = staging.deploy(`setInterval(() => {}, 1000)`, { health: { timeoutMs: 60_000 }, signal: cancel.signal });
    await eventually('it runs', () => staging.processes().length === 1);
    cancel.abort();
    const { result } = await deploying;
    assert.ok(!result.ok && result.failure.kind === 'cancelled');
    await eventually('the process has ended', () => staging.processes().length === 0);
  });

  it('passes the addresses of other services, including later ones', async () => {
    const asking = serving(`if (request.url === '/healthz') return response.end();
      fetch(process.env.ORDER_API_URL).then(async (other) => response.end(other.status + ' ' + (await other.text())))`);
    const shop = await staging.deploy(asking, { siblings: ['order-api'] });
    assert.equal(await get(shop.url), '503 order-api has not been delivered to staging\n');
    const orders = await staging.deploy(answering('orders'), { service: 'order-api' });
    assert.notEqual(orders.url, shop.url);
    assert.equal(await get(shop.url), '200 orders');
  });

  it('deploys two services at once', async () => {
    const [shop, orders] = await Promise.all([
      staging.deploy(answering('shop')),
      staging.deploy(answering('orders'), { service: 'orders' }),
    ]);
    assert.deepEqual([await get(shop.url), await get(orders.url)], ['shop', 'orders']);
    assert.deepEqual(
      staging
        .environment()
        .status()
        .map(({ service, state }) => `${service} ${state}`),
      ['orders healthy', 'shop healthy'],
    );
  });

  it('returns to its address when another process leaves it, and is not healthy until then', async () => {
    const { url } = await staging.deploy(answering('one'));
    await staging.environment().stop();
    const foreign = http.createServer((_, response) => response.end('foreign')).listen(Number(new URL(url).port), '127.0.0.1');
    try {
      await staging.environment().start();
      const { state, reason, url: shown } = staging.status()!;
      assert.deepEqual([state, shown], ['unhealthy', url]);
      assert.match(reason ?? '', /another process listens on its address/);
      const refused = await staging.deploy(answering('two'));
      assert.match(failureOf(refused), /shop cannot be delivered to staging: another process listens on its address/);
    } finally {
      foreign.close();
      foreign.closeAllConnections();
    }
    await eventually('it is healthy', () => staging.status()?.state === 'healthy');
    assert.equal(await get(url), 'one');
  });

  it('chooses another port for a new service if its own is in use', async () => {
    const [first] = portsFor('staging', 'shop');
    const foreign = http.createServer((_, response) => response.end('foreign')).listen(first, '127.0.0.1');
    // A service of the developer may have taken the port before.
    await new Promise((resolve) => foreign.once('listening', resolve).once('error', resolve));
    try {
      const { url } = await staging.deploy(answering('one'));
      assert.notEqual(Number(new URL(url).port), first);
      assert.equal(await get(url), 'one');
    } finally {
      foreign.close();
    }
  });

  it('lets requests in progress finish after a switch, and reports those that it cuts', async () => {
    const slow = serving(`if (request.url === '/slow') return response.write('begun'); response.end('one')`);
    const { url, id } = await staging.deploy(slow, { drainMs: 300 });
    const pending = await fetch(`${url}/slow`);
    await staging.deploy(answering('two'));
    await assert.rejects(pending.text());
    const log = staging.files().releaseLog('shop', id);
    await eventually('the log reports it', () => /1 connection cut: still open 0\.3 s after the switch/.test(fs.readFileSync(log, 'utf8')));
  });

  it('gives a release the time to end that its definition states', async () => {
    const stubborn = `process.on('SIGTERM', () => console.log('TERM')); ${serving(`response.end('up')`)}`;
    const { id } = await staging.deploy(stubborn, { shutdownMs: 200 });
    await staging.environment().stop();
    assert.match(fs.readFileSync(staging.files().releaseLog('shop', id), 'utf8'), /TERM\n--- it was ended by SIGKILL/);
  });

  it('answers a request in progress while the environment stops', async () => {
    const orderly = `const server = require('node:http').createServer((request, response) => {
        if (request.url !== '/slow') return response.end('up');
        process.once('SIGTERM', () => { response.end('done'); server.close(() => process.exit()); });
        response.write('begun ');
      }).listen(process.env.PORT, '127.0.0.1');`;
    const { url } = await staging.deploy(orderly);
    const pending = await fetch(`${url}/slow`);
    await staging.environment().stop();
    assert.equal(await pending.text(), 'begun done');
  });

  it('is unhealthy while it answers with server errors, unless its predecessor did as well', async () => {
    const failing = serving(`response.statusCode = request.url === '/healthz' ? 200 : 500; response.end()`);
    const { url } = await staging.deploy(answering('one'));
    await staging.deploy(failing);
    for (let count = 0; count < 5; count++) await get(url);
    assert.equal(staging.status()?.state, 'unhealthy');
    assert.match(staging.status()?.reason ?? '', /3 of its last 3 answers were server errors \(500\)/);
    await staging.deploy(failing);
    for (let count = 0; count < 5; count++) await get(url);
    assert.equal(staging.status()?.state, 'healthy');
  });

  it('keeps the logs of the last releases that failed or were rolled back', async () => {
    await staging.deploy(answering('one'));
    const dead = await staging.deploy(`console.log('no luck'); process.exit(1)`);
    const back = await staging.deploy(`console.log('some luck'); ${answering('two')}`, { unverified: true });
    await staging.environment().rollBack('shop');
    const output = (id: string): string => fs.readFileSync(staging.files().releaseLog('shop', id), 'utf8');
    assert.match(output(dead.id), /no luck/);
    assert.match(output(back.id), /some luck/);
  });

  describe('with services of several repositories', () => {
    const ours = { owner: { folder: '/ours', gitFolder: '/ours/.git' } };
    const theirs = { owner: { folder: '/theirs', gitFolder: '/theirs/.git' } };

    it('refuses to replace the service of another repository', async () => {
      const { url } = await staging.deploy(answering('theirs'), { claim: theirs });
      const refused = await staging.deploy(answering('ours'), { claim: ours });
      assert.equal(failureOf(refused), 'shop in staging belongs to another repository: /theirs. This repository is /ours');
      assert.equal(await get(url), 'theirs');
    });

    it('replaces it on request, and never rolls back to it after the verification', async () => {
      const { url } = await staging.deploy(answering('theirs'), { claim: theirs });
      await staging.deploy(answering('ours'), { claim: { ...ours, takesOver: true }, unverified: true });
      assert.ok((await staging.environment().rollBack('shop')).ok);
      assert.equal(await get(url), 'theirs');
      assert.equal(staging.status()?.owner?.folder, '/theirs');
      await staging.deploy(answering('ours'), { claim: { ...ours, takesOver: true } });
      assert.deepEqual([staging.status()?.owner?.folder, staging.status()?.previous], ['/ours', undefined]);
    });

    it('knows a repository that was moved', async () => {
      await staging.deploy(answering('one'), { claim: theirs });
      await staging.deploy(answering('two'), { claim: { ...ours, formerly: '/theirs/.git' } });
      assert.equal(staging.status()?.owner?.folder, '/ours');
      assert.ok(staging.status()?.previous);
    });

    it('stops and starts some services, and leaves the others running', async () => {
      const shop = await staging.deploy(answering('shop'), { claim: ours });
      const api = await staging.deploy(answering('api'), { claim: theirs, service: 'api' });
      assert.ok((await staging.environment().stop(['shop'])).ok);
      assert.deepEqual([staging.status()?.state, staging.status()?.reason], ['stopped', 'it was stopped']);
      assert.equal(await get(api.url), 'api');
      assert.match(await get(shop.url), /shop is stopped/);
      await staging.environment().stop(['api']);
      await staging.environment().start(['api']);
      assert.deepEqual([staging.status()?.state, staging.status('api')?.state], ['stopped', 'healthy']);
      await staging.environment().start(['shop']);
      assert.equal(await get(shop.url), 'shop');
    });

    it('removes a service and keeps the others', async () => {
      await staging.deploy(answering('shop'), { claim: ours });
      const api = await staging.deploy(answering('api'), { claim: theirs, service: 'api' });
      assert.ok((await staging.environment().remove(['shop'])).ok);
      assert.equal(staging.status(), undefined);
      assert.equal(await get(api.url), 'api');
    });
  });

  describe('whose release the journal calls verified', () => {
    const folder = (): string => path.join(staging.files().home, 'run');
    const verify = (id: string): void => {
      const journal = new Journal(folder(), id);
      const { pid, startedAt } = identityOf(process.pid)!;
      const steps = [{ name: 'check', needs: [], kind: 'verify' as const, verifies: 'staging' }];
      const change = { commit: '2'.repeat(40), tree: 'f'.repeat(40), subject: '', dirty: false };
      const begin = { service: 'shop', change, steps, runner: { pid, startedAt }, folder: '', repository: '' };
      const release = { ...change, id, deployedAt: new Date().toISOString() };
      journal.append({ type: 'run-started', ...begin });
      journal.append({ type: 'deployed', environment: 'staging', service: 'shop', url: '', release });
      journal.append({ type: 'verified', environment: 'staging', step: 'check' });
      journal.close();
    };

    it('keeps it when its verifier dies', async () => {
      const { url } = await staging.deploy(answering('one'));
      const owner = spawn('sleep', ['100']);
      const { id } = await staging.deploy(answering('two'), { unverified: true, owner: identityOf(owner.pid!)!, journal: folder() });
      verify(id);
      owner.kill('SIGKILL');
      await eventually('it is verified', () => staging.state()?.services[0]?.unverified === undefined, 10_000);
      assert.equal(await get(url), 'two');
    });

    it('keeps it when its supervisor is killed', async () => {
      const { url } = await staging.deploy(answering('one'));
      const { id } = await staging.deploy(answering('two'), { unverified: true, journal: folder() });
      verify(id);
      const { supervisor } = findControl(staging.files())!;
      process.kill(supervisor.pid, 'SIGKILL');
      await eventually('it is dead', () => !isAlive(supervisor));
      assert.ok((await staging.environment().settle('shop', id)).ok);
      await eventually('it answers', async () => (await get(url)) === 'two');
    });
  });

  it('passes secrets to a release, masks them in its log and does not store them', async () => {
    const secret = 'correct-horse-battery';
    const script = `console.log('the token is ' + process.env.TOKEN); ${serving('response.end(process.env.TOKEN)')}`;
    const { id, url } = await staging.deploy(script, { secrets: { TOKEN: secret } });
    assert.equal(await get(url), secret);
    const log = staging.files().releaseLog('shop', id);
    await eventually('its log is written', () => fs.readFileSync(log, 'utf8').includes('the token is ***'));
    await staging.environment().stop();
    for (const file of fs.readdirSync(staging.files().folder, { recursive: true, withFileTypes: true }))
      if (file.isFile()) assert.ok(!fs.readFileSync(path.join(file.parentPath, file.name), 'utf8').includes(secret), file.name);
    await staging.environment().start();
    await eventually(
      'the missing secret is reported',
      () => /needs the secret TOKEN/.test(staging.status()?.reason ?? '') && staging.status()?.state === 'stopped',
    );
  });

  it('rejects commands without its token', async () => {
    await staging.deploy(answering('one'));
    const { port } = findControl(staging.files())!;
    const stranger = await fetch(`http://127.0.0.1:${port}/stop`, { method: 'POST', body: '{}' });
    assert.equal(stranger.status, 403);
    assert.equal(fs.statSync(staging.files().control).mode & 0o777, 0o600);
  });

  it('gives all releases of a service the same feedback file', async () => {
    const recording = (text: string) => `const file = process.env.DELIVERY_FEEDBACK;
      require('node:fs').appendFileSync(file, '${text}\\n'); ${serving('response.end(file)')}`;
    const { url } = await staging.deploy(recording('one'));
    const file = staging.files().feedback('shop');
    assert.equal(await get(url), file);
    for (const text of ['two', 'three', 'four']) await staging.deploy(recording(text));
    assert.ok((await staging.environment().rollBack('shop')).ok);
    assert.equal(await get(url), file);
    assert.ok((await staging.environment().stop()).ok);
    assert.deepEqual(fs.readFileSync(file, 'utf8').trim().split('\n'), ['one', 'two', 'three', 'four', 'three']);
    const other = await staging.deploy(recording('other'), { service: 'orders' });
    assert.notEqual(await get(other.url), file);
  });

  it("does not pass on the variables of the developer's shell", async () => {
    process.env['PRIVATE_VARIABLE'] = 'mine';
    try {
      const { url } = await staging.deploy(serving('response.end(JSON.stringify(process.env))'), { env: { MODE: 'staging' } });
      const env = JSON.parse(await get(url)) as Record<string, string>;
      assert.equal(env['PRIVATE_VARIABLE'], undefined);
      assert.equal(env['MODE'], 'staging');
      assert.equal(env['DELIVERY_ENVIRONMENT'], 'staging');
      assert.equal(env['DELIVERY_URL'], url);
      assert.equal(env['DELIVER_HOME'], undefined);
    } finally {
      delete process.env['PRIVATE_VARIABLE'];
    }
  });
});

function failureOf({ result }: { result: { ok: true } | { ok: false; failure: { message: string } } }): string {
  assert.ok(!result.ok, 'it succeeded');
  return result.failure.message;
}

async function ask(url: string, agent: http.Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = http.get(url, { agent }, (response) => {
      let text = '';
      response.on('data', (chunk) => (text += String(chunk)));
      response.on('end', () => resolve(`${response.statusCode} ${text}`));
      response.on('error', reject);
    });
    request.on('error', (error) => resolve(error.message));
  });
}
