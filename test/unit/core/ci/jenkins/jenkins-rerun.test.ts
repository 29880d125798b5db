import * as assert from 'node:assert/strict';
import { jenkins as exporter } from '../../../../../src/core/ci/jenkins/jenkinsfile';
import { restartOf } from '../../../../../src/core/ci/jenkins/restarts';
import type { CiClient, RemoteRun, Started } from '../../../../../src/core/ci/ci-client';
import { follow, shown } from '../../../../support/ci/jenkins-following';
import { failureOf, never, valueOf } from '../../../../support/ci/remote-answers';
import { JenkinsServer } from '../../../../support/ci/jenkins-server';
import { ScriptedRuns, type ScriptedRun } from '../../../../support/ci/scripted-runs';
import { service } from '../export/pipelines';

/** A restart may begin at `test` and at `stage`. */
const definition = `service: shop
steps:
  install: {run: npm ci, outputs: [node_modules/**]}
  lint: {needs: install, run: npm run lint, inputs: [src/**]}
  build: {needs: install, run: npm run build, outputs: [dist/**]}
  test: {needs: [lint, build], run: npm test, inputs: [test/**]}
  stage: {needs: test, deploy: staging}
  acceptance: {needs: stage, run: npm run acceptance, verifies: staging}
environments: {staging: {process: {command: node server.js}}}
`;
const needs = { install: [], lint: ['install'], build: ['install'], test: ['lint', 'build'], stage: ['test'], acceptance: ['stage'] };
const commit = 'a'.repeat(40);

describe('a build of Jenkins that is run again', () => {
  const pipeline = exporter.files([service(definition)], {})[0]?.body ?? '';
  let jenkins: JenkinsServer;
  let runs: ScriptedRuns;
  let engine: CiClient;

  beforeEach(async () => {
    runs = new ScriptedRuns(needs);
    jenkins = await JenkinsServer.start(runs, { commitOf: () => commit });
    engine = follow(jenkins);
  });
  afterEach(async () => jenkins.stop());

  const passed = (run: ScriptedRun, ...names: string[]): void => names.forEach((name) => run.job(name).pass());

  /** A run of which all passed up to a step, which failed. */
  async function failedAt(name: string): Promise<RemoteRun> {
    const { id } = valueOf(await engine.start({ service: 'shop', file: 'Jenkinsfile', branch: 'deliver/abc', commit }, never));
    const run = runs.runs[0] as ScriptedRun;
    passed(run, ...Object.keys(needs).slice(0, Object.keys(needs).indexOf(name)));
    run.job(name).start().print('no\n').end('failed');
    return valueOf(await engine.read(id, never));
  }
  const again = async (run: RemoteRun, file: string | undefined = pipeline): Promise<Started> =>
    valueOf(await engine.rerun(run, never, file));
  const restarts = (): (string | null | undefined)[] =>
    jenkins.asked.flatMap(({ path, query }) => (path.endsWith('/restart/restartPipeline') ? [query.get('stageName')] : []));

  it('goes on from the stage that failed, and says so', async () => {
    const before = await failedAt('test');
    const { id, notice } = await again(before);
    assert.equal(notice, 'Jenkins goes on from test: what came before it in build 1 is kept');
    assert.notEqual(id, before.id);
    assert.deepEqual(restarts(), ['test']);
    assert.deepEqual(shown(valueOf(await engine.read(id, never))), ['run running', 'install kept', 'lint kept', 'build kept']);
    (runs.runs[0] as ScriptedRun).pass();
    const run = valueOf(await engine.read(id, never));
    assert.deepEqual(shown(run), [
      'run passed',
      ...['install kept', 'lint kept', 'build kept', 'test passed', 'stage passed', 'acceptance passed'],
    ]);
    assert.deepEqual([run.branch, run.commit], ['deliver/abc', commit]);
    assert.deepEqual(
      run.jobs.map(({ hasLog, startedAt }) => hasLog && startedAt !== undefined),
      [false, false, false, true, true, true],
    );
  });

  it('goes on from before the deployment that a later step verified: it may have been rolled back', async () => {
    await again(await failedAt('acceptance'));
    assert.deepEqual(restarts(), ['stage']);
  });

  it('keeps nothing that a stage without outputs of its own could miss: then all of it runs, and it is said why', async () => {
    for (const [name, file, why] of [
      ['build', pipeline, /no stage up to build can take over what others made before it/],
      ['install', pipeline, /no stage up to install/],
      ['test', pipeline.replaceAll(/^ *script \{ takeOver.*$/gm, ''), /no stage up to test/],
      ['test', pipeline.replace(/^.*preserveStashes.*$/m, ''), /no stage up to test/],
    ] as const) {
      const count = runs.runs.length;
      const { notice } = await again(await failedAt(name), file);
      assert.match(notice ?? '', /^Jenkins runs all of it again: /);
      assert.match(notice ?? '', why);
      assert.equal(runs.runs.length, count + 2);
      assert.equal(runs.runs[0]?.job('install').state, 'waiting');
      assert.equal(runs.runs[0].branch, 'deliver/abc');
    }
    assert.deepEqual(restarts(), []);
    const unknown = valueOf(await engine.rerun(await failedAt('test'), never));
    assert.match(unknown.notice ?? '', /its Jenkinsfile is not known here/);
  });

  it('runs all of it again where Jenkins restarts nothing', async () => {
    jenkins.hasRestart = false;
    assert.match((await again(await failedAt('test'))).notice ?? '', /runs all of it again: Jenkins restarts no build here/);
    assert.deepEqual([runs.runs.length, restarts()], [2, ['test']]);
  });

  it('runs all of it again where Jenkins refuses the stage, in its words', async () => {
    const run = await failedAt('test');
    const data = { success: 'false', message: 'not allowed to restart' };
    jenkins.fault = ({ path }) => (path.endsWith('/restartPipeline') ? { reply: { body: { status: 'ok', data } } } : undefined);
    assert.match((await again(run)).notice ?? '', /does not restart build 1 at test: not allowed to restart/);
  });

  it('starts nothing else where it is not certain whether Jenkins did', async () => {
    const run = await failedAt('test');
    for (const reply of [{ status: 500 }, { body: {} }, { body: '<html>' }, { body: { data: { success: 'perhaps' } } }]) {
      jenkins.fault = ({ path }) => (path.endsWith('/restartPipeline') ? { reply } : undefined);
      failureOf(await engine.rerun(run, never, pipeline));
    }
    assert.equal(runs.runs.length, 1);
  });

  it('is the restart that was asked for, whatever else is newer, and also while it waits', async () => {
    const before = await failedAt('test');
    jenkins.restartAs(runs.runs[0] as ScriptedRun, { of: 1, stage: 'test' }).pass();
    jenkins.why = 'Build #2 is already in progress';
    const { id } = await again(before);
    const own = runs.runs[0] as ScriptedRun;
    runs.begin({ branch: 'main' });
    const waiting = valueOf(await engine.read(id, never));
    assert.deepEqual([waiting.state, waiting.branch, waiting.reason], ['waiting', 'deliver/abc', 'Build #2 is already in progress']);
    jenkins.why = undefined;
    own.job('test').start();
    assert.deepEqual(shown(valueOf(await engine.read(id, never))).slice(-1), ['test running']);
  });

  it('is none where somebody restarts the same at the same moment', async () => {
    const before = await failedAt('test');
    jenkins.fault = ({ path }) => {
      if (path.endsWith('/restartPipeline')) jenkins.restartAs(runs.runs[0] as ScriptedRun, { of: 1, stage: 'test' });
      return undefined;
    };
    assert.match(failureOf(await engine.rerun(before, never, pipeline)).message, /restarted twice at the same moment/);
  });

  it('is no restart of another job with the same number', async () => {
    const before = await failedAt('test');
    const causes = [{ shortDescription: 'Restarted from build #1, stage test' }];
    const elsewhere = { id: 900, task: { url: `${jenkins.url}/job/other/` }, actions: [{ causes }] };
    jenkins.fault = ({ path }) => (path.endsWith('/queue/api/json') ? { reply: { body: { items: [elsewhere] } } } : undefined);
    assert.notEqual((await again(before)).id, 'queue:900');
  });

  it('is not restarted twice: what a restart could not take over, the next could not either', async () => {
    const { id } = await again(await failedAt('test'));
    runs.runs[0]?.job('test').start().end('failed');
    const second = valueOf(await engine.read(id, never));
    assert.deepEqual(shown(second), [
      'run failed',
      ...['install kept', 'lint kept', 'build kept', 'test failed', 'stage skipped', 'acceptance skipped'],
    ]);
    assert.match((await again(second)).notice ?? '', /all of it again: build 2 went on from another itself/);
  });

  it('is run as a whole when Jenkins keeps what it made no more', async () => {
    const before = await failedAt('test');
    for (let count = 0; count < 10; count++) runs.begin().pass();
    assert.match((await again(before)).notice ?? '', /what build 1 made is not kept any more/);
  });

  it('is run as a whole where a step did not keep what it made', async () => {
    jenkins.stashes = new Set(['install']);
    assert.match((await again(await failedAt('test'))).notice ?? '', /what build made was not kept by build 1/);
    assert.deepEqual(restarts(), []);
  });

  it('tells of stages that somebody passed over what they are: kept where they passed before, else not run', async () => {
    await failedAt('test');
    const first = jenkins.restartAs(runs.runs[0] as ScriptedRun, { of: 1, stage: 'test' });
    assert.deepEqual(shown(valueOf(await engine.read('build:2', never))).slice(1), ['install kept', 'lint kept', 'build kept']);
    first.job('test').start().end('failed');
    jenkins.restartAs(first, { of: 2, stage: 'stage' }).pass();
    const why = 'the build went on from a later stage';
    assert.deepEqual(shown(valueOf(await engine.read('build:3', never))), [
      'run passed',
      ...['install', 'lint', 'build', 'test'].map((name) => `${name} skipped: ${why}`),
      ...['stage passed', 'acceptance passed'],
    ]);
    // The one before is not there any more.
    runs.delete(runs.runs.at(-1) as ScriptedRun);
    assert.equal(shown(valueOf(await follow(jenkins).read('build:2', never)))[1], `install skipped: ${why}`);
  });

  it('is not followed where Jenkins went on with another commit', async () => {
    const { id } = await again(await failedAt('test'));
    (runs.runs[0] as { commit: string }).commit = 'b'.repeat(40);
    assert.match(failureOf(await engine.read(id, never)).message, /went on with commit bbbbbbbb, not aaaaaaaa/);
  });

  it('is known by its cause, however its number is written', () => {
    const of = (said: string): unknown => restartOf([{}, { causes: [{}, { shortDescription: said }] }]);
    for (const number of ['1234', '1,234', '1.234', '1 234', '1’234'])
      assert.deepEqual(of(`Restarted from build #${number}, stage a, stage b`), { of: 1234, stage: 'a, stage b' });
    assert.equal(of('Started by user Restarted from build #1, stage a'), undefined);
  });
});
