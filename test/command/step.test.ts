import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { RunEvent } from '../../src/core/model/events';
import { Project } from '../support/project';
import { eventually, temporaryFolder } from '../support/temporary';

(process.platform === 'win32' ? describe.skip : describe)('deliver step', function () {
  this.timeout(60_000);
  let shop: Project;
  afterEach(() => shop.close());
  const folder = temporaryFolder();
  const isGood = 'node -e "fetch(process.env.DELIVERY_URL).then(r=>r.text()).then(t=>process.exit(t===\'bad\'?1:0))"';
  const environments = { staging: { process: { command: 'exec node server.js', health: { path: '/healthz', timeout: '10s' } } } };
  const pipeline = {
    stage: { deploy: 'staging' },
    acceptance: { needs: 'stage', verifies: 'staging', run: `echo "$DELIVERY_ENVIRONMENT $DELIVERY_COMMIT $DELIVERY_URL" && ${isGood}` },
  };
  const say = (text: string): string => {
    shop.write('server.js', `require('node:http').createServer((_, r) => r.end('${text}')).listen(process.env.PORT, '127.0.0.1');\n`);
    return shop.commit(`Say ${text}`).git('rev-parse', 'HEAD').trim();
  };
  const live = async (): Promise<{ release: { commit: string }; url: string } | undefined> =>
    (await shop.json<{ services: { release: { commit: string }; url: string }[] }[]>('environment'))[0]?.services[0];
  const step = async (name: string): Promise<{ code: number | null; events: RunEvent[]; stderr: string }> => {
    const running = shop.start(['step', name, '--json']);
    const { code, stderr } = await running.ended;
    return { code, events: running.events, stderr };
  };

  beforeEach(() => {
    shop = new Project(folder.path);
  });

  it('runs in this very checkout, with the variables, secrets and retries of the step', async () => {
    shop.steps({
      test: { run: 'echo $MODE $TOKEN; echo x >> made; test $(wc -l < made) = 2', env: { MODE: 'test' }, secrets: ['TOKEN'], retries: 1 },
      other: { run: 'exit 1', needs: 'test' },
    });
    shop.commit();
    const missing = await shop.deliver('step', 'test');
    assert.deepEqual([missing.code, /needs the secret TOKEN/.test(missing.stderr)], [2, true]);
    const { code, stdout } = await shop.start(['step', 'test'], { TOKEN: 'very-secret-token' }).ended;
    assert.equal(code, 0, stdout);
    assert.match(stdout, /\ntest \*\*\*\n[\s\S]*attempt 1 of 2 failed[\s\S]*\ntest \*\*\*\n[\s\S]*✓ test passed .*flaky/);
    assert.equal(fs.readFileSync(path.join(shop.root, 'made'), 'utf8'), 'x\nx\n');
    // A step is not a delivery, so the status does not mention it.
    assert.equal((await shop.deliver('status')).code, 2);
  });

  it('shows what is printed, then where it failed, and ends with the exit code of a failure', async () => {
    shop.steps({ types: 'echo "src/cart.ts(3,5): error TS2322: not a number"; exit 2' }).write('src/cart.ts', '1\n2\n3\n').commit();
    const { code, stdout } = await shop.deliver('step', 'types');
    assert.equal(code, 1);
    assert.match(stdout, /error TS2322: not a number\n(?:.*\n)*src\/cart\.ts:3:5 error: not a number/);
    const { events } = await step('types');
    assert.deepEqual(
      events.map((event) => event.type),
      ['run-started', 'step-started', 'problem', 'step-finished', 'run-finished'],
    );
  });

  it('reports problems on GitHub as annotations, and in the summary of the job', async () => {
    shop.steps({ types: 'echo "src/cart.ts(3,5): error TS2322: 100%, not a number"; exit 2' }).write('src/cart.ts', '1\n2\n3\n').commit();
    const summary = path.join(folder.path, 'summary.md');
    const { stdout } = await shop.start(['step', 'types'], { GITHUB_STEP_SUMMARY: summary }).ended;
    assert.match(stdout, /^::error file=src\/cart\.ts,line=3,col=5,title=\w+::100%25, not a number \(TS2322\)$/m);
    assert.equal(fs.readFileSync(summary, 'utf8'), '- types: `src/cart.ts:3: 100%, not a number (TS2322)`\n');
  });

  it('knows the steps by name', async () => {
    shop.steps({ test: 'true' }).commit();
    const { code, stderr } = await shop.deliver('step', 'tset');
    assert.deepEqual([code, /did you mean test\?/.test(stderr)], [2, true]);
  });

  it('deploys in one job and verifies in another, which settles the release', async () => {
    shop.steps(pipeline, { environments });
    const good = say('good');
    const nothing = await step('acceptance');
    assert.deepEqual([nothing.code, /acceptance has nothing to verify/.test(nothing.stderr)], [1, true]);
    const stage = await step('stage');
    assert.equal(stage.code, 0, stage.stderr);
    assert.ok(stage.events.some((event) => event.type === 'deployed' && event.release.commit === good));
    assert.equal((await live())?.release.commit, good);
    const state = path.join(shop.home, 'environments/staging/state.json');
    assert.match(fs.readFileSync(state, 'utf8'), /"unverified": ?true/);
    const acceptance = await shop.deliver('step', 'acceptance');
    assert.equal(acceptance.code, 0, acceptance.stderr);
    assert.match(acceptance.stdout, new RegExp(`staging ${good} ${(await live())?.url}\n[\\s\\S]*staging is verified`));
    assert.doesNotMatch(fs.readFileSync(state, 'utf8'), /"unverified"/);
  });

  it('brings the previous release back when the job that verifies fails, though the checkout is another by then', async () => {
    shop.steps(pipeline, { environments });
    const good = say('good');
    await step('stage');
    await step('acceptance');
    const bad = say('bad');
    const { url } = (await live())!;
    await step('stage');
    assert.equal(await (await fetch(url)).text(), 'bad');
    const { code, events } = await step('acceptance');
    assert.equal(code, 1);
    const back = events.find((event) => event.type === 'rolled-back');
    assert.ok(back?.type === 'rolled-back');
    assert.deepEqual([back.from.commit, back.to?.commit, back.reason], [bad, good, 'acceptance failed']);
    assert.equal(await (await fetch(url)).text(), 'good');
    // A restart runs the good release from its own copy, not from the present checkout.
    await shop.deliver('environment', 'stop', 'staging');
    await shop.deliver('environment', 'start', 'staging');
    await eventually('the good release is up again', async () => (await (await fetch(url)).text()) === 'good');
  });

  it('settles a release only when all that verify it have passed', async () => {
    shop.steps({ ...pipeline, load: { needs: 'stage', verifies: 'staging', run: 'true' } }, { environments });
    say('good');
    await step('stage');
    const first = await step('acceptance');
    assert.ok(first.events.some((event) => event.type === 'notice' && event.message === 'load still verifies this release'));
    const state = path.join(shop.home, 'environments/staging/state.json');
    assert.match(fs.readFileSync(state, 'utf8'), /"unverified"/);
    assert.equal((await step('load')).code, 0);
    assert.doesNotMatch(fs.readFileSync(state, 'utf8'), /"unverified"/);
  });

  it('never takes back what a later delivery has put in its place', async () => {
    shop.steps(pipeline, { environments });
    say('bad');
    await step('stage');
    const newer = say('good');
    await step('stage');
    shop.git('checkout', '-q', 'HEAD~1');
    const { code, stderr } = await step('acceptance');
    assert.equal(code, 1);
    assert.match(stderr, /staging runs .* of shop, but acceptance verifies .*/);
    assert.equal((await live())?.release.commit, newer);
  });
});
