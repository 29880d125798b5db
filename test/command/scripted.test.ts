import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { RolledBack, RunEvent } from '../../src/core/model/events';
import { isAlive } from '../../src/core/process/process-identity';
import { Project } from '../support/project';
import { ScriptedHost, scriptedServer } from '../support/scripted-host';
import { eventually, temporaryFolder } from '../support/temporary';

interface Live {
  service: string;
  state: string;
  reason?: string;
  url: string;
  release?: { id: string; commit: string; by?: string };
  previous?: { commit: string };
}

(process.platform === 'win32' ? describe.skip : describe)('a delivery to a scripted environment', function () {
  this.timeout(60_000);
  let shop: Project;
  let place: ScriptedHost;
  afterEach(async () => {
    await shop.close();
    place.close();
  });
  const folder = temporaryFolder();

  const steps = {
    stage: { deploy: 'staging' },
    acceptance: {
      needs: 'stage',
      verifies: 'staging',
      run: `node -e "fetch(process.env.DELIVERY_URL).then((r) => r.text()).then((t) => process.exit(t === 'bad' ? 1 : 0))"`,
    },
  };
  const define = (more: Record<string, unknown> = {}, watch = 'off'): void => {
    shop.steps(steps, { environments: { staging: { ...place.definition(more), watch } } });
  };
  const deliver = async (text: string): Promise<{ code: number | null; events: RunEvent[]; stderr: string }> => {
    const running = shop.write('server.js', scriptedServer(text)).commit(`Say ${text}`).start(['run', '--json']);
    const { code, stderr } = await running.ended;
    return { code, events: running.events, stderr };
  };
  const live = async (): Promise<Live | undefined> => {
    const [staging] = await shop.json<{ services: Live[] }[]>('environment');
    return staging?.services[0];
  };
  const says = async (): Promise<string> => (await fetch((await live())?.url ?? '')).text();
  const head = (): string => shop.git('rev-parse', '--short=8', 'HEAD').trim();
  const rolledBack = (events: readonly RunEvent[]): RolledBack | undefined =>
    events.find((event): event is RolledBack => event.type === 'rolled-back');

  beforeEach(() => {
    shop = new Project(folder.path);
    place = new ScriptedHost(path.join(folder.path, 'place'), shop);
    define();
  });

  it('runs the scripts with the release in their variables, and shows its author', async () => {
    const { code } = await deliver('one');
    assert.equal(code, 0);
    const first = await live();
    assert.deepEqual([first?.service, first?.state, first?.release?.by], ['shop', 'healthy', 'Test']);
    assert.equal(await says(), 'one');
    const one = head();
    await deliver('two');
    assert.equal(await says(), 'two');
    assert.match((await shop.deliver('log', 'stage')).stdout, new RegExp(`started ${head()} after ${one}`));
    assert.deepEqual(place.calls, [`deploy ${one}`, `deploy ${head()}`]);
  });

  it('rolls back when a verifying step fails, and reports how long customers saw errors', async () => {
    await deliver('good');
    const good = head();
    const { code, events } = await deliver('bad');
    assert.equal(code, 1);
    const back = rolledBack(events);
    assert.equal(back?.to?.commit.slice(0, 8), good);
    assert.ok((back?.errorsMs ?? 0) > 0);
    assert.equal(await says(), 'good');
  });

  it('rolls back when `deploy` fails', async () => {
    await deliver('good');
    shop.write('server.js', 'throw new Error("no database");\n').commit('Die');
    const run = await shop.deliver('run');
    assert.equal(run.code, 1);
    assert.match(run.stdout, /`deploy` ended with exit code 1: the server died/);
    assert.equal(await says(), 'good');
  });

  it('rolls back a release that fails soon after it went live, and marks its run as failed', async () => {
    define({}, '1h');
    await deliver('one');
    const one = head();
    assert.equal((await deliver('two')).code, 0);
    place.crash();
    const status = await eventually('the release is rolled back', async () => {
      const now = await shop.json<{ run: { outcome: string; reason?: string }; releasable: { yes: boolean } }>('status');
      return now.run.outcome === 'failed' && now;
    });
    assert.match(status.run.reason ?? '', /soon after it went live: no server runs/);
    assert.equal(status.releasable.yes, false);
    assert.equal((await live())?.release?.commit.slice(0, 8), one);
    assert.equal(await says(), 'one');
  });

  it('can be rolled back to any earlier release, which the journal records', async () => {
    await deliver('one');
    const one = head();
    await deliver('two');
    await deliver('three');
    const { code, stderr } = await shop.deliver('rollback', '--to', one);
    assert.equal(code, 0, stderr);
    assert.equal(await says(), 'one');
    const { releasable } = await shop.json<{ releasable: { yes: boolean; reason?: string } }>('status');
    assert.deepEqual([releasable.yes, releasable.reason], [false, 'it was rolled back in staging']);
    const none = await shop.deliver('rollback');
    assert.equal(none.code, 2);
    assert.match(none.stderr, /shop has no earlier release in staging/);
    assert.equal(await says(), 'one');
  });

  it('restores the live release after the runner was killed', async () => {
    await deliver('one');
    fs.writeFileSync(path.join(place.folder, 'hang'), '');
    const running = shop.write('server.js', scriptedServer('two')).commit('Say two').start(['run', '--json']);
    await eventually('the new release is running', () => place.calls.length === 2 && fs.existsSync(path.join(place.folder, 'port')));
    const started = await running.event('step-started', 'stage');
    running.process.kill('SIGKILL');
    await running.ended;
    fs.rmSync(path.join(place.folder, 'hang'));
    const status = await shop.json<{ run: { id: string; outcome: string } }>('status');
    assert.deepEqual([status.run.id, status.run.outcome], [started.run, 'interrupted']);
    assert.equal(await says(), 'one');
  });

  it('restores the live release after a cancel', async () => {
    await deliver('one');
    fs.writeFileSync(path.join(place.folder, 'hang'), '');
    const running = shop.write('server.js', scriptedServer('two')).commit('Say two').start(['run', '--json']);
    await eventually('the new release is running', () => place.calls.length === 2);
    fs.rmSync(path.join(place.folder, 'hang'));
    running.process.kill('SIGINT');
    assert.equal((await running.ended).code, 130);
    assert.equal(await says(), 'one');
  });

  it('can run for two services of two repositories at the same time', async () => {
    const cart = new Project(folder.path, 'cart');
    const other = new ScriptedHost(path.join(folder.path, 'host of cart'), cart);
    try {
      const stage = { stage: { deploy: 'staging' } };
      const environments = { staging: { ...other.definition(), watch: 'off' } };
      cart.steps(stage, { service: 'cart', environments }).write('server.js', scriptedServer('cart')).commit();
      shop.write('server.js', scriptedServer('shop')).commit();
      const ended = await Promise.all([shop.deliver('run'), cart.deliver('run')]);
      assert.deepEqual(
        ended.map(({ code }) => code),
        [0, 0],
        ended.map(({ stdout, stderr }) => stdout + stderr).join(''),
      );
      const [staging] = await shop.json<{ services: Live[] }[]>('environment');
      assert.deepEqual(
        staging?.services.map(({ service, state }) => `${service} ${state}`),
        ['cart healthy', 'shop healthy'],
      );
    } finally {
      other.close();
    }
  });

  it('can be stopped, started, logged and removed', async () => {
    await deliver('one');
    assert.match((await shop.deliver('environment', 'logs', 'staging')).stdout, /it says one/);
    assert.equal((await shop.deliver('environment', 'stop', 'staging')).code, 0);
    assert.deepEqual([(await live())?.state, (await live())?.reason], ['stopped', 'it was stopped']);
    assert.equal((await shop.deliver('environment', 'start', 'staging')).code, 0);
    assert.equal(await says(), 'one');
    assert.equal((await shop.deliver('environment', 'remove', 'staging')).code, 0);
    assert.equal(await live(), undefined);
  });

  it('refuses another kind of environment with the same name, with a hint', async () => {
    await deliver('one');
    shop.steps(steps, { environments: { staging: { process: { command: 'exec node server.js' } } } });
    const { code, stderr } = await deliver('two');
    assert.equal(code, 2);
    assert.match(
      stderr,
      /defines staging as process, but an environment of this name and the kind command exists\n.*deliver environment remove staging/,
    );
  });

  it('replaces a damaged record and keeps a copy', async () => {
    await deliver('one');
    const record = path.join(shop.home, 'environments', 'staging', 'shop.service.json');
    fs.writeFileSync(record, fs.readFileSync(record, 'utf8').slice(0, 40));
    assert.match((await live())?.reason ?? '', /cannot be read/);
    assert.equal((await deliver('two')).code, 0);
    assert.equal(await says(), 'two');
    assert.ok(fs.existsSync(`${record}.damaged`));
  });

  it('can be watched as JSON lines until the reader disconnects', async () => {
    await deliver('one');
    const watching = shop.start(['environment', 'watch'], {}, 'pipe');
    await eventually('the status is printed', () => /"state":"healthy"/.test(watching.printed));
    place.crash();
    await eventually('the new status is printed', () => /"state":"unhealthy","reason":"no server runs"/.test(watching.printed), 30_000);
    watching.process.stdin?.end();
    assert.equal((await watching.ended).code, 0);
    assert.ok(!isAlive({ pid: watching.process.pid ?? 0, startedAt: '' }));
  });
});
