import * as assert from 'node:assert/strict';
import { branch, commit, OnGitlab } from '../../../../support/ci/on-gitlab';
import { never, valueOf } from '../../../../support/ci/remote-answers';
import type { Asked } from '../../../../support/http-server';

describe('a run on GitLab', () => {
  const on = new OnGitlab();

  it('has its jobs in the order of the pipeline', async () => {
    const run = on.runs.begin({ branch, commit, subject: 'Adds a cart', by: 'ada' });
    run.job('build').pass();
    run.job('test').start();
    const { jobs, ...facts } = await on.read();
    assert.deepEqual(facts, {
      id: run.id,
      attempt: 1,
      url: `${on.server.url}/acme/shop/-/pipelines/${run.id}`,
      branch,
      commit,
      subject: 'Adds a cart',
      state: 'running',
      createdAt: run.createdAt.toISOString(),
      by: 'ada',
      isDefaultBranch: false,
    });
    assert.deepEqual(
      jobs.map(({ name, state, attempt, hasLog }) => [name, state, attempt, hasLog]),
      [
        ['build', 'passed', 1, true],
        ['test', 'running', 1, true],
        ['stage', 'waiting', 1, false],
      ],
    );
    assert.equal(jobs[0]?.url, `${on.server.url}/acme/shop/-/jobs/${run.job('build').id}`);
  });

  it('fails, with skipped jobs', async () => {
    const run = on.runs.begin();
    run.job('build').start().end('failed');
    const { state, jobs, finishedAt } = await on.read();
    assert.deepEqual([state, jobs.map((one) => one.state)], ['failed', ['failed', 'skipped', 'skipped']]);
    assert.equal(finishedAt, run.finishedAt?.toISOString());
    assert.equal(jobs[0]?.reason, undefined, 'its own log tells why');
  });

  it('passes, or is cancelled', async () => {
    on.runs.begin().pass();
    assert.equal((await on.read()).state, 'passed');
    on.runs.begin().cancel();
    assert.equal((await on.read()).state, 'cancelled');
  });

  for (const [status, state] of Object.entries({
    created: 'waiting',
    waiting_for_resource: 'waiting',
    preparing: 'waiting',
    pending: 'waiting',
    scheduled: 'waiting',
    manual: 'waiting',
    running: 'running',
    canceling: 'running',
    success: 'passed',
    failed: 'failed',
    canceled: 'cancelled',
    skipped: 'skipped',
  }))
    it(`maps the job status ${status} to ${state}`, async () => {
      on.runs.begin().job('build').start();
      on.server.api.facts.set('build', { status });
      assert.equal((await on.job('build')).state, state);
    });

  it('explains a job that no runner takes', async () => {
    on.runs.begin();
    on.server.api.facts.set('build', { tag_list: ['deliver', 'linux'] });
    assert.equal((await on.job('build')).reason, 'waits for a runner with the tags deliver, linux');
    on.runs.runs[0]?.job('build').end('failed');
    const { reason, hasLog } = await on.job('build');
    assert.equal(reason, 'no runner with the tags deliver, linux was available: none is online, or all were busy for too long');
    assert.equal(hasLog, false);
  });

  it('explains a job that waits for another delivery', async () => {
    on.runs.begin().job('build').deployedTo = { environment: 'staging', url: 'https://staging.example.com' };
    on.server.api.facts.set('build', { status: 'waiting_for_resource' });
    assert.equal((await on.job('build')).reason, 'waits for another delivery to staging');
  });

  for (const [reason, says] of Object.entries({
    runner_system_failure: 'the runner failed, not the step',
    job_execution_timeout: 'it took longer than its timeout',
    stuck_or_timeout_failure: 'it timed out, or its runner stopped responding',
    ci_quota_exceeded: 'the compute minutes are used up',
    something_new: 'GitLab: something new',
  }))
    it(`explains the failure reason ${reason}`, async () => {
      on.runs.begin().job('build').start().end('failed');
      on.server.api.facts.set('build', { failure_reason: reason });
      assert.equal((await on.job('build')).reason, says);
    });

  it('shows that a job may fail', async () => {
    on.runs.begin().job('build').start().end('failed');
    on.server.api.facts.set('build', { allow_failure: true });
    const { state, reason } = await on.job('build');
    assert.deepEqual([state, reason], ['failed', 'allowed to fail']);
  });

  it('shows an invalid pipeline file', async () => {
    on.runs.begin().startupFailure = 'jobs config should contain at least one visible job';
    const { state, reason, jobs } = await on.read();
    assert.deepEqual([state, reason, jobs], ['failed', 'jobs config should contain at least one visible job', []]);
  });

  it('is running again before its pipeline’s status changes', async () => {
    const run = on.runs.begin();
    run.job('build').start().end('failed');
    on.server.api.facts.set('test', { status: 'pending' });
    const { state, jobs, finishedAt } = await on.read();
    assert.deepEqual([state, finishedAt, jobs[1]?.state], ['running', undefined, 'waiting']);
  });

  it('passes with manual jobs that were never started', async () => {
    on.runs.begin().pass();
    on.server.api.facts.set('stage', { status: 'manual', allow_failure: true });
    const { state, jobs } = await on.read();
    assert.deepEqual([state, jobs[2]?.state, jobs[2]?.reason], ['passed', 'skipped', 'never started']);
  });

  it('has the addresses of its deployments', async () => {
    const run = on.runs.begin();
    run.job('stage').deployedTo = { environment: 'staging', url: 'https://staging.example.com' };
    run.pass();
    assert.equal((await on.job('stage')).deployedTo, 'https://staging.example.com');
    assert.equal((await on.job('build')).deployedTo, undefined);
  });

  it('has times of the local clock', async () => {
    await on.open({ skewMs: 3_600_000 });
    const run = on.runs.begin();
    run.job('build').pass();
    const { createdAt, jobs } = await on.read();
    // Dates in headers have whole seconds.
    const off = (theirs: string | undefined, ours: Date | undefined): number =>
      Math.abs(Date.parse(theirs ?? '') - (ours?.getTime() ?? NaN));
    assert.ok(off(createdAt, run.createdAt) < 5000, createdAt);
    assert.ok(off(jobs[0]?.finishedAt, run.job('build').finishedAt) < 5000, jobs[0]?.finishedAt);
  });

  it('is read with conditional requests, and updates the rate limit', async () => {
    on.runs.begin();
    const first = await on.read();
    on.server.asked.length = 0;
    assert.deepEqual(await on.read(), first);
    assert.ok(on.server.asked.length > 0 && on.server.asked.every(({ headers }) => headers['if-none-match'] !== undefined));
    assert.equal(on.client.allowance?.limit, 2000);
  });
});

describe('GitLab', () => {
  const on = new OnGitlab();

  it('lists the latest runs, newest first', async () => {
    on.runs.begin({ branch: 'main', subject: 'First' }).pass();
    on.runs.begin({ branch, subject: 'Second' });
    const list = valueOf(await on.client.list('shop', never));
    assert.deepEqual(
      list.map(({ subject, state, isDefaultBranch, jobs }) => [subject, state, isDefaultBranch, jobs]),
      [
        ['Second', 'waiting', false, []],
        ['First', 'passed', true, []],
      ],
    );
    on.server.asked.length = 0;
    await on.client.list('shop', never);
    assert.equal(on.server.asked.length, 1, 'what commits and branches are called was known');
  });

  it('does not list a skipped pipeline of a push to a delivery branch', async () => {
    const run = on.runs.begin({ branch });
    assert.deepEqual(
      valueOf(await on.client.list('shop', never)).map(({ id }) => id),
      [run.id],
    );
    const { body } = on.server.api.answer({
      method: 'GET',
      path: '/api/v4/projects/acme%2Fshop/pipelines',
      query: new URLSearchParams(),
    } as Asked);
    assert.equal((body as readonly unknown[]).length, 2, 'GitLab has one, all the same');
  });
});
