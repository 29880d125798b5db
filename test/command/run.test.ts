import * as assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { RunEvent } from '../../src/core/model/events';
import type { Status } from '../../src/core/model/run-status';
import { Project } from '../support/project';
import { eventually, temporaryFolder } from '../support/temporary';

(process.platform === 'win32' ? describe.skip : describe)('deliver run', function () {
  this.timeout(60_000);
  const folder = temporaryFolder();
  const project = (): Project => new Project(folder.path);

  it('runs the steps in the order of their needs and says so', async () => {
    const shop = project()
      .steps({ build: 'echo built > out.txt', test: { run: 'cat out.txt', needs: 'build' } })
      .commit('Sell tea');
    const { code, stdout, stderr } = await shop.deliver('run');
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    assert.match(stdout, /^delivering shop [0-9a-f]{7} Sell tea\n▸ build\n✓ build passed .*\n▸ test\n✓ test passed .*\npassed in .*\n$/);
    assert.doesNotMatch(stdout, /[\x1b\r]/);
  });

  it('says once why not even the first step could be run', async () => {
    const bin = path.join(folder.path, 'bin');
    fs.mkdirSync(bin);
    const git = execFileSync('which', ['git'], { encoding: 'utf8' }).trim();
    fs.symlinkSync(git, path.join(bin, 'git'));
    const shop = project()
      .steps({ build: 'true', stage: { deploy: 'staging' } }, { environments: { staging: { compose: {} } } })
      .commit('Sell tea');
    const { code, stdout, stderr } = await shop.start(['run'], { PATH: bin }).ended;
    assert.equal(code, 2);
    assert.match(stdout, /^delivering shop [0-9a-f]{7} Sell tea\nfailed in \S+ ?\S*\n$/);
    assert.match(stderr, /^error: docker compose, .* is required, and none is installed\n {2}\S.*\n$/);
  });

  it('prints the journal’s events as they happen', async () => {
    const shop = project()
      .steps({ build: 'echo hello', test: { run: 'exit 3', needs: 'build' } })
      .commit();
    const running = shop.start(['run', '--json']);
    const { code, stdout } = await running.ended;
    assert.equal(code, 1);
    const { events } = running;
    assert.equal(events.length, stdout.trim().split('\n').length);
    assert.deepEqual(
      events.map((event) => [event.type, 'step' in event ? event.step : undefined]),
      [
        ['run-started', undefined],
        ['step-started', 'build'],
        ['step-finished', 'build'],
        ['step-started', 'test'],
        ['step-finished', 'test'],
        ['run-finished', undefined],
      ],
    );
    for (const { at, run } of events) {
      assert.match(at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      assert.equal(run, events[0]?.run);
    }
    const failed = events[4] as Extract<RunEvent, { type: 'step-finished' }>;
    assert.deepEqual([failed.state, failed.exitCode], ['failed', 3]);
    assert.equal(fs.readFileSync((events[2] as typeof failed).log!, 'utf8'), 'hello\n');
  });

  it('tells the status in the shape that others rely on', async () => {
    const shop = project().steps({ build: 'true' }).commit('Sell tea');
    await shop.deliver('run');
    const { service, run, releasable } = await shop.json<Status>('status');
    const head = shop.git('rev-parse', 'HEAD').trim();
    assert.equal(service, 'shop');
    assert.ok(fs.existsSync(path.join(run.folder, 'journal.jsonl')));
    assert.equal(run.outcome, 'passed');
    assert.ok(Date.parse(run.startedAt) <= Date.parse(run.finishedAt!));
    assert.equal(run.change.commit, head);
    assert.equal(run.change.tree, shop.git('rev-parse', 'HEAD^{tree}').trim());
    assert.equal(run.change.subject, 'Sell tea');
    assert.equal(run.change.dirty, false);
    const [build] = run.steps;
    assert.deepEqual(
      { name: build?.name, state: build?.state, cached: build?.cached, flaky: build?.flaky },
      { name: 'build', state: 'passed', cached: false, flaky: false },
    );
    assert.equal(typeof build?.durationMs, 'number');
    assert.deepEqual([releasable.yes, releasable.commit], [true, head]);
  });

  it('starts a step as soon as its own needs are done', async () => {
    const shop = project()
      .steps({ fast: 'true', slow: 'while [ ! -e "$GATE" ]; do sleep 0.02; done', after: { run: 'true', needs: 'fast' } })
      .commit();
    const gate = path.join(folder.path, 'gate');
    const running = shop.start(['run', '--json', '--jobs', '2'], { GATE: gate });
    await running.event('step-finished', 'after');
    fs.writeFileSync(gate, '');
    assert.equal((await running.ended).code, 0);
  });

  it('does not run again what did not change, and puts its outputs back', async () => {
    const shop = project()
      .steps({
        build: { run: 'cp src/a.txt out.txt; date +%N >> ../count || true', inputs: ['src/**'], outputs: ['out.txt'] },
        show: { run: 'cat out.txt', needs: 'build' },
      })
      .write('src/a.txt', 'one\n')
      .write('.gitignore', 'out.txt\n')
      .commit();
    await shop.deliver('run');
    const slots = fs
      .readdirSync(path.join(shop.home, 'repositories'), { recursive: true })
      .map(String)
      .filter((name) => name.endsWith('out.txt') && name.includes('slots'));
    assert.equal(slots.length, 1);
    fs.rmSync(path.join(shop.home, 'repositories', slots[0]!));
    await shop.deliver('run');
    const again = await shop.json<Status>('status');
    assert.deepEqual(
      again.run.steps.map(({ state }) => state),
      ['cached', 'passed'],
    );
    assert.equal((await shop.deliver('log', 'show')).stdout, 'one\n');
    shop.write('src/a.txt', 'two\n');
    await shop.deliver('run');
    assert.equal((await shop.deliver('log', 'show')).stdout, 'two\n');
  });

  it('never takes a step for up to date that failed or was interrupted', async () => {
    const shop = project()
      .steps({ build: { run: 'test ! -e "$BROKEN"', inputs: ['a.txt'] } })
      .write('a.txt', 'x')
      .commit();
    const broken = path.join(folder.path, 'broken');
    const deliver = async () => (await shop.start(['run'], { BROKEN: broken }).ended).code;
    const state = async () => (await shop.json<Status>('status')).run.steps[0]?.state;
    assert.equal(await deliver(), 0);
    fs.writeFileSync(broken, '');
    shop.write('a.txt', 'y');
    assert.equal(await deliver(), 1);
    assert.equal(await deliver(), 1);
    assert.equal(await state(), 'failed');
    fs.rmSync(broken);
    assert.equal(await deliver(), 0);
    assert.equal(await state(), 'passed');
  });

  it('calls a pass on the second attempt flaky', async () => {
    const once = path.join(folder.path, 'once');
    const shop = project()
      .steps({ test: { run: `test -e ${once} || { touch ${once}; echo no luck; exit 1; }`, retries: 1 } })
      .commit();
    assert.equal((await shop.deliver('run')).code, 0);
    const { run } = await shop.json<Status>('status');
    assert.deepEqual([run.steps[0]?.state, run.steps[0]?.flaky], ['passed', true]);
    assert.match((await shop.deliver('log')).stdout, /no luck\n\n--- attempt 1 of 2 failed/);
  });

  it('ends a step after its timeout and says why', async () => {
    const shop = project()
      .steps({ test: { run: 'exec sleep 600', timeout: '300ms' } })
      .commit();
    const { code, stdout } = await shop.deliver('run');
    assert.equal(code, 1);
    assert.match(stdout, /test failed .* it exceeded its timeout of 300 ms/);
  });

  it('shows no secret, in whatever dress', async () => {
    const secret = 'correct horse/battery+staple';
    const shop = project()
      .steps({
        tell: {
          secrets: ['TOKEN'],
          run: `echo "plain $TOKEN"; printf 'split correct horse'; sleep 0.1; echo '/battery+staple'; printf %s "$TOKEN" | base64; node -p 'encodeURIComponent(process.env.TOKEN)'`,
        },
        other: { run: 'echo "other [$TOKEN$GITHUB_TOKEN$DELIVER_TOKEN_ERRORS_EXAMPLE_COM]"', needs: 'tell' },
      })
      .commit();
    const { code, stdout, stderr } = await shop.start(['run', '--json'], {
      TOKEN: secret,
      GITHUB_TOKEN: 'hub',
      DELIVER_TOKEN_ERRORS_EXAMPLE_COM: 'errors',
    }).ended;
    assert.equal(code, 0, stdout + stderr);
    const log = (await shop.deliver('log', 'tell')).stdout;
    assert.equal(log.replace(/[A-Za-z0-9+/=]{0,3}\*\*\*[A-Za-z0-9+/=]{0,3}/g, '***'), 'plain ***\nsplit ***\n***\n***\n');
    assert.equal((await shop.deliver('log', 'other')).stdout, 'other []\n');
    for (const file of fs.readdirSync(shop.home, { recursive: true, withFileTypes: true }))
      if (file.isFile()) assert.ok(!fs.readFileSync(path.join(file.parentPath, file.name)).includes(secret), file.name);
  });

  it('says which secret is not set before anything runs', async () => {
    const shop = project()
      .steps({ test: { run: 'touch ran', secrets: ['NOT_SET_ANYWHERE'] } })
      .commit();
    const { code, stderr } = await shop.deliver('run');
    assert.equal(code, 2);
    assert.match(stderr, /NOT_SET_ANYWHERE/);
  });

  it('delivers the commit that is named, and leaves the working tree alone', async () => {
    const shop = project().steps({ show: 'cat a.txt' }).write('a.txt', 'one\n').commit();
    shop.write('a.txt', 'two\n').commit();
    shop.write('a.txt', 'three\n').write('b.txt', 'new\n');
    const before = shop.git('status', '--porcelain=v2', '--branch');
    assert.equal((await shop.deliver('run', '--commit', 'HEAD~1')).code, 0);
    assert.equal((await shop.deliver('log', 'show')).stdout, 'one\n');
    assert.equal((await shop.deliver('run')).code, 0);
    assert.equal((await shop.deliver('log', 'show')).stdout, 'three\n');
    assert.equal(shop.git('status', '--porcelain=v2', '--branch'), before);
    const unknown = await shop.deliver('run', '--commit', 'nonsense');
    assert.equal(unknown.code, 2);
    assert.match(unknown.stderr, /nonsense/);
  });

  it('lets the newest waiting delivery replace the older ones', async () => {
    const gate = path.join(folder.path, 'gate');
    const shop = project().steps({ build: 'while [ ! -e "$GATE" ]; do sleep 0.02; done' }).commit();
    const first = shop.start(['run', '--json'], { GATE: gate });
    await first.event('step-started');
    const second = shop.start(['run', '--json'], { GATE: gate });
    await second.event('run-queued');
    const third = shop.start(['run', '--json'], { GATE: gate });
    await third.event('run-queued');
    const replaced = await second.ended;
    assert.notEqual(replaced.code, 0);
    fs.writeFileSync(gate, '');
    assert.deepEqual([(await first.ended).code, (await third.ended).code], [0, 0]);
    const outcome = async (running: typeof second) => (await shop.json<Status>('status', '--run', await running.runId())).run.outcome;
    assert.deepEqual([await outcome(first), await outcome(second), await outcome(third)], ['passed', 'superseded', 'passed']);
  });

  it('follows a log until the run ends', async () => {
    const gate = path.join(folder.path, 'gate');
    const shop = project().steps({ build: 'echo begun; while [ ! -e "$GATE" ]; do sleep 0.02; done; echo done' }).commit();
    const running = shop.start(['run', '--json'], { GATE: gate });
    await running.event('step-started');
    const follower = shop.start(['log', 'build', '--follow']);
    let seen = '';
    follower.process.stdout?.on('data', (chunk: Buffer) => (seen += chunk.toString()));
    await eventually('the first line is shown', () => seen === 'begun\n');
    fs.writeFileSync(gate, '');
    assert.deepEqual((await follower.ended).stdout, 'begun\ndone\n');
    await running.ended;
  });

  it('writes nothing into the repository', async () => {
    const shop = project().steps({ build: 'echo x > made.txt; git tag mine; git commit -q --allow-empty -m mine' }).commit();
    const before = shop.git('for-each-ref') + fs.readdirSync(shop.root).join() + shop.git('count-objects', '-v');
    assert.equal((await shop.deliver('run')).code, 0, (await shop.deliver('log')).stdout);
    assert.equal(shop.git('for-each-ref') + fs.readdirSync(shop.root).join() + shop.git('count-objects', '-v'), before);
  });
});
