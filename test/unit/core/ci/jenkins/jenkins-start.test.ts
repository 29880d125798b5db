import * as assert from 'node:assert/strict';
import { follow, shown } from '../../../../support/ci/jenkins-following';
import { OnJenkins, request } from '../../../../support/ci/on-jenkins';
import { failureOf, never, valueOf } from '../../../../support/ci/remote-answers';

describe('Jenkins', () => {
  const on = new OnJenkins();

  describe('check', () => {
    it("returns the user's name and sends user and token as Basic", async () => {
      assert.equal(valueOf(await on.engine.check(never)), 'Mona Octocat');
      assert.equal(on.jenkins.asked[0]?.headers.authorization, `Basic ${Buffer.from(on.jenkins.token).toString('base64')}`);
    });

    it('reports missing and rejected tokens', async () => {
      const none = failureOf(await follow(on.jenkins, '').check(never));
      assert.deepEqual([none.reason, none.status], ['token', 403]);
      const wrong = failureOf(await follow(on.jenkins, 'octocat:wrong-token').check(never));
      assert.deepEqual([wrong.reason, wrong.status], ['token', 401]);
      assert.ok(!JSON.stringify(wrong).includes('wrong-token'));
    });

    it('reports an anonymous user', async () => {
      on.jenkins.fault = ({ path }) =>
        path === '/ci/me/api/json' ? { reply: { body: { id: 'anonymous', fullName: 'anonymous' } } } : undefined;
      assert.match(failureOf(await on.engine.check(never)).message, /anonymous/);
    });

    it('reports a job that is missing, disabled, of another kind or without the parameter, with a hint', async () => {
      const said = async (): Promise<string> => {
        const { message, hint } = failureOf(await on.engine.check(never));
        return `${message} (${hint ?? ''})`;
      };
      on.jenkins.parameters = [{ name: 'OTHER', type: 'StringParameterDefinition' }];
      assert.match(await said(), /has no parameter DELIVERY_REF \(add a string parameter DELIVERY_REF/);
      on.jenkins.parameters = [{ name: 'DELIVERY_REF', type: 'BooleanParameterDefinition' }];
      assert.match(await said(), /is not a string \(BooleanParameterDefinition\)/);
      on.jenkins.isDisabled = true;
      assert.match(await said(), /folder\/shop is disabled/);
      on.jenkins.fault = ({ path }) =>
        path.endsWith('shop/api/json') ? { reply: { body: { _class: 'hudson.model.FreeStyleProject' } } } : undefined;
      assert.match(await said(), /is not a Pipeline job/);
      on.jenkins.fault = ({ path }) => (path.endsWith('shop/api/json') ? { reply: { status: 404 } } : undefined);
      assert.match(await said(), /no job folder\/shop, or octocat may not see it/);
    });
  });

  describe('start', () => {
    it('starts a run of the branch and returns its id', async () => {
      const begun = on.runs.next();
      const id = await on.begin();
      assert.match(id, /^queue:\d+$/);
      assert.equal((await begun).branch, request.branch);
      assert.equal(on.jenkins.asked[0]?.query.get('DELIVERY_REF'), 'refs/heads/deliver/abc');
      const run = valueOf(await on.engine.read(id, never));
      assert.deepEqual(
        [run.id, run.url, run.branch, run.commit, run.by],
        [id, `${on.jenkins.url}/job/folder/job/shop/1/`, request.branch, request.commit, 'Mona Octocat'],
      );
    });

    it("never returns another run's build", async () => {
      on.jenkins.why = 'In the quiet period. Expires in 4.9 sec';
      const id = await on.begin();
      on.jenkins.why = undefined;
      on.jenkins.observe();
      on.runs.begin({ branch: request.branch, commit: request.commit });
      assert.equal(valueOf(await on.engine.read(id, never)).url, `${on.jenkins.url}/job/folder/job/shop/1/`);
    });

    it('finds the build after the queue item has expired', async () => {
      on.jenkins.why = 'In the quiet period';
      const id = await on.begin();
      const other = on.runs.begin();
      on.jenkins.why = undefined;
      on.jenkins.forgetItems();
      other.pass();
      assert.equal(valueOf(await on.engine.read(id, never)).url, `${on.jenkins.url}/job/folder/job/shop/1/`);
    });

    it('reports why the run waits in the queue', async () => {
      on.jenkins.why = 'There are no nodes with the label ‘linux’';
      const id = await on.begin();
      for (let time = 0; time < 3; time++)
        assert.deepEqual(shown(valueOf(await on.engine.read(id, never))), ['run waiting: There are no nodes with the label ‘linux’']);
      const { commit, branch } = valueOf(await on.engine.read(id, never));
      assert.deepEqual([commit, branch], [request.commit, request.branch]);
    });

    it('reports why the run waits for a machine', async () => {
      const id = await on.begin();
      const build = on.jenkins.build(on.runs.runs[0] as (typeof on.runs.runs)[0]);
      assert.deepEqual(shown(valueOf(await on.engine.read(id, never))), ['run running']);
      build.machine('Still waiting to schedule task\nThere are no nodes with the label ‘linux’\n');
      for (let time = 0; time < 2; time++)
        assert.deepEqual(shown(valueOf(await on.engine.read(id, never))), ['run waiting: There are no nodes with the label ‘linux’']);
      build.machine('Running on agent-1 in /home/jenkins/shop\n');
      assert.deepEqual(shown(valueOf(await on.engine.read(id, never))), ['run running']);
    });

    it('stops the build of an item that left the queue during cancellation', async () => {
      on.jenkins.why = 'In the quiet period';
      const id = await on.begin();
      on.jenkins.fault = ({ path }) => {
        if (!path.endsWith('/cancelItem')) return undefined;
        on.jenkins.why = undefined;
        return { reply: { status: 404 } };
      };
      valueOf(await on.engine.cancel(id, never));
      assert.equal(on.runs.runs[0]?.isCancelled, true);
    });

    it('reports the removal from the queue', async () => {
      on.jenkins.why = 'Waiting for next available executor';
      const id = await on.begin();
      valueOf(await on.engine.cancel(id, never));
      assert.deepEqual(shown(valueOf(await on.engine.read(id, never))), ['run cancelled: removed from the queue']);
    });

    it('retries with a crumb if Jenkins requires one', async () => {
      on.jenkins.wantsCrumb = true;
      await on.begin();
      assert.equal(on.runs.runs.length, 1);
    });

    it('does not retry other refused requests', async () => {
      on.jenkins.fault = ({ method }) =>
        method === 'POST' ? { reply: { status: 403, body: { message: 'octocat is missing Job/Build' } } } : undefined;
      assert.match(failureOf(await on.engine.start(request, never)).message, /\(403\): octocat is missing Job\/Build/);
      assert.equal(on.jenkins.asked.length, 1);
    });

    it('rejects another queue item in the answer', async () => {
      const id = await on.begin();
      const body = { id: 7, executable: { number: 9 } };
      on.jenkins.fault = ({ path }) => (path.includes('/queue/item/') ? { reply: { body } } : undefined);
      assert.match(failureOf(await on.engine.read(id, never)).message, /something else for the item/);
    });

    it('reports an answer without a queue item', async () => {
      on.jenkins.fault = ({ method }) => (method === 'POST' ? { reply: { status: 201 } } : undefined);
      assert.match(failureOf(await on.engine.start(request, never)).message, /does not report which build it started \(201\)/);
    });

    it('reports a disabled job and a sign-in page', async () => {
      on.jenkins.isDisabled = true;
      assert.match(failureOf(await on.engine.start(request, never)).message, /does not accept builds \(409\)/);
      const headers = { Location: `${on.jenkins.url}/securityRealm/commenceLogin?from=%2F` };
      on.jenkins.fault = ({ method }) => (method === 'POST' ? { reply: { status: 302, headers } } : undefined);
      assert.equal(failureOf(await on.engine.start(request, never)).reason, 'token');
    });
  });
});
