import * as assert from 'node:assert/strict';
import type { RemoteEngine } from '../../../../../src/core/engines/remote/remote-engine';
import type { Reply } from '../../../../support/http-server';
import { failureOf, follow, jobOf, never, shown, valueOf } from '../../../../support/engines/jenkins-following';
import { JenkinsServer } from '../../../../support/engines/jenkins-server';
import { ScriptedRuns } from '../../../../support/engines/scripted-runs';

const request = { service: 'shop', file: 'Jenkinsfile', branch: 'deliver/abc', commit: 'a'.repeat(40) };
const commitOf = (): string => request.commit;

describe('Jenkins', () => {
  let jenkins: JenkinsServer;
  let runs: ScriptedRuns;
  let engine: RemoteEngine;

  beforeEach(async () => {
    runs = new ScriptedRuns({ build: [], test: ['build'], stage: ['test'] });
    jenkins = await JenkinsServer.start(runs, { prefix: '/ci', commitOf });
    engine = follow(jenkins);
  });
  afterEach(async () => jenkins.stop());

  const begin = async (): Promise<string> => valueOf(await engine.start(request, never)).id;

  describe('says before anything is started whether it can deliver', () => {
    it('names who asks, and sends the user and the token as Basic', async () => {
      assert.equal(valueOf(await engine.check(never)), 'Mona Octocat');
      assert.equal(jenkins.asked[0]?.headers.authorization, `Basic ${Buffer.from(jenkins.token).toString('base64')}`);
    });

    it('wants a token, and one that is accepted', async () => {
      const none = failureOf(await follow(jenkins, '').check(never));
      assert.deepEqual([none.reason, none.status], ['token', 403]);
      const wrong = failureOf(await follow(jenkins, 'octocat:wrong-token').check(never));
      assert.deepEqual([wrong.reason, wrong.status], ['token', 401]);
      assert.ok(!JSON.stringify(wrong).includes('wrong-token'));
    });

    it('says that somebody anonymous asks', async () => {
      jenkins.fault = ({ path }) =>
        path === '/ci/me/api/json' ? { reply: { body: { id: 'anonymous', fullName: 'anonymous' } } } : undefined;
      assert.match(failureOf(await engine.check(never)).message, /anonymous/);
    });

    it('says that the job is missing, disabled, of another kind or without its parameter, and what to do', async () => {
      const said = async (): Promise<string> => {
        const { message, hint } = failureOf(await engine.check(never));
        return `${message} (${hint ?? ''})`;
      };
      jenkins.parameters = [{ name: 'OTHER', type: 'StringParameterDefinition' }];
      assert.match(await said(), /has no parameter DELIVERY_REF \(add a string parameter DELIVERY_REF/);
      jenkins.parameters = [{ name: 'DELIVERY_REF', type: 'BooleanParameterDefinition' }];
      assert.match(await said(), /none of text \(BooleanParameterDefinition\)/);
      jenkins.isDisabled = true;
      assert.match(await said(), /folder\/shop is disabled/);
      jenkins.fault = ({ path }) =>
        path.endsWith('shop/api/json') ? { reply: { body: { _class: 'hudson.model.FreeStyleProject' } } } : undefined;
      assert.match(await said(), /no Pipeline job/);
      jenkins.fault = ({ path }) => (path.endsWith('shop/api/json') ? { reply: { status: 404 } } : undefined);
      assert.match(await said(), /no job folder\/shop, or octocat may not see it/);
    });
  });

  describe('starts a run', () => {
    it('at the branch, and knows at once which it is', async () => {
      const begun = runs.next();
      const id = await begin();
      assert.match(id, /^queue:\d+$/);
      assert.equal((await begun).branch, request.branch);
      assert.equal(jenkins.asked[0]?.query.get('DELIVERY_REF'), 'refs/heads/deliver/abc');
      const run = valueOf(await engine.read(id, never));
      assert.deepEqual(
        [run.id, run.url, run.branch, run.commit, run.by],
        [id, `${jenkins.url}/job/folder/job/shop/1/`, request.branch, request.commit, 'Mona Octocat'],
      );
    });

    it('and never takes the build of another for it', async () => {
      jenkins.why = 'In the quiet period. Expires in 4.9 sec';
      const id = await begin();
      jenkins.why = undefined;
      jenkins.observe();
      runs.begin({ branch: request.branch, commit: request.commit });
      assert.equal(valueOf(await engine.read(id, never)).url, `${jenkins.url}/job/folder/job/shop/1/`);
    });

    it('finds its build also after the queue has forgotten it', async () => {
      jenkins.why = 'In the quiet period';
      const id = await begin();
      const other = runs.begin();
      jenkins.why = undefined;
      jenkins.forgetItems();
      other.pass();
      assert.equal(valueOf(await engine.read(id, never)).url, `${jenkins.url}/job/folder/job/shop/1/`);
    });

    it('waits in the queue for as long as it does, and says why', async () => {
      jenkins.why = 'There are no nodes with the label ‘linux’';
      const id = await begin();
      for (let time = 0; time < 3; time++)
        assert.deepEqual(shown(valueOf(await engine.read(id, never))), ['run waiting: There are no nodes with the label ‘linux’']);
      const { commit, branch } = valueOf(await engine.read(id, never));
      assert.deepEqual([commit, branch], [request.commit, request.branch]);
    });

    it('and waits for a machine, and says why', async () => {
      const id = await begin();
      const build = jenkins.build(runs.runs[0] as (typeof runs.runs)[0]);
      assert.deepEqual(shown(valueOf(await engine.read(id, never))), ['run running']);
      build.machine('Still waiting to schedule task\nThere are no nodes with the label ‘linux’\n');
      for (let time = 0; time < 2; time++)
        assert.deepEqual(shown(valueOf(await engine.read(id, never))), ['run waiting: There are no nodes with the label ‘linux’']);
      build.machine('Running on agent-1 in /home/jenkins/shop\n');
      assert.deepEqual(shown(valueOf(await engine.read(id, never))), ['run running']);
    });

    it('takes an item that became a build while it was to be taken out of the queue for what it is', async () => {
      jenkins.why = 'In the quiet period';
      const id = await begin();
      jenkins.fault = ({ path }) => {
        if (!path.endsWith('/cancelItem')) return undefined;
        jenkins.why = undefined;
        return { reply: { status: 404 } };
      };
      valueOf(await engine.cancel(id, never));
      assert.equal(runs.runs[0]?.isCancelled, true);
    });

    it('says that it was taken out of the queue', async () => {
      jenkins.why = 'Waiting for next available executor';
      const id = await begin();
      valueOf(await engine.cancel(id, never));
      assert.deepEqual(shown(valueOf(await engine.read(id, never))), ['run cancelled: it was taken out of the queue']);
    });

    it('sends what is refused for want of a crumb once more with one', async () => {
      jenkins.wantsCrumb = true;
      await begin();
      assert.equal(runs.runs.length, 1);
    });

    it('and nothing else that is refused', async () => {
      jenkins.fault = ({ method }) =>
        method === 'POST' ? { reply: { status: 403, body: { message: 'octocat is missing Job/Build' } } } : undefined;
      assert.match(failureOf(await engine.start(request, never)).message, /\(403\): octocat is missing Job\/Build/);
      assert.equal(jenkins.asked.length, 1);
    });

    it('and takes no other item of the queue for its own', async () => {
      const id = await begin();
      const body = { id: 7, executable: { number: 9 } };
      jenkins.fault = ({ path }) => (path.includes('/queue/item/') ? { reply: { body } } : undefined);
      assert.match(failureOf(await engine.read(id, never)).message, /something else for the item/);
    });

    it('and says where Jenkins does not tell what came of it', async () => {
      jenkins.fault = ({ method }) => (method === 'POST' ? { reply: { status: 201 } } : undefined);
      assert.match(failureOf(await engine.start(request, never)).message, /does not say what it started \(201\)/);
    });

    it('says that the job is disabled, and that a page for the sign-in is none of it', async () => {
      jenkins.isDisabled = true;
      assert.match(failureOf(await engine.start(request, never)).message, /takes no builds now \(409\)/);
      const headers = { Location: `${jenkins.url}/securityRealm/commenceLogin?from=%2F` };
      jenkins.fault = ({ method }) => (method === 'POST' ? { reply: { status: 302, headers } } : undefined);
      assert.equal(failureOf(await engine.start(request, never)).reason, 'token');
    });
  });

  describe('tells of a run', () => {
    it('its stages as they go', async () => {
      const id = await begin();
      const [run] = runs.runs;
      assert.deepEqual(shown(valueOf(await engine.read(id, never))), ['run running']);
      run?.job('build').pass();
      run?.job('test').start();
      assert.deepEqual(shown(valueOf(await engine.read(id, never))), ['run running', 'build passed', 'test running']);
      run?.pass();
      const read = valueOf(await engine.read(id, never));
      assert.deepEqual(shown(read), ['run passed', 'build passed', 'test passed', 'stage passed']);
      assert.ok(read.finishedAt !== undefined && jobOf(read, 'stage').finishedAt !== undefined);
    });

    it('what failed and why, and that nothing ran after it whatever Jenkins says', async () => {
      const id = await begin();
      runs.runs[0]?.job('build').pass();
      runs.runs[0]?.job('test').start().end('failed', 7);
      const run = valueOf(await engine.read(id, never));
      assert.deepEqual(shown(run), ['run failed', 'build passed', 'test failed', 'stage skipped']);
      assert.equal(jobOf(run, 'test').exitCode, 7);
      assert.equal(jobOf(run, 'stage').hasLog, false);
    });

    it('that a step was skipped for its condition, though Jenkins says that it passed', async () => {
      const id = await begin();
      jenkins.conditional.add('stage');
      runs.runs[0]?.pass();
      for (let time = 0; time < 2; time++)
        assert.deepEqual(shown(valueOf(await engine.read(id, never))), ['run passed', 'build passed', 'test passed', 'stage skipped']);
      assert.equal(jenkins.asked.filter(({ path }) => path.includes('/execution/node/')).length, 3);
    });

    it('a stage that is empty after a failure as skipped, and one that is empty without as what it is told to be', async () => {
      const id = await begin();
      jenkins.fault = ({ path }) => (path.includes('/execution/node/') ? { reply: { body: { stageFlowNodes: [] } } } : undefined);
      runs.runs[0]?.job('build').pass();
      runs.runs[0]?.job('test').start().end('failed');
      assert.deepEqual(shown(valueOf(await engine.read(id, never))).slice(1), ['build passed', 'test failed', 'stage skipped']);
    });

    it('an unstable build as failed', async () => {
      const id = await begin();
      jenkins.unstable.add('test');
      runs.runs[0]?.job('build').pass();
      runs.runs[0]?.job('test').start().end('failed');
      assert.deepEqual(shown(valueOf(await engine.read(id, never))).slice(0, 3), [
        'run failed: its tests failed (unstable)',
        'build passed',
        'test failed: its tests failed (unstable)',
      ]);
    });

    it('other stages only where they failed, and not those around a step that did', async () => {
      const id = await begin();
      const other = (name: string, status: string): void => {
        jenkins.otherStages.push({
          id: String(500 + jenkins.otherStages.length),
          name,
          status,
          startTimeMillis: Date.now(),
          durationMillis: 5,
        });
      };
      other('Declarative: Checkout SCM', 'SUCCESS');
      runs.runs[0]?.job('build').pass();
      assert.deepEqual(shown(valueOf(await engine.read(id, never))), ['run running', 'build passed']);
      other('wave 2', 'FAILED');
      assert.deepEqual(shown(valueOf(await engine.read(id, never))), ['run running', 'wave 2 failed', 'build passed']);
      runs.runs[0]?.job('test').start().end('failed');
      assert.ok(!shown(valueOf(await engine.read(id, never))).includes('wave 2 failed'));
    });

    it('a failure before any stage as one of the whole', async () => {
      const id = await begin();
      (runs.runs[0] as { startupFailure?: string }).startupFailure = 'Unable to find Jenkinsfile';
      assert.deepEqual(shown(valueOf(await engine.read(id, never))), ['run failed', 'shop failed: it failed outside of its stages']);
    });

    it('the build alone where the plugin for stages is missing', async () => {
      jenkins.hasStageView = false;
      const id = await begin();
      runs.runs[0]?.pass();
      assert.deepEqual(shown(valueOf(await engine.read(id, never))), [
        'run passed',
        'shop passed: Jenkins tells no stages: its plugin “Pipeline: Stage View” is not installed',
      ]);
    });

    it('times by the clock of this machine where the other is an hour off', async () => {
      jenkins.skewMs = 3_600_000;
      const id = await begin();
      runs.runs[0]?.pass();
      const run = valueOf(await engine.read(id, never));
      for (const time of [run.createdAt, run.finishedAt, jobOf(run, 'build').startedAt])
        assert.ok(Math.abs(Date.parse(time ?? '') - Date.now()) < 60_000, time);
    });

    it('the commit of the branch, not that of a library, and none where it is not certain', async () => {
      const revision = (letter: string, name: string): object => ({ lastBuiltRevision: { SHA1: letter.repeat(40), branch: [{ name }] } });
      const parameter = { parameters: [{ name: 'DELIVERY_REF', value: 'refs/heads/deliver/x' }] };
      let actions: unknown[] = [revision('b', 'main'), parameter, revision('c', 'refs/remotes/origin/deliver/x')];
      runs.begin();
      jenkins.fault = ({ path }) =>
        path.endsWith('/1/api/json') ? { reply: { body: { number: 1, timestamp: 1, building: false, result: null, actions } } } : undefined;
      const { commit, state } = valueOf(await engine.read('build:1', never));
      assert.deepEqual([commit, state], ['c'.repeat(40), 'running']);
      actions = [revision('b', 'main'), parameter, revision('c', 'master')];
      assert.equal(valueOf(await engine.read('build:1', never)).commit, '');
    });

    it('that it was deleted', async () => {
      const id = await begin();
      valueOf(await engine.read(id, never));
      runs.delete(runs.runs[0] as (typeof runs.runs)[0]);
      assert.equal(failureOf(await engine.read(id, never)).gone, true);
      jenkins.forgetItems();
      assert.equal(failureOf(await follow(jenkins).read(id, never)).gone, true);
    });

    it('the latest ones, newest first', async () => {
      runs.begin({ branch: 'main', by: 'hubot' }).pass();
      const id = await begin();
      const listed = valueOf(await engine.list('shop', never));
      assert.deepEqual(
        listed.map((run) => [run.id, run.branch, run.state, run.by]),
        [
          [id, request.branch, 'running', 'Mona Octocat'],
          ['build:1', 'main', 'passed', 'hubot'],
        ],
      );
      assert.deepEqual(shown(valueOf(await engine.read('build:1', never)))[0], 'run passed');
    });

    it('that a stage waits for a person, who lets it go on', async () => {
      const id = await begin();
      const [run] = runs.runs;
      run?.job('build').pass();
      const job = run?.job('test');
      if (job) job.approval = 'Deploy to production?';
      const read = valueOf(await engine.read(id, never));
      assert.deepEqual([jobOf(read, 'test').state, jobOf(read, 'test').approval], ['waiting', 'Deploy to production?']);
      assert.match(failureOf(await engine.approve(read, 'Something else?', never)).message, /does not wait for/);
      valueOf(await engine.approve(read, 'Deploy to production?', never));
      assert.equal(jobOf(valueOf(await engine.read(id, never)), 'test').state, 'running');
    });

    it('the failing tests of a stage, and none of another', async () => {
      const id = await begin();
      const test = runs.runs[0]?.job('test').start().end('failed');
      if (test)
        test.report =
          '<testsuite><testcase classname="cart" name="adds"><failure message="3 is not 4">at add (src/cart.ts:3:9)</failure></testcase><testcase name="ok"/></testsuite>';
      const run = valueOf(await engine.read(id, never));
      const problems = valueOf(await engine.problems(run, jobOf(run, 'test'), never));
      assert.deepEqual(
        problems.map(({ message }) => message),
        ['cart › adds: 3 is not 4'],
      );
      assert.deepEqual(valueOf(await engine.problems(run, { ...jobOf(run, 'test'), name: 'build' }, never)), []);
    });
  });

  it('ends a build', async () => {
    const id = await begin();
    runs.runs[0]?.job('build').start();
    valueOf(await engine.read(id, never));
    valueOf(await engine.cancel(id, never));
    assert.deepEqual(shown(valueOf(await engine.read(id, never))).slice(0, 2), ['run cancelled', 'build cancelled']);
  });

  it('runs a build again as another of the same branch', async () => {
    const id = await begin();
    runs.runs[0]?.pass();
    const again = valueOf(await engine.rerun(valueOf(await engine.read(id, never)), never));
    assert.notEqual(again.id, id);
    assert.deepEqual(
      runs.runs.map(({ branch }) => branch),
      [request.branch, request.branch],
    );
  });

  describe('says what was answered where it is nothing to go by', () => {
    const page: Reply = { headers: { 'Content-Type': 'text/html' }, body: '<html>Sign in</html>' };
    const answers: readonly [string, Reply, RegExp][] = [
      ['a web page', page, /web page \(HTML\)/],
      ['401', { status: 401 }, /does not accept the token \(401\)/],
      ['403', { status: 403 }, /does not let this token do that \(403\)/],
      ['409', { status: 409 }, /409 Conflict/],
      ['429', { status: 429, headers: { 'Retry-After': '7' } }, /asked too often \(429\)/],
      ...[500, 502, 503, 504].map((status): [string, Reply, RegExp] => [String(status), { status }, new RegExp(`answered ${status}`)]),
      ['null', { body: 'null' }, /no object/],
      ['a list', { body: [] }, /no object/],
      ['a build without a number', { body: { building: false } }, /without a number/],
      ['an unknown result', { body: { number: 1, timestamp: 1, building: false, result: 'GREAT' } }, /result is GREAT/],
      ['no result and no word of going on', { body: { number: 1, timestamp: 1 } }, /undefined, which is none/],
      ['another build', { body: { number: 5, timestamp: 1, building: true } }, /build 5 for build 1/],
    ];
    for (const [name, reply, message] of answers)
      it(`${name} for a build`, async () => {
        const id = await begin();
        jenkins.fault = ({ path }) => (path.endsWith('/1/api/json') ? { reply } : undefined);
        assert.match(failureOf(await engine.read(id, never)).message, message);
      });

    const stages: readonly [string, unknown, RegExp][] = [
      ['no stages', {}, /no stages for build 1/],
      ['a stage without a name', { stages: [{ id: '6' }] }, /without an id or a name/],
      ['an unknown state', { stages: [{ id: '6', name: 'build', status: 'GREAT' }] }, /“build” is GREAT/],
      ['an id that would lead elsewhere', { stages: [{ id: '../../6', name: 'build', status: 'SUCCESS' }] }, /without an id/],
    ];
    for (const [name, body, message] of stages)
      it(`${name} for the stages`, async () => {
        const id = await begin();
        jenkins.fault = ({ path }) => (path.endsWith('/wfapi/describe') ? { reply: { body } } : undefined);
        assert.match(failureOf(await engine.read(id, never)).message, message);
      });

    it('another address that a person should be led to for going on', async () => {
      const id = await begin();
      const run = valueOf(await engine.read(id, never));
      const body = [{ id: 'X', message: 'Go?', proceedUrl: 'https://evil.example/input/X/proceedEmpty' }];
      jenkins.fault = ({ path }) => (path.endsWith('/pendingInputActions') ? { reply: { body } } : undefined);
      assert.match(failureOf(await engine.approve(run, 'Go?', never)).message, /another place/);
    });

    it('a name that is no run', async () => {
      assert.equal(failureOf(await engine.read('../../evil', never)).gone, true);
      assert.equal(jenkins.asked.length, 0);
    });
  });

  it('keeps no record of deployments', async () => {
    assert.deepEqual(valueOf(await engine.deployments(never)), []);
    assert.ok(!('tellDeployment' in engine));
  });
});
