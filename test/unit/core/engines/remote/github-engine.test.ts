import * as assert from 'node:assert/strict';
import type { RemoteRun } from '../../../../../src/core/engines/remote/remote-engine';
import { branch, commit, failed, jobOf, never, OnGithub, value } from './on-github';

describe('GitHub Actions', () => {
  const on = new OnGithub();

  describe('tells of a run', () => {
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
      assert.match(
        (await on.read()).reason ?? '',
        /could not begin it: \.github\/workflows\/deliver-shop\.yml is likely no valid workflow/,
      );
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

    it('whose deployment waits for a person, and lets it go on', async () => {
      on.run.job('build').pass();
      on.run.job('test').pass();
      on.run.job('stage').approval = 'staging';
      const run = await on.read();
      const { state, approval, reason } = jobOf(run, 'stage');
      assert.deepEqual([state, approval, reason], ['waiting', 'staging', 'waits for ada to approve the deployment to staging']);
      assert.match(failed(await on.engine.approve(run, 'production', never)).message, /no deployment to production waits/);
      value(await on.engine.approve(run, 'staging', never));
      assert.equal((await on.job('stage')).state, 'running');
      assert.equal(on.paths('POST').length, 1);
    });

    it('with two deployments that wait: each for its own environment', async () => {
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

    it('whose deployment somebody else has to approve', async () => {
      await on.open({ mayNotApprove: true });
      on.run.job('build').approval = 'production';
      const run = await on.read();
      assert.equal(jobOf(run, 'build').approval, 'production');
      assert.equal(
        failed(await on.engine.approve(run, 'production', never)).message,
        'GitHub does not let you approve the deployment to production (ada may)',
      );
      assert.deepEqual(on.paths('POST'), []);
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

    it('also where the token may not see what a job waits for', async () => {
      on.run.job('build').approval = 'production';
      on.server.fault = ({ path }) =>
        path.endsWith('/pending_deployments') ? { reply: { status: 403, body: { message: 'Resource not accessible' } } } : undefined;
      const { state, approval, reason } = await on.job('build');
      assert.deepEqual([state, approval, reason], ['waiting', undefined, 'waits for the rules of its environment']);
    });

    it('without asking for approvals where none are waited for', async () => {
      on.run.job('build').start();
      await on.read();
      assert.ok(!on.paths().some((path) => path.includes('pending_deployments')));
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
      const { gone, message } = failed(await on.engine.read(on.run.id, never));
      assert.equal(gone, true);
      assert.match(message, /404 Not Found/);
    });

    it('that the token may not see any more, which is no deleted one', async () => {
      await on.read();
      on.server.fault = ({ path }) => (path.includes('/repos/') ? { reply: { status: 404, body: { message: 'Not Found' } } } : undefined);
      const { gone, reason, message } = failed(await on.engine.read(on.run.id, never));
      assert.deepEqual([gone, reason, message], [undefined, 'token', 'GitHub shows no repository acme/shop to this token (404)']);
    });

    it('whose jobs are not there yet, which is no deleted one, either', async () => {
      on.server.fault = ({ path }) => (path.endsWith('/jobs') ? { reply: { status: 404, body: { message: 'Not Found' } } } : undefined);
      const { gone, status } = failed(await on.engine.read(on.run.id, never));
      assert.deepEqual([gone, status], [undefined, 404]);
    });
  });

  describe('runs again', () => {
    it('what failed; what passed before is kept', async () => {
      on.run.job('build').pass();
      on.run.job('test').start().end('failed');
      const before = await on.read();
      assert.deepEqual(value(await on.engine.rerun(before, never)), { id: on.run.id, attempt: 2, url: before.url });
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

    it('and knows what was kept also where GitHub gives it the number of the new attempt', async () => {
      const early = '2026-01-01T00:00:00Z';
      await on.open({ jobMore: (job) => (job.name === 'build' ? { run_attempt: 2, started_at: early, completed_at: early } : {}) });
      on.run.job('build').pass();
      on.run.rerunFailed();
      assert.equal((await on.job('build')).state, 'kept');
    });

    for (const hidesKept of [false, true])
      it(`and tells what was kept also where GitHub lists ${hidesKept ? 'the new jobs alone' : 'all'}; what runs again is not kept`, async () => {
        await on.open({ hidesKept });
        on.run.job('build').pass();
        on.run.job('test').start().end('failed');
        value(await on.engine.rerun(await on.read(), never));
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

    it('and keeps nothing while nothing of the new attempt is listed: all of it may run again', async () => {
      on.run.job('build').pass();
      on.run.rerunAll();
      on.server.fault = ({ query }) => (query.get('filter') === 'latest' ? { reply: { body: { jobs: [] } } } : undefined);
      assert.deepEqual((await on.read()).jobs, []);
    });

    it('and is read again where the new attempt began between two answers', async () => {
      let count = 0;
      await on.open({ runMore: () => (count++ === 0 ? { run_attempt: 1 } : {}) });
      on.run.rerunAll();
      const run = await on.read();
      assert.deepEqual([run.attempt, run.jobs[0]?.attempt], [2, 2]);
    });

    it('all, where nothing failed', async () => {
      on.run.pass();
      value(await on.engine.rerun(await on.read(), never));
      assert.deepEqual(on.paths('POST'), [`/actions/runs/${on.run.id}/rerun`]);
      assert.equal((await on.job('build')).state, 'waiting');
    });

    it('nothing that goes on', async () => {
      on.run.job('build').start();
      const { reason, message } = failed(await on.engine.rerun(await on.read(), never));
      assert.deepEqual([reason, message], ['answer', 'GitHub does not run it again: This workflow is already running']);
    });

    it('and says so where no further attempt comes up', async () => {
      on.run.job('build').start().end('failed');
      const run = await on.read();
      on.server.fault = ({ method }) => (method === 'POST' ? { reply: { status: 201, body: {} } } : undefined);
      assert.match(failed(await on.engine.rerun(run, never)).message, /has no further attempt yet/);
    });
  });

  it('ends a run; one that is over needs no end', async () => {
    on.run.job('build').start();
    value(await on.engine.cancel(on.run.id, never));
    assert.equal((await on.read()).state, 'cancelled');
    value(await on.engine.cancel(on.run.id, never));
    on.runs.delete(on.run);
    assert.equal(failed(await on.engine.cancel(on.run.id, never)).gone, true);
  });

  it('does not take a run for ended that GitHub has not queued yet, and so does not cancel', async () => {
    await on.open({ queueDelay: 1 });
    assert.match(failed(await on.engine.cancel(on.run.id, never)).message, /409 Conflict.*has not yet queued/);
    value(await on.engine.cancel(on.run.id, never));
    assert.equal((await on.read()).state, 'cancelled');
  });

  describe('lists runs', () => {
    it('newest first, with who began them and of which branch they are', async () => {
      on.runs.begin({ branch: 'main', event: 'push', subject: 'Pay by card', by: 'ada' });
      const list = value(await on.engine.list('shop', never));
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
      assert.match(failed(await on.engine.list('web', never)).hint ?? '', /deliver export github/);
      await on.open({ workflows: [] });
      assert.match(failed(await on.engine.list('shop', never)).message, /knows no workflow \.github\/workflows\/deliver-shop\.yml/);
    });

    it('and passes over one that is not understood', async () => {
      let count = 0;
      await on.open({ runMore: () => (count++ === 0 ? { status: 'dreaming' } : {}) });
      on.runs.begin();
      assert.deepEqual(
        value(await on.engine.list('shop', never)).map(({ id }) => id),
        [on.run.id],
      );
    });
  });

  describe('is not understood where it answers', () => {
    for (const [what, more, told] of [
      ['another status', { status: 'dreaming', conclusion: null }, /what is not understood: it is dreaming/],
      ['another conclusion', { status: 'completed', conclusion: 'splendid' }, /it is completed, splendid/],
      ['a run that is over without a conclusion', { status: 'completed', conclusion: null }, /it is completed/],
      ['no commit', { head_sha: null }, /it names no commit/],
      ['a page that is none', { html_url: 'javascript:alert(1)' }, /it has no page/],
      ['no time', { created_at: 'soon', run_started_at: null }, /it does not say when it began/],
    ] as const)
      it(what, async () => {
        await on.open({ runMore: () => more });
        assert.match(failed(await on.engine.read(on.run.id, never)).message, told);
      });

    it('a job of another status, or without a name', async () => {
      await on.open({ jobMore: () => ({ status: 'completed', conclusion: 'splendid' }) });
      assert.match(failed(await on.engine.read(on.run.id, never)).message, /job build is completed, splendid/);
      await on.open({ jobMore: () => ({ name: 7 }) });
      assert.equal((await on.read()).jobs[0]?.name, '7');
      await on.open({ jobMore: () => ({ name: null }) });
      assert.match(failed(await on.engine.read(on.run.id, never)).message, /has no name/);
    });

    for (const [what, body, told] of [
      ['a web page', '<!DOCTYPE html><title>Sign in</title>', /answered a web page \(HTML\) instead of JSON/],
      ['nothing', '', /answered nothing/],
      ['a list', [], /answered JSON that is not an object/],
      ['null', 'null', /answered JSON that is not an object/],
      ['half an answer', '{"id": 12', /broken or breaks off/],
    ] as const)
      it(what, async () => {
        on.server.fault = () => ({ reply: { body } });
        assert.match(failed(await on.engine.read(on.run.id, never)).message, told);
      });

    it('no list of jobs', async () => {
      on.server.fault = ({ path }) => (path.endsWith('/jobs') ? { reply: { body: { jobs: null } } } : undefined);
      assert.match(failed(await on.engine.read(on.run.id, never)).message, /not a list of jobs/);
    });
  });

  for (const [status, reason] of [
    [401, 'token'],
    [403, 'token'],
    [422, 'answer'],
    [429, 'limit'],
    [500, 'answer'],
    [502, 'answer'],
    [503, 'answer'],
    [504, 'answer'],
  ] as const)
    it(`says what a ${status} is`, async () => {
      on.server.fault = () => ({ reply: { status, body: { message: 'as it says' } } });
      for (const answer of [
        await on.engine.read(on.run.id, never),
        await on.engine.list('shop', never),
        await on.engine.deployments(never),
      ]) {
        assert.equal(failed(answer).reason, reason);
        assert.equal(failed(answer).status, status);
        assert.match(failed(answer).message, /as it says/);
        assert.equal(failed(answer).gone, undefined);
      }
    });
});

function picked({ state, reason, jobs }: RemoteRun): unknown[] {
  return [[state, reason], ...jobs.map((one) => [one.name, one.state, one.hasLog])];
}
