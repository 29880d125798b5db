import * as assert from 'node:assert/strict';
import type { RemoteRun } from '../../../../../src/core/ci/ci-client';
import { branch, commit, OnGithub } from '../../../../support/ci/on-github';
import { failureOf, jobOf, never, valueOf } from '../../../../support/ci/remote-answers';

describe('a run on GitHub Actions', () => {
  const on = new OnGithub();

  it('waits, runs, and passes', async () => {
    assert.deepEqual(picked(await on.read()), [
      ['waiting', undefined],
      ['build', 'waiting', false],
    ]);
    on.run.job('build').start();
    assert.equal((await on.read()).state, 'running');
    on.run.job('build').end('passed');
    assert.equal((await on.read()).state, 'running', 'also between two jobs');
    on.run.pass();
    const run = await on.read();
    assert.deepEqual(
      {
        ...run,
        jobs: run.jobs.map(({ name, state, attempt, hasLog }) => ({ name, state, attempt, hasLog })),
        createdAt: '',
        finishedAt: '',
      },
      {
        id: on.run.id,
        attempt: 1,
        url: `${on.server.url}/acme/shop/actions/runs/${on.run.id}`,
        branch,
        commit,
        subject: 'Cart adds up',
        state: 'passed',
        createdAt: '',
        finishedAt: '',
        by: 'octocat',
        isDefaultBranch: false,
        jobs: ['build', 'test', 'stage'].map((name) => ({ name, state: 'passed', attempt: 1, hasLog: true })),
      },
    );
  });

  it('is read with conditional requests', async () => {
    on.run.job('build').start();
    await on.read();
    const before = on.client.allowance?.remaining;
    assert.deepEqual((await on.read()).jobs.length, 1);
    assert.equal(on.client.allowance?.remaining, before);
    assert.equal(on.client.allowance?.limit, 5000);
    on.run.job('build').end('passed');
    assert.equal(jobOf(await on.read(), 'build').state, 'passed');
  });

  it('has the jobs of all pages', async () => {
    await on.open({ pageSize: 1 });
    on.run.pass();
    assert.deepEqual(
      (await on.read()).jobs.map(({ name }) => name),
      ['build', 'test', 'stage'],
    );
  });

  it('fails with a job; dependent jobs are skipped without a log', async () => {
    on.run.job('build').start().end('failed', 2);
    assert.deepEqual(picked(await on.read()), [
      ['failed', undefined],
      ['build', 'failed', true],
      ['test', 'skipped', false],
      ['stage', 'skipped', false],
    ]);
    assert.equal((await on.job('build')).exitCode, undefined, 'GitHub does not tell it');
  });

  it('can be cancelled', async () => {
    on.run.job('build').start();
    on.run.cancel();
    assert.deepEqual(picked(await on.read()), [
      ['cancelled', undefined],
      ['build', 'cancelled', true],
      ['test', 'cancelled', false],
      ['stage', 'cancelled', false],
    ]);
  });

  it('shows which runner a waiting job needs', async () => {
    on.run.job('build').isStuck = true;
    const { state, reason, startedAt } = await on.job('build');
    assert.deepEqual([state, reason, startedAt], ['waiting', 'waits for a runner with self-hosted, gpu', undefined]);
  });

  it('shows from an annotation why GitHub refused a job', async () => {
    const message = 'The job was not started because recent account payments have failed or your spending limit needs to be increased.';
    await on.open({ annotations: () => [{ message }] });
    on.run.job('build').end('failed');
    const { state, hasLog, reason } = await on.job('build');
    assert.deepEqual([state, hasLog, reason], ['failed', false, `GitHub: ${message}`]);
    on.server.fault = ({ path }) => (path.endsWith('/annotations') ? { reply: { status: 403, body: { message: 'no' } } } : undefined);
    assert.equal((await on.job('build')).reason, undefined, 'where the token may not see it');
  });

  it('shows a startup failure', async () => {
    on.run.startupFailure = 'broken';
    const { state, reason, jobs } = await on.read();
    assert.deepEqual([state, reason, jobs], ['failed', 'GitHub could not start the run: the workflow file may be invalid', []]);
  });

  it('fails without a job if its workflow file is invalid', async () => {
    await on.open({ runMore: () => ({ status: 'completed', conclusion: 'failure' }) });
    on.run.startupFailure = 'no jobs';
    assert.match(
      (await on.read()).reason ?? '',
      /could not start the run: \.github\/workflows\/deliver-shop\.yml is probably not a valid workflow/,
    );
  });

  for (const [conclusion, state, reason] of [
    ['success', 'passed', undefined],
    ['neutral', 'passed', undefined],
    ['failure', 'failed', undefined],
    ['cancelled', 'cancelled', undefined],
    ['timed_out', 'failed', /exceeded the time limit/],
    ['stale', 'cancelled', /gave it up/],
    ['action_required', 'waiting', /approval on GitHub/],
    ['skipped', 'cancelled', /all of its jobs were skipped/],
  ] as const)
    it(`maps the conclusion ${conclusion}`, async () => {
      await on.open({ runMore: () => ({ status: 'completed', conclusion }), jobMore: () => ({ status: 'completed', conclusion }) });
      const run = await on.read();
      assert.equal(run.state, state);
      if (reason) assert.match(run.reason ?? '', reason);
      else assert.equal(run.reason, undefined);
      assert.equal(run.jobs[0]?.state, conclusion === 'skipped' ? 'skipped' : state);
    });

  for (const status of ['queued', 'requested', 'pending', 'waiting'])
    it(`maps the status ${status}`, async () => {
      await on.open({ runMore: () => ({ status, conclusion: null }), jobMore: () => ({ status, conclusion: null }) });
      const run = await on.read();
      assert.deepEqual([run.state, run.jobs[0]?.state, run.finishedAt], ['waiting', 'waiting', undefined]);
    });

  it('has the displayed job names, also of a matrix', async () => {
    await on.open({ jobMore: ({ name }) => ({ name: `${name} (20, linux)` }) });
    assert.deepEqual(
      (await on.read()).jobs.map(({ name }) => name),
      ['build (20, linux)'],
    );
  });

  it('has the addresses of its deployments', async () => {
    on.run.job('build').pass();
    on.run.job('stage').deployedTo = { environment: 'staging', url: 'https://staging.example' };
    on.runs.deployments.push({
      ...{ id: '1', environment: 'staging', commit, ref: branch, by: 'ada', createdAt: new Date() },
      ...{ state: 'success', url: 'https://staging.example' },
    });
    on.run.pass();
    assert.deepEqual(
      (await on.read()).jobs.map(({ name, deployedTo }) => [name, deployedTo]),
      [
        ['build', undefined],
        ['test', undefined],
        ['stage', 'https://staging.example'],
      ],
    );
  });

  it('has times of the local clock when GitHub’s clock is an hour ahead', async () => {
    await on.open({ skewMs: 3_600_000 });
    on.run.job('build').start().end('passed');
    const run = await on.read();
    for (const time of [run.createdAt, jobOf(run, 'build').startedAt, jobOf(run, 'build').finishedAt])
      assert.ok(Math.abs(Date.parse(time ?? '') - Date.now()) < 60_000, time);
    assert.ok(Date.parse(on.client.allowance?.resetAt ?? '') < Date.now() + 2_000_000, 'also when it may be asked again');
  });

  it('is gone after its deletion', async () => {
    await on.read();
    on.runs.delete(on.run);
    const { gone, message } = failureOf(await on.client.read(on.run.id, never));
    assert.equal(gone, true);
    assert.match(message, /404 Not Found/);
  });

  it('is not gone if the token may no longer see it', async () => {
    await on.read();
    on.server.fault = ({ path }) => (path.includes('/repos/') ? { reply: { status: 404, body: { message: 'Not Found' } } } : undefined);
    const { gone, reason, message } = failureOf(await on.client.read(on.run.id, never));
    assert.deepEqual([gone, reason, message], [undefined, 'token', 'the token has no access to acme/shop, or it does not exist (404)']);
  });

  it('is not gone while its jobs are missing', async () => {
    on.server.fault = ({ path }) => (path.endsWith('/jobs') ? { reply: { status: 404, body: { message: 'Not Found' } } } : undefined);
    const { gone, status } = failureOf(await on.client.read(on.run.id, never));
    assert.deepEqual([gone, status], [undefined, 404]);
  });
});

describe('the list of runs on GitHub Actions', () => {
  const on = new OnGithub();

  it('is sorted by time, with authors and branches', async () => {
    on.runs.begin({ branch: 'main', event: 'push', subject: 'Pay by card', by: 'ada' });
    const list = valueOf(await on.client.list('shop', never));
    assert.deepEqual(
      list.map((run) => [run.subject, run.by, run.isDefaultBranch, run.state, run.jobs]),
      [
        ['Pay by card', 'ada', true, 'waiting', []],
        ['Cart adds up', 'octocat', false, 'waiting', []],
      ],
    );
    await on.client.list('shop', never);
    assert.equal(on.paths().filter((path) => path === '').length, 1, 'the default branch is asked for once');
  });

  it('needs a workflow for the service', async () => {
    assert.match(failureOf(await on.client.list('web', never)).hint ?? '', /deliver export github/);
    await on.open({ workflows: [] });
    assert.match(failureOf(await on.client.list('shop', never)).message, /has no workflow \.github\/workflows\/deliver-shop\.yml/);
  });

  it('skips runs of an unknown format', async () => {
    let count = 0;
    await on.open({ runMore: () => (count++ === 0 ? { status: 'dreaming' } : {}) });
    on.runs.begin();
    assert.deepEqual(
      valueOf(await on.client.list('shop', never)).map(({ id }) => id),
      [on.run.id],
    );
  });
});

function picked({ state, reason, jobs }: RemoteRun): unknown[] {
  return [[state, reason], ...jobs.map((one) => [one.name, one.state, one.hasLog])];
}
