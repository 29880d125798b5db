import * as assert from 'node:assert/strict';
import type { Reply } from '../../../../support/http-server';
import { OnGitlab } from '../../../../support/ci/on-gitlab';
import { failureOf, never, valueOf } from '../../../../support/ci/remote-answers';

describe('GitLab', () => {
  const on = new OnGitlab();

  it('cancels a run', async () => {
    const run = on.runs.begin();
    run.job('build').start();
    valueOf(await on.client.cancel(run.id, never));
    assert.equal((await on.read()).state, 'cancelled');
    on.reply(/\/cancel$/, { status: 403, body: { message: '403 Forbidden' } });
    assert.equal(failureOf(await on.client.cancel(run.id, never)).reason, 'token');
  });
});

describe('reruns on GitLab', () => {
  const on = new OnGitlab();

  it('run failed jobs in the same pipeline, and keep passed ones', async () => {
    const run = on.runs.begin();
    run.job('build').pass();
    run.job('test').start().end('failed');
    const again = valueOf(await on.client.rerun(await on.read(), never));
    assert.deepEqual([again.id, again.attempt], [run.id, 2]);
    run.job('test').start();
    const { attempt, state, jobs } = await on.read();
    assert.deepEqual([attempt, state], [2, 'running']);
    assert.deepEqual(
      jobs.map((one) => [one.name, one.state, one.attempt]),
      [
        ['build', 'kept', 1],
        ['test', 'running', 2],
        ['stage', 'waiting', 1],
      ],
    );
  });

  it('leave the run unchanged if GitLab silently runs nothing again', async () => {
    const run = on.runs.begin();
    run.job('build').start().end('failed');
    on.server.fault = ({ path }) => (path.endsWith('/retry') ? { reply: { status: 201, body: { id: Number(run.id) } } } : undefined);
    valueOf(await on.client.rerun(await on.read(), never));
    assert.equal((await on.client.read(run.id, never)).state, 'failed');
    const { now } = Date;
    try {
      Date.now = () => now() + 31_000;
      assert.equal((await on.read()).state, 'failed');
    } finally {
      Date.now = now;
    }
  });

  it('ignore outdated answers', async () => {
    const run = on.runs.begin();
    run.job('build').start().end('failed');
    const answers = new Map<string, Reply>();
    on.server.fault = (asked) => {
      if (asked.method === 'GET') answers.set(asked.target, on.server.api.answer(asked));
      return undefined;
    };
    valueOf(await on.client.rerun(await on.read(), never));
    on.server.fault = ({ target }) => {
      const before = answers.get(target);
      return before && { reply: before };
    };
    assert.match(failureOf(await on.client.read(run.id, never)).message, /outdated state of pipeline \d+/);
    on.server.fault = undefined;
    assert.deepEqual([(await on.read()).attempt, (await on.read()).state], [2, 'waiting']);
  });

  it('count no attempts from a list that is older than the job', async () => {
    const run = on.runs.begin();
    run.job('build').start().end('failed');
    await on.client.rerun(await on.read(), never);
    await on.read();
    let before: Reply | undefined;
    on.server.fault = (asked) => {
      if (asked.query.get('include_retried') === 'true') before = on.server.api.answer(asked);
      return undefined;
    };
    await on.read();
    run.job('build').start().end('failed');
    await on.client.rerun(await on.read(), never);
    on.server.fault = ({ query }) => (query.get('include_retried') === 'true' && before ? { reply: before } : undefined);
    assert.match(failureOf(await on.client.read(run.id, never)).message, /outdated list of the jobs of pipeline \d+/);
    on.server.fault = undefined;
    assert.equal((await on.job('build')).attempt, 3);
  });

  it('are followed by another process', async () => {
    const run = on.runs.begin();
    run.job('build').start().end('failed');
    valueOf(await on.client.rerun(await on.read(), never));
    assert.equal(valueOf(await on.clientWith(on.server.token).read(run.id, never, 2)).attempt, 2);
  });

  it('are refused when everything passed', async () => {
    on.runs.begin().pass();
    assert.match(failureOf(await on.client.rerun(await on.read(), never)).message, /all jobs passed/);
    assert.ok(on.server.asked.every(({ method }) => method === 'GET'));
  });

  it('read earlier attempts only if there are any', async () => {
    const run = on.runs.begin();
    run.job('build').pass();
    await on.read();
    assert.ok(!on.server.asked.some(({ query }) => query.get('include_retried') === 'true'));
  });
});

describe('approvals on GitLab', () => {
  const on = new OnGitlab();

  it('start a manual job', async () => {
    on.runs.begin().job('build').approval = 'production';
    const run = await on.read();
    assert.deepEqual([run.state, run.jobs[0]?.state, run.jobs[0]?.approval], ['waiting', 'waiting', 'production']);
    assert.equal(run.jobs[0]?.reason, 'waits for approval of the deployment to production');
    valueOf(await on.client.approve(run, 'production', never));
    assert.equal((await on.job('build')).approval, undefined);
  });

  it('approve a blocked deployment', async () => {
    await on.open({ protectedEnvironments: ['production'] });
    on.runs.begin().job('build').approval = 'production';
    valueOf(await on.client.approve(await on.read(), 'production', never));
    const written = on.server.asked
      .filter(({ method }) => method === 'POST')
      .map(({ path, body }) => [path.split('/').slice(5).join('/'), body]);
    const { id } = await on.job('build');
    assert.deepEqual(written, [
      [`deployments/${id}/approval`, { status: 'approved' }],
      [`jobs/${id}/play`, undefined],
    ]);
  });

  it('fail for an environment without a waiting deployment', async () => {
    on.runs.begin();
    assert.match(
      failureOf(await on.client.approve(await on.read(), 'production', never)).message,
      /no deployment of this run to production/,
    );
  });
});
