import * as assert from 'node:assert/strict';
import { parse } from 'yaml';
import { pipelineFiles } from '../../../../../src/core/ci/gitlab/pipeline-file';
import { never, valueOf } from '../../../../support/ci/remote-answers';
import { OnGitlab } from '../../../../support/ci/on-gitlab';
import { service } from '../export/pipelines';

describe('GitLab tells of a run', () => {
  const on = new OnGitlab();

  it('with the step `default` behind the name that GitLab takes', async () => {
    await on.open({}, ['shop'], { 'default-step': [], 'fast-step': [] });
    on.runs.begin();
    assert.deepEqual(
      (await on.read()).jobs.map(({ name }) => name),
      ['default', 'fast-step'],
    );
  });

  it('with the steps of the very names that are exported', async () => {
    const names = ['build', 'default', 'default-step', 'pages', 'image', 'lint.all'];
    const shop = service(`service: shop\nsteps:\n${names.map((name) => `  ${name}: {run: make}`).join('\n')}\n`);
    const mail = service('service: mail\nsteps: {build: {run: make}}\n', 'mail');
    for (const services of [[shop], [shop, mail]]) {
      const exported = pipelineFiles(services, {}).filter((file) => file.service !== undefined);
      const jobs = exported.flatMap(({ body }) =>
        Object.entries(parse(body) as object).flatMap(([key, value]) => ('script' in value ? [key] : [])),
      );
      const known = services.map(({ pipeline }) => pipeline.service);
      await on.open({}, known, Object.fromEntries(jobs.map((name) => [name, []])));
      on.runs.begin();
      assert.deepEqual(
        (await on.read()).jobs.map(({ name }) => name),
        names,
      );
    }
  });

  it('with more than a hundred jobs, page by page', async () => {
    await on.open({}, ['shop'], Object.fromEntries(Array.from({ length: 230 }, (_, index) => [`step-${index}`, []])));
    on.runs.begin();
    assert.deepEqual(
      (await on.read()).jobs.map(({ name }) => name),
      Object.keys(on.runs.jobs),
    );
    assert.equal(on.server.asked.filter(({ path }) => path.endsWith('/jobs')).length, 3);
  });

  it('page by page also where GitLab does not know of the proxy before it', async () => {
    await on.open(
      { ownAddress: 'https://inner.example.com' },
      ['shop'],
      Object.fromEntries(Array.from({ length: 130 }, (_, at) => [`step-${at}`, []])),
    );
    on.runs.begin();
    assert.equal((await on.read()).jobs.length, 130);
  });

  it('once where pages tell a job twice', async () => {
    const build = on.runs.begin().job('build');
    const one = (id: number, status: string): object => ({ id, name: 'build', status });
    on.reply(/\/jobs$/, { body: [one(Number(build.id) + 9, 'running'), one(Number(build.id), 'failed')] });
    assert.deepEqual(
      (await on.read()).jobs.map(({ name, state }) => [name, state]),
      [['build', 'running']],
    );
  });
});

describe('GitLab tells of a run of several services', () => {
  const on = new OnGitlab();

  const both = { 'shop:build': [], 'shop:test': ['shop:build'], 'mail:build': [] };
  beforeEach(async () => on.open({}, ['shop', 'mail'], both));

  it('the jobs of the one alone', async () => {
    on.runs.begin();
    assert.deepEqual(
      (await on.read()).jobs.map(({ name }) => name),
      ['build', 'test'],
    );
  });

  it('that it passed, whatever became of the others', async () => {
    const run = on.runs.begin();
    run.job('mail:build').start().end('failed');
    assert.notEqual((await on.read()).state, 'passed');
    run.job('shop:build').pass();
    run.job('shop:test').pass();
    const { state, finishedAt } = await on.read();
    assert.deepEqual([state, finishedAt], ['passed', run.job('shop:test').finishedAt?.toISOString()]);
  });

  it('that it failed while others go on', async () => {
    const run = on.runs.begin();
    run.job('mail:build').start();
    run.job('shop:build').start().end('failed');
    assert.equal((await on.read()).state, 'failed');
  });

  it('and lists no pipeline that delivers another service', async () => {
    const run = '20261125T044500123-abcd';
    const own = on.runs.begin({ branch: `deliver/shop-${run}` });
    for (const other of ['mail', 'shop-api']) on.runs.begin({ branch: `deliver/${other}-${run}` });
    const pushed = on.runs.begin({ branch: 'main' });
    assert.deepEqual(
      valueOf(await on.engine.list('shop', never)).map(({ id }) => id),
      [pushed.id, own.id],
    );
  });
});
