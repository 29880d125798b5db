import * as assert from 'node:assert/strict';
import { OnGithub } from '../../../../support/ci/on-github';
import { failureOf, jobOf, never, valueOf } from '../../../../support/ci/remote-answers';

describe('approvals on GitHub Actions', () => {
  const on = new OnGithub();

  it('hold a deployment until it is approved', async () => {
    on.run.job('build').pass();
    on.run.job('test').pass();
    on.run.job('stage').approval = 'staging';
    const run = await on.read();
    const { state, approval, reason } = jobOf(run, 'stage');
    assert.deepEqual([state, approval, reason], ['waiting', 'staging', 'waits for ada to approve the deployment to staging']);
    assert.match(failureOf(await on.client.approve(run, 'production', never)).message, /no deployment to production is waiting/);
    valueOf(await on.client.approve(run, 'staging', never));
    assert.equal((await on.job('stage')).state, 'running');
    assert.equal(on.paths('POST').length, 1);
  });

  it('hold two deployments, each for its own environment', async () => {
    on.run.job('build').approval = 'staging';
    Object.assign(on.run.job('test'), { needs: [], approval: 'production' });
    assert.deepEqual(
      (await on.read()).jobs.map(({ name, approval }) => [name, approval]),
      [
        ['build', 'staging'],
        ['test', 'production'],
      ],
    );
  });

  it('name the people who may approve', async () => {
    await on.open({ mayNotApprove: true });
    on.run.job('build').approval = 'production';
    const run = await on.read();
    assert.equal(jobOf(run, 'build').approval, 'production');
    assert.equal(
      failureOf(await on.client.approve(run, 'production', never)).message,
      'you may not approve the deployment to production (ada may)',
    );
    assert.deepEqual(on.paths('POST'), []);
  });

  it('stay unnamed if the token may not read them', async () => {
    on.run.job('build').approval = 'production';
    on.server.fault = ({ path }) =>
      path.endsWith('/pending_deployments') ? { reply: { status: 403, body: { message: 'Resource not accessible' } } } : undefined;
    const { state, approval, reason } = await on.job('build');
    assert.deepEqual([state, approval, reason], ['waiting', undefined, 'waits for the rules of its environment']);
  });

  it('are only read when a job waits for one', async () => {
    on.run.job('build').start();
    await on.read();
    assert.ok(!on.paths().some((path) => path.includes('pending_deployments')));
  });
});

describe('reruns on GitHub Actions', () => {
  const on = new OnGithub();

  it('run failed jobs and keep passed ones', async () => {
    on.run.job('build').pass();
    on.run.job('test').start().end('failed');
    const before = await on.read();
    assert.deepEqual(valueOf(await on.client.rerun(before, never)), { id: on.run.id, attempt: 2, url: before.url });
    on.run.job('test').start();
    const run = await on.read();
    assert.deepEqual([run.attempt, run.state], [2, 'running']);
    assert.deepEqual(
      run.jobs.map(({ name, state, attempt }) => [name, state, attempt]),
      [
        ['build', 'kept', 1],
        ['test', 'running', 2],
      ],
    );
    assert.deepEqual(on.paths('POST'), [`/actions/runs/${on.run.id}/rerun-failed-jobs`]);
  });

  it('recognize kept jobs that have the number of the new attempt', async () => {
    const early = '2026-01-01T00:00:00Z';
    await on.open({ jobMore: (job) => (job.name === 'build' ? { run_attempt: 2, started_at: early, completed_at: early } : {}) });
    on.run.job('build').pass();
    on.run.rerunFailed();
    assert.equal((await on.job('build')).state, 'kept');
  });

  for (const hidesKept of [false, true])
    it(`recognize kept jobs when GitHub lists ${hidesKept ? 'the new jobs alone' : 'all'}`, async () => {
      await on.open({ hidesKept });
      on.run.job('build').pass();
      on.run.job('test').start().end('failed');
      valueOf(await on.client.rerun(await on.read(), never));
      const told = async (): Promise<unknown> => (await on.read()).jobs.map(({ name, state }) => [name, state]);
      assert.deepEqual(await told(), [
        ['build', 'kept'],
        ['test', 'waiting'],
      ]);
      assert.equal((await on.job('build')).hasLog, true);
      on.run.pass();
      on.run.rerunAll();
      assert.deepEqual(await told(), [['build', 'waiting']]);
    });

  it('keep no job while nothing of the new attempt is listed: all may run again', async () => {
    on.run.job('build').pass();
    on.run.rerunAll();
    on.server.fault = ({ query }) => (query.get('filter') === 'latest' ? { reply: { body: { jobs: [] } } } : undefined);
    assert.deepEqual((await on.read()).jobs, []);
  });

  it('are read again when the new attempt began between two answers', async () => {
    let count = 0;
    await on.open({ runMore: () => (count++ === 0 ? { run_attempt: 1 } : {}) });
    on.run.rerunAll();
    const run = await on.read();
    assert.deepEqual([run.attempt, run.jobs[0]?.attempt], [2, 2]);
  });

  it('run everything when nothing failed', async () => {
    on.run.pass();
    valueOf(await on.client.rerun(await on.read(), never));
    assert.deepEqual(on.paths('POST'), [`/actions/runs/${on.run.id}/rerun`]);
    assert.equal((await on.job('build')).state, 'waiting');
  });

  it('are refused while the run is in progress', async () => {
    on.run.job('build').start();
    const { reason, message } = failureOf(await on.client.rerun(await on.read(), never));
    assert.deepEqual([reason, message], ['answer', 'GitHub refused the rerun: This workflow is already running']);
  });

  it('fail when no further attempt appears', async () => {
    on.run.job('build').start().end('failed');
    const run = await on.read();
    on.server.fault = ({ method }) => (method === 'POST' ? { reply: { status: 201, body: {} } } : undefined);
    assert.match(failureOf(await on.client.rerun(run, never)).message, /has no further attempt yet/);
  });
});

describe('GitHub Actions', () => {
  const on = new OnGithub();

  it('cancels a run, and accepts one that is over', async () => {
    on.run.job('build').start();
    valueOf(await on.client.cancel(on.run.id, never));
    assert.equal((await on.read()).state, 'cancelled');
    valueOf(await on.client.cancel(on.run.id, never));
    on.runs.delete(on.run);
    assert.equal(failureOf(await on.client.cancel(on.run.id, never)).gone, true);
  });

  it('reports a failed cancellation of a run that is not queued yet', async () => {
    await on.open({ queueDelay: 1 });
    assert.match(failureOf(await on.client.cancel(on.run.id, never)).message, /409 Conflict.*has not yet queued/);
    valueOf(await on.client.cancel(on.run.id, never));
    assert.equal((await on.read()).state, 'cancelled');
  });
});
