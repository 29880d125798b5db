import * as assert from 'node:assert/strict';
import { follow, shown } from '../../../../support/ci/jenkins-following';
import { OnJenkins, request } from '../../../../support/ci/on-jenkins';
import { failureOf, jobOf, never, valueOf } from '../../../../support/ci/remote-answers';

describe('Jenkins', () => {
  const on = new OnJenkins();

  describe('runs', () => {
    it('reports the stages while they run', async () => {
      const id = await on.begin();
      const [run] = on.runs.runs;
      assert.deepEqual(shown(valueOf(await on.engine.read(id, never))), ['run running']);
      run?.job('build').pass();
      run?.job('test').start();
      assert.deepEqual(shown(valueOf(await on.engine.read(id, never))), ['run running', 'build passed', 'test running']);
      run?.pass();
      const read = valueOf(await on.engine.read(id, never));
      assert.deepEqual(shown(read), ['run passed', 'build passed', 'test passed', 'stage passed']);
      assert.ok(read.finishedAt !== undefined && jobOf(read, 'stage').finishedAt !== undefined);
    });

    it('reports the failed stage and skips the stages after it', async () => {
      const id = await on.begin();
      on.runs.runs[0]?.job('build').pass();
      on.runs.runs[0]?.job('test').start().end('failed', 7);
      const run = valueOf(await on.engine.read(id, never));
      assert.deepEqual(shown(run), ['run failed', 'build passed', 'test failed', 'stage skipped']);
      assert.equal(jobOf(run, 'test').exitCode, 7);
      assert.equal(jobOf(run, 'stage').hasLog, false);
    });

    it('reports a step with an unmet condition as skipped', async () => {
      const id = await on.begin();
      on.jenkins.conditional.add('stage');
      on.runs.runs[0]?.pass();
      for (let time = 0; time < 2; time++)
        assert.deepEqual(shown(valueOf(await on.engine.read(id, never))), ['run passed', 'build passed', 'test passed', 'stage skipped']);
      assert.equal(on.jenkins.asked.filter(({ path }) => path.includes('/execution/node/')).length, 3);
    });

    it('reports an empty stage as skipped only after a failure', async () => {
      const id = await on.begin();
      on.jenkins.fault = ({ path }) => (path.includes('/execution/node/') ? { reply: { body: { stageFlowNodes: [] } } } : undefined);
      on.runs.runs[0]?.job('build').pass();
      on.runs.runs[0]?.job('test').start().end('failed');
      assert.deepEqual(shown(valueOf(await on.engine.read(id, never))).slice(1), ['build passed', 'test failed', 'stage skipped']);
    });

    it('reports an unstable build as failed', async () => {
      const id = await on.begin();
      on.jenkins.unstable.add('test');
      on.runs.runs[0]?.job('build').pass();
      on.runs.runs[0]?.job('test').start().end('failed');
      assert.deepEqual(shown(valueOf(await on.engine.read(id, never))).slice(0, 3), [
        'run failed: tests failed (unstable)',
        'build passed',
        'test failed: tests failed (unstable)',
      ]);
    });

    it('reports other stages only if they failed, except around a failed step', async () => {
      const id = await on.begin();
      const other = (name: string, status: string): void => {
        on.jenkins.otherStages.push({
          id: String(500 + on.jenkins.otherStages.length),
          name,
          status,
          startTimeMillis: Date.now(),
          durationMillis: 5,
        });
      };
      other('Declarative: Checkout SCM', 'SUCCESS');
      on.runs.runs[0]?.job('build').pass();
      assert.deepEqual(shown(valueOf(await on.engine.read(id, never))), ['run running', 'build passed']);
      other('wave 2', 'FAILED');
      assert.deepEqual(shown(valueOf(await on.engine.read(id, never))), ['run running', 'wave 2 failed', 'build passed']);
      on.runs.runs[0]?.job('test').start().end('failed');
      assert.ok(!shown(valueOf(await on.engine.read(id, never))).includes('wave 2 failed'));
    });

    it('reports a failure before the first stage at the build', async () => {
      const id = await on.begin();
      (on.runs.runs[0] as { startupFailure?: string }).startupFailure = 'Unable to find Jenkinsfile';
      assert.deepEqual(shown(valueOf(await on.engine.read(id, never))), ['run failed', 'shop failed: failed outside of the stages']);
    });

    it('reports only the build without the stages plugin', async () => {
      on.jenkins.hasStageView = false;
      const id = await on.begin();
      on.runs.runs[0]?.pass();
      assert.deepEqual(shown(valueOf(await on.engine.read(id, never))), [
        'run passed',
        'shop passed: Jenkins reports no stages: the plugin “Pipeline: Stage View” is not installed',
      ]);
    });

    it('corrects times by the difference of the clocks', async () => {
      on.jenkins.skewMs = 3_600_000;
      const id = await on.begin();
      on.runs.runs[0]?.pass();
      const run = valueOf(await on.engine.read(id, never));
      for (const time of [run.createdAt, run.finishedAt, jobOf(run, 'build').startedAt])
        assert.ok(Math.abs(Date.parse(time ?? '') - Date.now()) < 60_000, time);
    });

    it("reports the branch's commit, not a library's, and none if uncertain", async () => {
      const revision = (letter: string, name: string): object => ({ lastBuiltRevision: { SHA1: letter.repeat(40), branch: [{ name }] } });
      const parameter = { parameters: [{ name: 'DELIVERY_REF', value: 'refs/heads/deliver/x' }] };
      let actions: unknown[] = [revision('b', 'main'), parameter, revision('c', 'refs/remotes/origin/deliver/x')];
      on.runs.begin();
      on.jenkins.fault = ({ path }) =>
        path.endsWith('/1/api/json') ? { reply: { body: { number: 1, timestamp: 1, building: false, result: null, actions } } } : undefined;
      const { commit, state } = valueOf(await on.engine.read('build:1', never));
      assert.deepEqual([commit, state], ['c'.repeat(40), 'running']);
      actions = [revision('b', 'main'), parameter, revision('c', 'master')];
      assert.equal(valueOf(await on.engine.read('build:1', never)).commit, '');
    });

    it('reports a deleted build', async () => {
      const id = await on.begin();
      valueOf(await on.engine.read(id, never));
      on.runs.delete(on.runs.runs[0] as (typeof on.runs.runs)[0]);
      assert.equal(failureOf(await on.engine.read(id, never)).gone, true);
      on.jenkins.forgetItems();
      assert.equal(failureOf(await follow(on.jenkins).read(id, never)).gone, true);
    });

    it('lists the latest builds, newest first', async () => {
      on.runs.begin({ branch: 'main', by: 'hubot' }).pass();
      const id = await on.begin();
      const listed = valueOf(await on.engine.list('shop', never));
      assert.deepEqual(
        listed.map((run) => [run.id, run.branch, run.state, run.by]),
        [
          [id, request.branch, 'running', 'Mona Octocat'],
          ['build:1', 'main', 'passed', 'hubot'],
        ],
      );
      assert.deepEqual(shown(valueOf(await on.engine.read('build:1', never)))[0], 'run passed');
    });

    it('reports and approves a waiting stage', async () => {
      const id = await on.begin();
      const [run] = on.runs.runs;
      run?.job('build').pass();
      const job = run?.job('test');
      if (job) job.approval = 'Deploy to production?';
      const read = valueOf(await on.engine.read(id, never));
      assert.deepEqual([jobOf(read, 'test').state, jobOf(read, 'test').approval], ['waiting', 'Deploy to production?']);
      assert.match(failureOf(await on.engine.approve(read, 'Something else?', never)).message, /no longer waits for/);
      valueOf(await on.engine.approve(read, 'Deploy to production?', never));
      assert.equal(jobOf(valueOf(await on.engine.read(id, never)), 'test').state, 'running');
    });

    it("reports only the stage's failing tests", async () => {
      const id = await on.begin();
      const test = on.runs.runs[0]?.job('test').start().end('failed');
      if (test)
        test.report =
          '<testsuite><testcase classname="cart" name="adds"><failure message="3 is not 4">at add (src/cart.ts:3:9)</failure></testcase><testcase name="ok"/></testsuite>';
      const run = valueOf(await on.engine.read(id, never));
      const problems = valueOf(await on.engine.problems(run, jobOf(run, 'test'), never));
      assert.deepEqual(
        problems.map(({ message }) => message),
        ['cart › adds: 3 is not 4'],
      );
      assert.deepEqual(valueOf(await on.engine.problems(run, { ...jobOf(run, 'test'), name: 'build' }, never)), []);
    });
  });
});
