import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { RemoteProject, type EngineKind } from '../support/ci/remote-project';
import type { Running } from '../support/project';
import { eventually, temporaryFolder } from '../support/temporary';

interface StatusShape {
  readonly run: {
    readonly id: string;
    readonly outcome: string;
    readonly steps: readonly { readonly name: string; readonly state: string }[];
  };
}

const steps = { build: { run: 'make' }, test: { run: 'make test', needs: 'build' } };

for (const kind of ['github', 'gitlab', 'jenkins'] as const satisfies readonly EngineKind[])
  describe(`deliver run on ${kind}`, function () {
    this.timeout(120_000);
    const temporary = temporaryFolder();
    let remote: RemoteProject;
    beforeEach(async () => {
      remote = await RemoteProject.start(temporary.path, kind, steps);
    });
    afterEach(async () => remote.stop());

    it('delivers the working tree, and leads from a failure to its line', async () => {
      const { project, server } = remote;
      project.write('src/cart.js', 'export const cart = [];\n\nexport function total() {\n  return 2;\n}\n');
      const began = server.runs.next();
      const running = remote.start('run', '--json');
      const run = await began;
      assert.match(run.branch, /^deliver\/shop-\d{8}T\d{9}-[0-9a-f]{4}$/);
      run.job('build').start().print('building\n').end('passed');
      await running.event('step-finished', 'build');
      run.job('test').start().print('src/cart.js:4:10: error: it is 2, not 1\n');
      await running.event('step-started', 'test');
      run.job('test').print('1 failing\n').end('failed');
      const { code, stdout, stderr } = await running.ended;
      assert.equal(code, 1, stdout + stderr);

      const started = await running.event('run-started');
      assert.equal(started.engine?.name, kind);
      assert.equal(started.engine.branch, run.branch);
      assert.deepEqual(
        running.events.flatMap((event) => (event.type === 'step-finished' ? [`${event.step} ${event.state}`] : [])),
        ['build passed', 'test failed'],
      );
      const problems = await project.json<{ path: string; line: number; message: string }[]>('problems');
      assert.deepEqual(
        problems.map(({ path, line, message }) => ({ path, line, message })),
        [{ path: 'src/cart.js', line: 4, message: 'it is 2, not 1' }],
      );
      assert.match((await project.deliver('log', 'test')).stdout, /src\/cart\.js:4:10: error: it is 2, not 1\n1 failing\n/);
      // Exactly what was in the working copy, and no branch of anybody's.
      assert.equal(project.git('show', 'HEAD:src/cart.js').includes('return 2'), false);
      assert.deepEqual(remote.branches(), [run.branch, 'main']);
    });

    it('takes its own branch away when all passed', async () => {
      const began = remote.server.runs.next();
      const running = remote.start('run', '--json');
      (await began).pass();
      assert.equal((await running.ended).code, 0);
      assert.deepEqual(remote.branches(), ['main']);
      const { run } = await remote.project.json<StatusShape>('status');
      assert.equal(run.outcome, 'passed');
      assert.deepEqual(
        run.steps.map(({ name, state }) => `${name} ${state}`),
        ['build passed', 'test passed'],
      );
    });

    it('is cancelled there, and tells its end', async () => {
      const began = remote.server.runs.next();
      const running = remote.start('run', '--json');
      const run = await began;
      run.job('build').start().print('building\n');
      const started = await running.event('step-started', 'build');
      const cancelled = await remote.start('cancel', '--run', started.run).ended;
      assert.equal(cancelled.code, 0, cancelled.stderr);
      assert.equal((await running.ended).code, 130);
      assert.ok(run.isCancelled);
      const { run: told } = await remote.project.json<StatusShape>('status');
      assert.equal(told.outcome, 'cancelled');
    });

    it('is told to end until that is heard, and not said to have ended before', async () => {
      const began = remote.server.runs.next();
      const running = remote.start('run', '--json');
      const run = await began;
      run.job('build').start();
      await running.event('step-started', 'build');
      let refused = 0;
      remote.server.fault = ({ method }) => (method === 'POST' && refused++ === 0 ? { reply: { status: 500, body: {} } } : undefined);
      running.process.kill('SIGINT');
      assert.equal((await running.ended).code, 130);
      assert.ok(run.isCancelled);
      assert.ok(running.events.some((event) => event.type === 'notice' && event.message.includes('could not be cancelled')));
    });

    it('goes on to be followed when the process that did was killed', async () => {
      const began = remote.server.runs.next();
      const running = remote.start('run', '--json');
      const run = await began;
      run.job('build').start().print('first\n');
      const { run: id } = await running.event('step-started', 'build');
      running.process.kill('SIGKILL');
      await running.ended;
      const between = await remote.project.json<StatusShape>('status');
      assert.equal(between.run.outcome, 'running');
      run.job('build').print('second\n').end('passed');
      run.job('test').pass();
      const follower = await remote.start('follow', '--run', id).ended;
      assert.equal(follower.code, 0, follower.stdout + follower.stderr);
      assert.match((await remote.project.deliver('log', 'build')).stdout, /first\nsecond\n/);
      assert.equal((await remote.project.deliver('log', 'build')).stdout.match(/first/g)?.length, 1);
    });

    it('runs again what failed', async () => {
      const began = remote.server.runs.next();
      const running = remote.start('run', '--json');
      const run = await began;
      run.job('build').pass();
      run.job('test').start().print('no\n').end('failed');
      assert.equal((await running.ended).code, 1);
      const { run: id } = await running.event('run-started');
      const again = kind === 'jenkins' ? remote.server.runs.next() : Promise.resolve(run);
      const second = remote.start('run', '--resume', id, '--json');
      const started = await second.event('run-started');
      assert.equal(started.resumes, id);
      (await again).pass();
      const { code, stdout, stderr } = await second.ended;
      assert.equal(code, 0, stdout + stderr);
      const states = second.events.flatMap((event) => (event.type === 'step-finished' ? [`${event.step} ${event.state}`] : []));
      assert.deepEqual(states.sort(), kind === 'jenkins' ? ['build passed', 'test passed'] : ['build cached', 'test passed']);
    });

    it('shows what somebody else started, while it is watched', async () => {
      const theirs = remote.server.runs.begin({ branch: 'main', event: 'push', by: 'grace', subject: 'A change of hers' });
      theirs.job('build').start().print('hers\n');
      const watching = remote.project.start(['watch-engines'], remote.environment, 'pipe');
      watching.process.stdin?.write('seen\n');
      const seen = await eventually('their run is told', async () => {
        const { run } = await remote.project.json<StatusShape>('status').catch(() => ({ run: undefined }));
        return run?.steps.some(({ name, state }) => name === 'build' && state === 'running') && run;
      });
      assert.match(seen.id, new RegExp(`-${kind}-`));
      theirs.pass();
      await eventually('its end is told', async () => (await remote.project.json<StatusShape>('status')).run.outcome === 'passed', 30_000);
      watching.process.stdin?.end();
      assert.equal((await watching.ended).code, 0);
    });

    it('says what is wrong with a token, and records nothing', async () => {
      const { code, stderr } = await remote.project.start(['run'], {
        ...remote.environment,
        [Object.keys(remote.environment)[0] ?? '']: 'wrong',
      }).ended;
      assert.equal(code, 3);
      assert.match(stderr, /does not accept the token \(401\)/);
      assert.deepEqual(remote.branches(), ['main']);
    });

    it('is refused where the change holds no pipeline of the engine', async () => {
      const { project } = remote;
      for (const file of ['.github/workflows/deliver-shop.yml', '.gitlab-ci.yml', 'Jenkinsfile'])
        fs.rmSync(`${project.root}/${file}`, { force: true });
      const { code, stderr } = await remote.start('run').ended;
      assert.equal(code, 2);
      assert.match(stderr, new RegExp(`the change has no .*\\n.*deliver export ${kind} writes it`));
    });
  });

(process.platform === 'win32' ? describe.skip : describe)('a release that a CI service deploys', function () {
  this.timeout(120_000);
  const temporary = temporaryFolder();
  let remote: RemoteProject;
  const server = (text: string): string =>
    `require('node:http').createServer((_, r) => r.end('${text}')).listen(process.env.PORT, '127.0.0.1');\n`;
  const check = `node -e "fetch(process.env.DELIVERY_URL).then(r=>r.text()).then(t=>process.exit(t==='bad'?1:0))"`;

  beforeEach(async () => {
    const environments = { staging: { process: { command: 'exec node server.js', health: { path: '/healthz', timeout: '10s' } } } };
    const deploying = { stage: { deploy: 'staging' }, acceptance: { needs: 'stage', verifies: 'staging', run: check } };
    remote = await RemoteProject.start(temporary.path, 'gitlab', deploying, { environments });
  });
  afterEach(async () => {
    await remote.stopMachine();
    await remote.stop();
  });

  async function deliver(text: string): Promise<Running> {
    remote.project.write('server.js', server(text));
    const began = remote.server.runs.next();
    const running = remote.start('run', '--json');
    const run = await began;
    for (const name of ['stage', 'acceptance']) {
      const { code, stdout } = await remote.job(name, run.branch);
      run
        .job(name)
        .start()
        .print(stdout)
        .end(code === 0 ? 'passed' : 'failed');
    }
    await running.ended;
    return running;
  }

  it('is in the journal as if it were deployed here: where it answers, that it was verified, and taken back', async () => {
    const good = await deliver('good');
    const deployed = await good.event('deployed');
    assert.match(deployed.url, /^http:\/\/127\.0\.0\.1:\d+/);
    assert.equal(deployed.release.id, await good.runId());
    assert.equal((await good.event('verified')).step, 'acceptance');
    assert.equal(await (await fetch(deployed.url)).text(), 'good');

    const bad = await deliver('bad');
    const back = await bad.event('rolled-back');
    assert.equal(back.environment, 'staging');
    assert.equal(back.to?.commit, deployed.release.commit);
    assert.match(back.reason, /acceptance failed/);
    assert.equal(await (await fetch(deployed.url)).text(), 'good');
  });
});
