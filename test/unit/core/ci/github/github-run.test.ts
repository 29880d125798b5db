import * as assert from 'node:assert/strict';
import type { RemoteRun } from '../../../../../src/core/ci/ci-client';
import { branch, commit, OnGithub } from '../../../../support/ci/on-github';
import { failureOf, jobOf, never, valueOf } from '../../../../support/ci/remote-answers';

describe('GitHub Actions tells of a run', () => {
  const on = new OnGithub();

  it('that waits, goes on, and passes', async () => {
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

  it('without being told again what is still the same', async () => {
    on.run.job('build').start();
    await on.read();
    const before = on.engine.allowance?.remaining;
    assert.deepEqual((await on.read()).jobs.length, 1);
    assert.equal(on.engine.allowance?.remaining, before);
    assert.equal(on.engine.allowance?.limit, 5000);
    on.run.job('build').end('passed');
    assert.equal(jobOf(await on.read(), 'build').state, 'passed');
  });

  it('with the jobs of all pages', async () => {
    await on.open({ pageSize: 1 });
    on.run.pass();
    assert.deepEqual(
      (await on.read()).jobs.map(({ name }) => name),
      ['build', 'test', 'stage'],
    );
  });

  it('whose job failed: what needs it is skipped, and has no log', async () => {
    on.run.job('build').start().end('failed', 2);
    assert.deepEqual(picked(await on.read()), [
      ['failed', undefined],
      ['build', 'failed', true],
      ['test', 'skipped', false],
      ['stage', 'skipped', false],
    ]);
    assert.equal((await on.job('build')).exitCode, undefined, 'GitHub does not tell it');
  });

  it('that was cancelled', async () => {
    on.run.job('build').start();
    on.run.cancel();
    assert.deepEqual(picked(await on.read()), [
      ['cancelled', undefined],
      ['build', 'cancelled', true],
      ['test', 'cancelled', false],
      ['stage', 'cancelled', false],
    ]);
  });

  it('whose job no runner takes: it says what it waits for', async () => {
    on.run.job('build').isStuck = true;
    const { state, reason, startedAt } = await on.job('build');
    assert.deepEqual([state, reason, startedAt], ['waiting', 'waits for a runner with self-hosted, gpu', undefined]);
  });

  it('whose job GitHub refused to begin: it says why, which only an annotation tells', async () => {
    const message = 'The job was not started because recent account payments have failed or your spending limit needs to be increased.';
    await on.open({ annotations: () => [{ message }] });
    on.run.job('build').end('failed');
    const { state, hasLog, reason } = await on.job('build');
    assert.deepEqual([state, hasLog, reason], ['failed', false, `GitHub says: ${message}`]);
    on.server.fault = ({ path }) => (path.endsWith('/annotations') ? { reply: { status: 403, body: { message: 'no' } } } : undefined);
    assert.equal((await on.job('build')).reason, undefined, 'where the token may not see it');
  });

  it('that could not be started', async () => {
    on.run.startupFailure = 'broken';
    const { state, reason, jobs } = await on.read();
    assert.deepEqual([state, reason, jobs], ['failed', 'GitHub could not start it: the workflow file may be broken', []]);
  });

  it('whose workflow file is invalid: it failed without a job', async () => {
    await on.open({ runMore: () => ({ status: 'completed', conclusion: 'failure' }) });
    on.run.startupFailure = 'no jobs';
    assert.match((await on.read()).reason ?? '', /could not begin it: \.github\/workflows\/deliver-shop\.yml is likely no valid workflow/);
  });

  for (const [conclusion, state, reason] of [
    ['success', 'passed', undefined],
    ['neutral', 'passed', undefined],
    ['failure', 'failed', undefined],
    ['cancelled', 'cancelled', undefined],
    ['timed_out', 'failed', /took longer than it may/],
    ['stale', 'cancelled', /gave it up/],
    ['action_required', 'waiting', /allow it on GitHub/],
    ['skipped', 'cancelled', /all of its jobs were skipped/],
  ] as const)
    it(`that is ${conclusion}`, async () => {
      await on.open({ runMore: () => ({ status: 'completed', conclusion }), jobMore: () => ({ status: 'completed', conclusion }) });
      const run = await on.read();
      assert.equal(run.state, state);
      if (reason) assert.match(run.reason ?? '', reason);
      else assert.equal(run.reason, undefined);
      assert.equal(run.jobs[0]?.state, conclusion === 'skipped' ? 'skipped' : state);
    });

  for (const status of ['queued', 'requested', 'pending', 'waiting'])
    it(`that is ${status}`, async () => {
      await on.open({ runMore: () => ({ status, conclusion: null }), jobMore: () => ({ status, conclusion: null }) });
      const run = await on.read();
      assert.deepEqual([run.state, run.jobs[0]?.state, run.finishedAt], ['waiting', 'waiting', undefined]);
    });

  it('by its own name of a job, also one of a matrix', async () => {
    await on.open({ jobMore: ({ name }) => ({ name: `${name} (20, linux)` }) });
    assert.deepEqual(
      (await on.read()).jobs.map(({ name }) => name),
      ['build (20, linux)'],
    );
  });

  it('with the address of what a job deployed', async () => {
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

  it('by the clock of this machine, though that of GitHub is an hour ahead', async () => {
    await on.open({ skewMs: 3_600_000 });
    on.run.job('build').start().end('passed');
    const run = await on.read();
    for (const time of [run.createdAt, jobOf(run, 'build').startedAt, jobOf(run, 'build').finishedAt])
      assert.ok(Math.abs(Date.parse(time ?? '') - Date.now()) < 60_000, time);
    assert.ok(Date.parse(on.engine.allowance?.resetAt ?? '') < Date.now() + 2_000_000, 'also when it may be asked again');
  });

  it('that was deleted', async () => {
    await on.read();
    on.runs.delete(on.run);
    const { gone, message } = failureOf(await on.engine.read(on.run.id, never));
    assert.equal(gone, true);
    assert.match(message, /404 Not Found/);
  });

  it('that the token may not see any more, which is no deleted one', async () => {
    await on.read();
    on.server.fault = ({ path }) => (path.includes('/repos/') ? { reply: { status: 404, body: { message: 'Not Found' } } } : undefined);
    const { gone, reason, message } = failureOf(await on.engine.read(on.run.id, never));
    assert.deepEqual([gone, reason, message], [undefined, 'token', 'GitHub shows no repository acme/shop to this token (404)']);
  });

  it('whose jobs are not there yet, which is no deleted one, either', async () => {
    on.server.fault = ({ path }) => (path.endsWith('/jobs') ? { reply: { status: 404, body: { message: 'Not Found' } } } : undefined);
    const { gone, status } = failureOf(await on.engine.read(on.run.id, never));
    assert.deepEqual([gone, status], [undefined, 404]);
  });
});

describe('GitHub Actions lists runs', () => {
  const on = new OnGithub();

  it('newest first, with who began them and of which branch they are', async () => {
    on.runs.begin({ branch: 'main', event: 'push', subject: 'Pay by card', by: 'ada' });
    const list = valueOf(await on.engine.list('shop', never));
    assert.deepEqual(
      list.map((run) => [run.subject, run.by, run.isDefaultBranch, run.state, run.jobs]),
      [
        ['Pay by card', 'ada', true, 'waiting', []],
        ['Cart adds up', 'octocat', false, 'waiting', []],
      ],
    );
    await on.engine.list('shop', never);
    assert.equal(on.paths().filter((path) => path === '').length, 1, 'the default branch is asked for once');
  });

  it('of a service that has a workflow there', async () => {
    assert.match(failureOf(await on.engine.list('web', never)).hint ?? '', /deliver export github/);
    await on.open({ workflows: [] });
    assert.match(failureOf(await on.engine.list('shop', never)).message, /knows no workflow \.github\/workflows\/deliver-shop\.yml/);
  });

  it('and passes over one that is not understood', async () => {
    let count = 0;
    await on.open({ runMore: () => (count++ === 0 ? { status: 'dreaming' } : {}) });
    on.runs.begin();
    assert.deepEqual(
      valueOf(await on.engine.list('shop', never)).map(({ id }) => id),
      [on.run.id],
    );
  });
});

function picked({ state, reason, jobs }: RemoteRun): unknown[] {
  return [[state, reason], ...jobs.map((one) => [one.name, one.state, one.hasLog])];
}
