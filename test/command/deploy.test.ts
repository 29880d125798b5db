import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { RunEvent } from '../../src/core/model/events';
import { readEvents } from '../../src/core/history/journal';
import { Project } from '../support/project';
import { eventually, temporaryFolder } from '../support/temporary';

interface Environments {
  environment: string;
  kind: string;
  services: {
    service: string;
    state: string;
    url: string;
    release: { commit: string; deployedAt: string };
    previous?: { commit: string };
  }[];
}

(process.platform === 'win32' ? describe.skip : describe)('a delivery to the embedded environment', function () {
  this.timeout(60_000);
  let shop: Project;
  // Stop all releases before the folder is removed.
  afterEach(() => shop.close());
  const folder = temporaryFolder();

  const environments = {
    staging: { process: { command: 'exec node server.js', health: { path: '/healthz', timeout: '10s' } } },
  };
  const steps = {
    stage: { deploy: 'staging' },
    acceptance: {
      needs: 'stage',
      verifies: 'staging',
      run: `test "$(curl -sf "$DELIVERY_URL" || node -e "fetch(process.env.DELIVERY_URL).then(r=>r.text()).then(t=>process.stdout.write(t))")" != bad`,
    },
  };
  const serving = (text: string) =>
    `require('node:http').createServer((_, response) => response.end('${text}')).listen(process.env.PORT, '127.0.0.1');\n`;
  const deliver = async (text: string): Promise<{ code: number | null; events: RunEvent[] }> => {
    const running = shop.write('server.js', serving(text)).commit(`Say ${text}`).start(['run', '--json']);
    const { code } = await running.ended;
    return { code, events: running.events };
  };
  const live = async () => (await shop.json<Environments[]>('environment'))[0]?.services[0];
  const head = () => shop.git('rev-parse', 'HEAD').trim();

  beforeEach(() => {
    shop = new Project(folder.path).steps(steps, { environments });
  });

  it('leads from a service that fails to start to the failing line', async () => {
    shop.write('server.js', 'const port = process.env.PORT;\n\nthrow new Error(`no database for ${port}`);\n').commit('Die');
    const run = await shop.deliver('run');
    assert.equal(run.code, 1);
    const problems = await shop.json<{ path?: string; line?: number; message: string; source: string }[]>('problems');
    assert.match(problems[0]?.message ?? '', /^shop did not come up in staging: /);
    const [died] = problems.filter((problem) => problem.source === 'node');
    assert.deepEqual([died?.path, died?.line], ['server.js', 3]);
    assert.match(died?.message ?? '', /no database/);
  });

  it('makes the change live, verifies it and reports its address', async () => {
    const { code, events } = await deliver('one');
    assert.equal(code, 0);
    const deployed = events.find((event) => event.type === 'deployed');
    assert.ok(deployed?.type === 'deployed');
    assert.deepEqual([deployed.environment, deployed.service, deployed.release.commit], ['staging', 'shop', head()]);
    assert.equal(await (await fetch(deployed.url)).text(), 'one');
    assert.ok(events.some((event) => event.type === 'verified' && event.environment === 'staging' && event.step === 'acceptance'));
    const [environment] = await shop.json<Environments[]>('environment');
    assert.deepEqual([environment?.environment, environment?.kind], ['staging', 'process']);
    const [service] = environment!.services;
    assert.deepEqual([service?.service, service?.state, service?.url, service?.release.commit], ['shop', 'healthy', deployed.url, head()]);
  });

  it('rolls back a release that is not verified before the run ends', async () => {
    await deliver('good');
    const good = head();
    const { code, events } = await deliver('bad');
    assert.equal(code, 1);
    const back = events.find((event) => event.type === 'rolled-back');
    assert.ok(back?.type === 'rolled-back');
    assert.deepEqual([back.from.commit, back.to?.commit, back.reason], [head(), good, 'acceptance failed']);
    assert.equal((await live())?.release.commit, good);
    assert.equal(await (await fetch((await live())!.url)).text(), 'good');
  });

  it('keeps the live release if the new one does not come up', async () => {
    await deliver('good');
    shop.write('server.js', 'console.log("no configuration"); process.exit(1);').commit();
    const { code, stdout, stderr } = await shop.deliver('run');
    assert.equal(code, 1);
    assert.match(stdout + stderr, /shop did not come up in staging: it ended with exit code 1/);
    assert.match(stdout + stderr, /no configuration/);
    assert.equal(await (await fetch((await live())!.url)).text(), 'good');
  });

  it('can be rolled back by hand', async () => {
    await deliver('one');
    const one = head();
    await deliver('two');
    const { code, stdout } = await shop.deliver('rollback');
    assert.deepEqual([code, stdout], [0, `shop in staging was rolled back to ${one.slice(0, 7)} Say one\n`]);
    assert.equal(await (await fetch((await live())!.url)).text(), 'one');
  });

  it('rolls back a release that fails soon after it went live, and marks its run as failed', async () => {
    await deliver('good');
    const good = head();
    const dying = `${serving('fine')}setTimeout(() => process.exit(3), 1500);\n`;
    shop.write('server.js', dying).commit('Die soon');
    assert.equal((await shop.deliver('run')).code, 0);
    const failed = await eventually('the release is rolled back', async () => {
      const status = await shop.json<{ run: { folder: string; outcome: string; reason?: string } }>('status');
      return status.run.outcome === 'failed' && status.run;
    });
    assert.match(failed.reason ?? '', /it failed in staging soon after it went live: it ended with exit code 3/);
    const back = readEvents(path.join(failed.folder, 'journal.jsonl')).find((event) => event.type === 'rolled-back');
    assert.ok(back?.type === 'rolled-back');
    assert.deepEqual([back.from.commit, back.to?.commit, back.delivered], [head(), good, true]);
    assert.ok((back.errorsMs ?? 0) > 0);
    assert.equal(await (await fetch((await live())!.url)).text(), 'good');
  });

  it('keeps a verified release live when the runner is killed at that moment', async () => {
    await deliver('one');
    shop.steps({ ...steps, after: { needs: 'acceptance', run: 'sleep 61' } }, { environments });
    const running = shop.write('server.js', serving('two')).commit('Say two').start(['run', '--json']);
    await running.event('verified');
    running.process.kill('SIGKILL');
    await running.ended;
    const state = path.join(shop.home, 'environments', 'staging', 'state.json');
    await eventually('the environment knows it', () => !fs.readFileSync(state, 'utf8').includes('"unverified": true'));
    assert.equal(await (await fetch((await live())!.url)).text(), 'two');
    const { run } = await shop.json<{ run: { folder: string } }>('status');
    assert.ok(!readEvents(path.join(run.folder, 'journal.jsonl')).some(({ type }) => type === 'rolled-back'));
  });

  it('leads from a failed verification to the line in the release', async () => {
    const failing = `const http = require('node:http');
http.createServer((request, response) => {
  if (request.url === '/healthz') return response.end();
  console.error(new Error('no cart').stack);
  response.end('bad');
}).listen(process.env.PORT, '127.0.0.1');
`;
    shop.write('server.js', failing).commit('Lose the cart');
    assert.equal((await shop.deliver('run')).code, 1);
    const problems = await shop.json<{ step: string; path?: string; line?: number; message: string }[]>('problems');
    const found = problems.find(({ message }) => message.includes('no cart'));
    assert.deepEqual([found?.step, found?.path, found?.line], ['acceptance', 'server.js', 4]);
    assert.match((await shop.deliver('log', 'acceptance')).stdout, /--- the output of shop in staging ---/);
  });

  it('rolls back a release that answers with server errors, and shows what it printed', async () => {
    await deliver('good');
    const failing = `const http = require('node:http');
let count = 0;
http.createServer((request, response) => {
  if (request.url === '/healthz' || count++ < 1) return response.end('fine');
  console.error(new Error('no database').stack);
  response.statusCode = 500;
  response.end();
}).listen(process.env.PORT, '127.0.0.1');
`;
    shop.write('server.js', failing).commit('Lose the database');
    assert.equal((await shop.deliver('run')).code, 0);
    const { url } = (await live())!;
    await eventually('the good release is back', async () => (await (await fetch(url)).text()) === 'good');
    const status = await eventually('its run has failed', async () => {
      const { run } = await shop.json<{ run: { outcome: string; reason?: string } }>('status');
      return run.outcome === 'failed' && run;
    });
    assert.match(status.reason ?? '', /answers were server errors \(500\)/);
    const found = await eventually('its problems are known', async () => {
      const problems = await shop.json<{ step: string; path?: string; line?: number; message: string }[]>('problems');
      return problems.find(({ message }) => message.includes('no database'));
    });
    assert.deepEqual([found.step, found.path, found.line], ['stage', 'server.js', 5]);
  });

  it('does not watch a release with `watch: off`', async () => {
    shop.steps(steps, { environments: { staging: { ...environments.staging, watch: 'off' } } });
    await deliver('good');
    await deliver('better');
    await shop.deliver('environment', 'stop', 'staging');
    assert.equal((await shop.json<{ run: { outcome: string } }>('status')).run.outcome, 'passed');
  });

  it('requires a confirmation before a step deploys to customers', async () => {
    shop.steps(steps, { environments, release: 'staging' });
    const { code, stderr } = await shop.write('server.js', serving('one')).commit('Say one').deliver('run');
    assert.equal(code, 2);
    assert.match(stderr, /the pipeline deploys to the production environment staging\n {2}--yes confirms it/);
    assert.equal(await live(), undefined);
    assert.equal((await shop.deliver('run', '--yes')).code, 0);
    assert.equal((await live())?.state, 'healthy');
  });

  it('replaces a damaged state at the same address and keeps a copy', async () => {
    await deliver('one');
    const { url } = (await live())!;
    await shop.deliver('environment', 'stop', 'staging');
    const state = path.join(shop.home, 'environments', 'staging', 'state.json');
    fs.writeFileSync(state, fs.readFileSync(state, 'utf8').slice(0, 50));
    assert.match((await shop.deliver('environment')).stdout, /state\.json is damaged: the next delivery creates it again/);
    assert.equal((await deliver('two')).code, 0);
    assert.equal((await live())?.url, url);
    assert.ok(fs.existsSync(`${state}.damaged`));
  });

  it('cannot be rolled back after the first release', async () => {
    await deliver('one');
    const { code, stderr } = await shop.deliver('rollback');
    assert.equal(code, 2);
    assert.match(stderr, /shop has no earlier release in staging/);
    assert.equal(await (await fetch((await live())!.url)).text(), 'one');
  });

  it('can be stopped and started again', async () => {
    await deliver('one');
    const { url } = (await live())!;
    assert.equal((await shop.deliver('environment', 'stop', 'staging')).code, 0);
    await assert.rejects(fetch(url));
    assert.equal((await live())?.state, 'stopped');
    assert.equal((await shop.deliver('environment', 'start', 'staging')).code, 0);
    assert.equal((await live())?.url, url);
    assert.equal((await shop.deliver('environment', 'stop', 'nowhere')).code, 2);
  });
});
