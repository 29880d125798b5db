import * as assert from 'node:assert/strict';
import { parse } from 'yaml';
import { gitlab } from '../../../../../src/core/engines/gitlab';
import { openGitlabEngine } from '../../../../../src/core/engines/remote/gitlab/gitlab-engine';
import type { RemoteEngine, RemoteFailure, RemoteJob, RemoteRun, Told } from '../../../../../src/core/engines/remote/remote-engine';
import { HttpClient } from '../../../../../src/core/http/http-client';
import { GitlabServer, type GitlabOptions } from '../../../../support/engines/gitlab-server';
import { ScriptedRuns } from '../../../../support/engines/scripted-runs';
import { service } from '../pipelines';
import type { Asked, Reply } from '../../../../support/http-server';

const never = new AbortController().signal;
const commit = 'a'.repeat(40);
const branch = 'deliver/shop/1';
const shop = { build: [], test: ['build'], stage: ['test'] };
const request = { service: 'shop', file: '.gitlab-ci.yml', branch, commit };

describe('GitLab', () => {
  let server: GitlabServer;
  let engine: RemoteEngine;
  let runs: ScriptedRuns;

  async function begin(options: GitlabOptions = {}, services = ['shop'], jobs: Readonly<Record<string, readonly string[]>> = shop) {
    await (server as GitlabServer | undefined)?.stop();
    runs = new ScriptedRuns(jobs);
    server = await GitlabServer.start(runs, options);
    server.api.branches.set(branch, commit);
    engine = open(server.token, services);
  }

  function open(token: string | undefined, services = ['shop']): RemoteEngine {
    return openGitlabEngine(
      { server: server.url, project: 'acme/shop', services, service: 'shop' },
      new HttpClient({ proxy: 'host', retryMs: 1 }),
      async (kind, host) => Promise.resolve(kind === 'gitlab' && host === server.url ? token : undefined),
    );
  }

  beforeEach(async () => begin());
  after(async () => server.stop());

  function reply(path: RegExp, answer: Reply): void {
    server.fault = (asked) => (path.test(asked.path) ? { reply: answer } : undefined);
  }

  async function read(id = runs.runs[0]?.id ?? ''): Promise<RemoteRun> {
    return valueOf(await engine.read(id, never));
  }

  async function job(name: string): Promise<RemoteJob> {
    const found = (await read()).jobs.find((one) => one.name === name);
    assert.ok(found, `no job ${name}`);
    return found;
  }

  async function log(of: RemoteJob, from = 0): Promise<{ text: string; end: Awaited<ReturnType<RemoteEngine['readLog']>> }> {
    const chunks: Buffer[] = [];
    const end = await engine.readLog(await read(), of, from, (bytes) => chunks.push(bytes), never);
    return { text: Buffer.concat(chunks).toString(), end };
  }

  describe('is checked', () => {
    it('by asking who has the token, and what he may do', async () => {
      assert.equal(valueOf(await engine.check(never)), 'octocat');
      assert.deepEqual([engine.host, engine.place], [server.url, 'acme/shop']);
      assert.ok(server.asked.every(({ method }) => method === 'GET'));
    });

    it('and does not accept another token', async () => {
      const failure = failureOf(await open('another-token').check(never));
      assert.deepEqual([failure.reason, failure.status], ['token', 401]);
    });

    it('and wants a token that may do more than read', async () => {
      server.api.access.scopes = ['read_api', 'read_user'];
      const failure = failureOf(await engine.check(never));
      assert.deepEqual([failure.reason, failure.message], ['token', 'the token may do no more than read_api, read_user']);
    });

    it('and passes over tokens that cannot be asked about', async () => {
      for (const status of [401, 403, 404]) {
        reply(/personal_access_tokens/, { status, body: { message: 'no' } });
        assert.equal(valueOf(await engine.check(never)), 'octocat');
      }
    });

    it('and takes the role of a Developer', async () => {
      server.api.access.level = 20;
      const failure = failureOf(await engine.check(never));
      assert.equal(failure.message, 'octocat has the role Reporter in acme/shop');
    });

    it('and knows who is a member by an invited group', async () => {
      server.api.access.level = null;
      assert.equal(failureOf(await engine.check(never)).message, 'octocat is no member of acme/shop');
      server.api.access.member = 40;
      assert.equal(valueOf(await engine.check(never)), 'octocat');
    });

    it('and says that a project is a fork', async () => {
      server.api.access.level = null;
      server.api.access.project = { forked_from_project: { path_with_namespace: 'upstream/shop' } };
      assert.equal(failureOf(await engine.check(never)).message, 'octocat is no member of acme/shop, a fork of upstream/shop');
    });

    it('and says that CI/CD is turned off, or the project is archived', async () => {
      for (const off of [{ builds_access_level: 'disabled' }, { builds_access_level: undefined, jobs_enabled: false }]) {
        server.api.access.project = off;
        assert.equal(failureOf(await engine.check(never)).message, 'CI/CD is turned off in acme/shop');
      }
      server.api.access.project = { archived: true };
      assert.match(failureOf(await engine.check(never)).message, /is archived/);
    });

    it('and says that there is no such project', async () => {
      reply(/\/projects\//, { status: 404, body: { message: '404 Project Not Found' } });
      assert.equal(failureOf(await engine.check(never)).message, 'GitLab shows no project acme/shop to this token (404)');
    });
  });

  describe('starts a pipeline', () => {
    it('at the branch, and says which it is', async () => {
      const started = valueOf(await engine.start(request, never));
      assert.deepEqual(started, { id: runs.runs[0]?.id, attempt: 1, url: `${server.url}/acme/shop/-/pipelines/${started.id}` });
      const { method, path, body } = server.asked[0] ?? {};
      assert.deepEqual([method, path, body], ['POST', '/api/v4/projects/acme%2Fshop/pipeline', { ref: branch }]);
    });

    it('and cancels one of another commit', async () => {
      server.api.branches.set(branch, 'b'.repeat(40));
      const failure = failureOf(await engine.start(request, never));
      assert.match(failure.message, /for bbbbbbbbbbbb instead of aaaaaaaaaaaa/);
      assert.deepEqual([failure.hint, runs.runs[0]?.state], ['it was cancelled', 'cancelled']);
    });

    const refusals: readonly (readonly [words: string, says: RegExp])[] = [
      ['Missing CI config file', /^there is no \.gitlab-ci\.yml in what was pushed$/],
      ['Reference not found', /^GitLab does not find the branch deliver\/shop\/1: was it pushed to acme\/shop\?$/],
      ['Identity verification is required in order to run CI jobs', /^GitLab wants you to verify your identity/],
      ['No stages / jobs for this pipeline.', /^GitLab started nothing: by its rules no job would run for shop$/],
      ['Pipeline will not run for the selected trigger. The rules configuration prevented any jobs from being added', /no job would run/],
      ['Insufficient permissions to set pipeline variables', /Insufficient permissions/],
      ['jobs:build config contains unknown keys: scrpt', /contains unknown keys: scrpt$/],
    ];
    for (const [words, says] of refusals)
      it(`and says in words for people: ${words}`, async () => {
        server.api.refusal = { status: 400, body: { message: { base: [words] } } };
        const failure = failureOf(await engine.start(request, never));
        assert.match(failure.message, says);
        assert.equal(failure.status, 400);
      });

    it('and is told by what GitLab says, not by what the project is called', async () => {
      await begin({ project: 'protected/rules config' });
      engine = openGitlabEngine(
        { server: server.url, project: 'protected/rules config', services: ['shop'], service: 'shop' },
        new HttpClient({ proxy: 'host' }),
        async () => Promise.resolve(server.token),
      );
      server.api.refusal = { status: 400, body: { message: { base: ['No luck'] } } };
      const { reason, hint } = failureOf(await engine.start(request, never));
      assert.deepEqual([reason, hint], ['answer', undefined]);
    });

    it('and wants an identity also where it says so with another number', async () => {
      server.api.refusal = { status: 403, body: { message: { base: ['Identity verification is required in order to run CI jobs'] } } };
      assert.match(failureOf(await engine.start(request, never)).message, /^GitLab wants you to verify your identity/);
    });

    it('once, whatever is answered', async () => {
      for (const status of [401, 403, 404, 409, 422, 429, 500, 502, 503, 504]) {
        server.asked.length = 0;
        server.api.refusal = { status, body: { message: 'no' } };
        const failure = failureOf(await engine.start(request, never));
        assert.equal(failure.status, status);
        assert.equal(failure.reason, status === 429 ? 'limit' : status === 401 || status === 403 ? 'token' : 'answer');
        assert.equal(server.asked.length, 1);
      }
    });

    it('and does not take a web page for an answer', async () => {
      server.api.refusal = { status: 200, headers: { 'Content-Type': 'text/html' }, body: '<html>Sign in</html>' };
      assert.match(failureOf(await engine.start(request, never)).message, /web page/);
      server.api.refusal = { status: 201, body: {} };
      assert.equal(failureOf(await engine.start(request, never)).message, 'GitLab does not say which pipeline it started');
    });
  });

  describe('tells of a run', () => {
    it('with its jobs in the order of the pipeline, as they are', async () => {
      const run = runs.begin({ branch, commit, subject: 'Adds a cart', by: 'ada' });
      run.job('build').pass();
      run.job('test').start();
      const { jobs, ...facts } = await read();
      assert.deepEqual(facts, {
        id: run.id,
        attempt: 1,
        url: `${server.url}/acme/shop/-/pipelines/${run.id}`,
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
      assert.equal(jobs[0]?.url, `${server.url}/acme/shop/-/jobs/${run.job('build').id}`);
    });

    it('that failed, with those that were skipped', async () => {
      const run = runs.begin();
      run.job('build').start().end('failed');
      const { state, jobs, finishedAt } = await read();
      assert.deepEqual([state, jobs.map((one) => one.state)], ['failed', ['failed', 'skipped', 'skipped']]);
      assert.equal(finishedAt, run.finishedAt?.toISOString());
      assert.equal(jobs[0]?.reason, undefined, 'its own log tells why');
    });

    it('that passed, or was cancelled', async () => {
      runs.begin().pass();
      assert.equal((await read()).state, 'passed');
      runs.begin().cancel();
      assert.equal((await read()).state, 'cancelled');
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
      it(`whose job is ${status}: it is ${state}`, async () => {
        runs.begin().job('build').start();
        server.api.facts.set('build', { status });
        assert.equal((await job('build')).state, state);
      });

    it('that has a job in a state that nobody knows, without a guess', async () => {
      runs.begin().job('build').start();
      server.api.facts.set('build', { status: 'dreaming' });
      const { state, reason } = await job('build');
      assert.deepEqual([state, reason], ['running', 'GitLab calls it “dreaming”']);
      server.api.facts.set('build', { status: 'dreaming', finished_at: '2026-11-24T12:00:00Z' });
      assert.match(failureOf(await engine.read(runs.runs[0]?.id ?? '', never)).message, /build is “dreaming”, which is unknown here/);
    });

    it('whose job no runner takes', async () => {
      runs.begin();
      server.api.facts.set('build', { tag_list: ['deliver', 'linux'] });
      assert.equal((await job('build')).reason, 'waits for a runner with the tags deliver, linux');
      runs.runs[0]?.job('build').end('failed');
      const { reason, hasLog } = await job('build');
      assert.equal(reason, 'no runner took it: none with the tags deliver, linux is online, or all were busy for too long');
      assert.equal(hasLog, false);
    });

    it('whose job waits for another delivery', async () => {
      runs.begin().job('build').deployedTo = { environment: 'staging', url: 'https://staging.example.com' };
      server.api.facts.set('build', { status: 'waiting_for_resource' });
      assert.equal((await job('build')).reason, 'waits for another delivery to staging');
    });

    for (const [reason, says] of Object.entries({
      runner_system_failure: 'the runner failed, not the step',
      job_execution_timeout: 'it took longer than its timeout',
      stuck_or_timeout_failure: 'it timed out, or its runner was heard of no more',
      ci_quota_exceeded: 'the compute minutes are used up',
      something_new: 'GitLab says: something new',
    }))
      it(`whose job failed for ${reason}`, async () => {
        runs.begin().job('build').start().end('failed');
        server.api.facts.set('build', { failure_reason: reason });
        assert.equal((await job('build')).reason, says);
      });

    it('whose job may fail', async () => {
      runs.begin().job('build').start().end('failed');
      server.api.facts.set('build', { allow_failure: true });
      const { state, reason } = await job('build');
      assert.deepEqual([state, reason], ['failed', 'it may fail']);
    });

    it('whose pipeline file is broken', async () => {
      runs.begin().startupFailure = 'jobs config should contain at least one visible job';
      const { state, reason, jobs } = await read();
      assert.deepEqual([state, reason, jobs], ['failed', 'jobs config should contain at least one visible job', []]);
    });

    it('with the step `default` behind the name that GitLab takes', async () => {
      await begin({}, ['shop'], { 'default-step': [], 'fast-step': [] });
      runs.begin();
      assert.deepEqual(
        (await read()).jobs.map(({ name }) => name),
        ['default', 'fast-step'],
      );
    });

    it('with the steps of the very names that are exported', async () => {
      const names = ['build', 'default', 'default-step', 'pages', 'image', 'lint.all'];
      const shop = service(`service: shop\nsteps:\n${names.map((name) => `  ${name}: {run: make}`).join('\n')}\n`);
      const mail = service('service: mail\nsteps: {build: {run: make}}\n', 'mail');
      for (const services of [[shop], [shop, mail]]) {
        const exported = gitlab.files(services, {}).filter((file) => file.service !== undefined);
        const jobs = exported.flatMap(({ body }) =>
          Object.entries(parse(body) as object).flatMap(([key, value]) => ('script' in value ? [key] : [])),
        );
        const known = services.map(({ pipeline }) => pipeline.service);
        await begin({}, known, Object.fromEntries(jobs.map((name) => [name, []])));
        runs.begin();
        assert.deepEqual(
          (await read()).jobs.map(({ name }) => name),
          names,
        );
      }
    });

    it('with more than a hundred jobs, page by page', async () => {
      await begin({}, ['shop'], Object.fromEntries(Array.from({ length: 230 }, (_, index) => [`step-${index}`, []])));
      runs.begin();
      assert.deepEqual(
        (await read()).jobs.map(({ name }) => name),
        Object.keys(runs.jobs),
      );
      assert.equal(server.asked.filter(({ path }) => path.endsWith('/jobs')).length, 3);
    });

    it('page by page also where GitLab does not know of the proxy before it', async () => {
      await begin(
        { ownAddress: 'https://inner.example.com' },
        ['shop'],
        Object.fromEntries(Array.from({ length: 130 }, (_, at) => [`step-${at}`, []])),
      );
      runs.begin();
      assert.equal((await read()).jobs.length, 130);
    });

    it('that goes on again before its pipeline says so', async () => {
      const run = runs.begin();
      run.job('build').start().end('failed');
      server.api.facts.set('test', { status: 'pending' });
      const { state, jobs, finishedAt } = await read();
      assert.deepEqual([state, finishedAt, jobs[1]?.state], ['running', undefined, 'waiting']);
    });

    it('that passed without what nobody started by hand', async () => {
      runs.begin().pass();
      server.api.facts.set('stage', { status: 'manual', allow_failure: true });
      const { state, jobs } = await read();
      assert.deepEqual([state, jobs[2]?.state, jobs[2]?.reason], ['passed', 'skipped', 'nobody started it']);
    });

    it('where it deployed to', async () => {
      const run = runs.begin();
      run.job('stage').deployedTo = { environment: 'staging', url: 'https://staging.example.com' };
      run.pass();
      assert.equal((await job('stage')).deployedTo, 'https://staging.example.com');
      assert.equal((await job('build')).deployedTo, undefined);
    });

    it('once where pages tell a job twice', async () => {
      const build = runs.begin().job('build');
      const one = (id: number, status: string): object => ({ id, name: 'build', status });
      reply(/\/jobs$/, { body: [one(Number(build.id) + 9, 'running'), one(Number(build.id), 'failed')] });
      assert.deepEqual(
        (await read()).jobs.map(({ name, state }) => [name, state]),
        [['build', 'running']],
      );
    });

    it('with times by the clock of this machine', async () => {
      await begin({ skewMs: 3_600_000 });
      const run = runs.begin();
      run.job('build').pass();
      const { createdAt, jobs } = await read();
      // Dates of answers have whole seconds.
      const off = (theirs: string | undefined, ours: Date | undefined): number =>
        Math.abs(Date.parse(theirs ?? '') - (ours?.getTime() ?? NaN));
      assert.ok(off(createdAt, run.createdAt) < 5000, createdAt);
      assert.ok(off(jobs[0]?.finishedAt, run.job('build').finishedAt) < 5000, jobs[0]?.finishedAt);
    });

    it('for next to nothing where nothing changed, and says how often it may be asked', async () => {
      runs.begin();
      const first = await read();
      server.asked.length = 0;
      assert.deepEqual(await read(), first);
      assert.ok(server.asked.length > 0 && server.asked.every(({ headers }) => headers['if-none-match'] !== undefined));
      assert.equal(engine.allowance?.limit, 2000);
    });

    it('that was deleted while it was followed', async () => {
      const run = runs.begin();
      await read();
      runs.delete(run);
      const failure = failureOf(await engine.read(run.id, never));
      assert.deepEqual([failure.gone, failure.message], [true, `GitLab has no pipeline ${run.id} (any more)`]);
    });

    it('and does not call it deleted where the whole project cannot be seen', async () => {
      const run = runs.begin();
      reply(/\/projects\//, { status: 404, body: { message: '404 Project Not Found' } });
      assert.equal(failureOf(await engine.read(run.id, never)).gone, undefined);
    });

    const bad: readonly (readonly [what: string, path: RegExp, answer: Reply, says: RegExp])[] = [
      ['a web page', /pipelines\/\d+$/, { headers: { 'Content-Type': 'text/html' }, body: '<html></html>' }, /web page/],
      ['nothing', /pipelines\/\d+$/, { body: '' }, /answered nothing/],
      ['null', /pipelines\/\d+$/, { body: 'null' }, /not a pipeline/],
      ['a list', /pipelines\/\d+$/, { body: [] }, /not a pipeline/],
      ['no status', /pipelines\/\d+$/, { body: { id: 1, sha: commit } }, /without an id, a status or a commit/],
      ['a status that is unknown', /pipelines\/\d+$/, { body: { id: 1, sha: commit, status: 'dreaming' } }, /“dreaming”, which is unknown/],
      ['no list of jobs', /\/jobs$/, { body: { message: 'hello' } }, /no list of jobs/],
      ['a job without a name', /\/jobs$/, { body: [{ id: 1, status: 'success' }] }, /a job without an id, a name or a status/],
      ['half of the jobs', /\/jobs$/, { body: '[{"id": 1' }, /broken or breaks off/],
    ];
    for (const [what, path, answer, says] of bad)
      it(`and says so where the answer is ${what}`, async () => {
        runs.begin();
        reply(path, answer);
        assert.match(failureOf(await engine.read(runs.runs[0]?.id ?? '', never)).message, says);
      });

    for (const status of [401, 403, 409, 422, 429, 500, 502, 503, 504])
      it(`and says so where the answer is ${status}`, async () => {
        runs.begin();
        reply(/\/jobs$/, { status, body: { message: 'no' } });
        const failure = failureOf(await engine.read(runs.runs[0]?.id ?? '', never));
        assert.deepEqual([failure.status, failure.gone], [status, undefined]);
      });
  });

  describe('tells of a run of several services', () => {
    const both = { 'shop:build': [], 'shop:test': ['shop:build'], 'mail:build': [] };
    beforeEach(async () => begin({}, ['shop', 'mail'], both));

    it('the jobs of the one alone', async () => {
      runs.begin();
      assert.deepEqual(
        (await read()).jobs.map(({ name }) => name),
        ['build', 'test'],
      );
    });

    it('that it passed, whatever became of the others', async () => {
      const run = runs.begin();
      run.job('mail:build').start().end('failed');
      assert.notEqual((await read()).state, 'passed');
      run.job('shop:build').pass();
      run.job('shop:test').pass();
      const { state, finishedAt } = await read();
      assert.deepEqual([state, finishedAt], ['passed', run.job('shop:test').finishedAt?.toISOString()]);
    });

    it('and lists no pipeline that delivers another service', async () => {
      const run = '20261125T044500123-abcd';
      const own = runs.begin({ branch: `deliver/shop-${run}` });
      for (const other of ['mail', 'shop-api']) runs.begin({ branch: `deliver/${other}-${run}` });
      const pushed = runs.begin({ branch: 'main' });
      assert.deepEqual(
        valueOf(await engine.list('shop', never)).map(({ id }) => id),
        [pushed.id, own.id],
      );
    });

    it('that it failed while others go on', async () => {
      const run = runs.begin();
      run.job('mail:build').start();
      run.job('shop:build').start().end('failed');
      assert.equal((await read()).state, 'failed');
    });
  });

  it('lists the latest runs, newest first', async () => {
    runs.begin({ branch: 'main', subject: 'First' }).pass();
    runs.begin({ branch, subject: 'Second' });
    const list = valueOf(await engine.list('shop', never));
    assert.deepEqual(
      list.map(({ subject, state, isDefaultBranch, jobs }) => [subject, state, isDefaultBranch, jobs]),
      [
        ['Second', 'waiting', false, []],
        ['First', 'passed', true, []],
      ],
    );
    server.asked.length = 0;
    await engine.list('shop', never);
    assert.equal(server.asked.length, 1, 'what commits and branches are called was known');
  });

  it('lists no pipeline that was skipped because a push to an own branch was to start nothing', async () => {
    const run = runs.begin({ branch });
    assert.deepEqual(
      valueOf(await engine.list('shop', never)).map(({ id }) => id),
      [run.id],
    );
    const { body } = server.api.answer({
      method: 'GET',
      path: '/api/v4/projects/acme%2Fshop/pipelines',
      query: new URLSearchParams(),
    } as Asked);
    assert.equal((body as readonly unknown[]).length, 2, 'GitLab has one, all the same');
  });

  for (const ranges of [true, false])
    describe(`reads a log ${ranges ? 'in ranges' : 'of a server that answers the whole'}`, () => {
      beforeEach(async () => begin({ ranges }));

      it('while its job goes on, from where it was before', async () => {
        const test = runs.begin().job('build').start().print('one\n');
        const first = await log(await job('build'));
        assert.deepEqual([first.text, valueOf(first.end)], ['one\n', { isWhole: false }]);
        const none = await log(await job('build'), 4);
        assert.deepEqual([none.text, valueOf(none.end)], ['', { isWhole: false }]);
        test.print('two\n');
        assert.equal((await log(await job('build'), 4)).text, 'two\n');
        test.end('passed');
        const last = await log(await job('build'), 8);
        assert.deepEqual([last.text, valueOf(last.end)], ['', { isWhole: true }]);
      });

      it('to its end where the connection breaks, without a byte lost or doubled', async () => {
        const whole = Array.from({ length: 2000 }, (_, index) => `line ${index} ä\n`).join('');
        runs.begin().job('build').start().print(whole).end('passed');
        const of = await job('build');
        server.fault = ({ path }) => (path.endsWith('/trace') ? { cut: 10_001 } : undefined);
        const first = await log(of);
        assert.equal(failureOf(first.end).reason, 'offline');
        server.fault = undefined;
        const run = await read();
        const rest: Buffer[] = [];
        const had = Buffer.from(whole).subarray(0, 10_001);
        assert.deepEqual(valueOf(await engine.readLog(run, of, had.length, (bytes) => rest.push(bytes), never)), { isWhole: true });
        assert.equal(Buffer.concat([had, ...rest]).toString(), whole);
      });
    });

  it('reads a log with the times and sections of the runner as what was printed, though it comes in parts', async () => {
    await begin({ runnerMarks: true });
    const test = runs.begin().job('build').start().print('one\n');
    const plain = engine.plain();
    const parts: Buffer[] = [];
    let at = 0;
    const more = async (): Promise<string> => {
      const end = await engine.readLog(
        await read(),
        await job('build'),
        at,
        (bytes) => ((at += bytes.length), parts.push(plain.push(bytes))),
        never,
      );
      valueOf(end);
      return Buffer.concat(parts).toString();
    };
    assert.equal(await more(), 'Running with gitlab-runner 18.5.0\n\x1b[36;1mExecuting "step_script"\x1b[0;m\none');
    test.print('two ä\n');
    assert.match(await more(), /\none\ntwo ä$/);
    test.end('passed');
    await more();
    parts.push(plain.flush());
    assert.match(Buffer.concat(parts).toString(), /\ntwo ä\n\x1b\[32;1mJob succeeded\x1b\[0;m\n$/);
  });

  it('says that a log was erased', async () => {
    const build = runs.begin().job('build').start().print('one\n').end('passed');
    const before = await job('build');
    server.api.erased.add(build.id);
    const failure = failureOf((await log(before)).end);
    assert.deepEqual([failure.gone, failure.message], [true, 'the log of build was erased']);
    const after = await job('build');
    assert.deepEqual([after.hasLog, after.reason], [false, 'its log was erased']);
  });

  it('says so where a log is denied', async () => {
    runs.begin().job('build').start().print('one\n');
    reply(/\/trace$/, { status: 403, body: { message: '403 Forbidden' } });
    assert.equal(failureOf((await log(await job('build'))).end).reason, 'token');
  });

  it('tells the tests that failed', async () => {
    const test = runs.begin().job('build').start();
    test.report = `<testsuite name="cart"><testcase name="adds" classname="test/cart.test.ts" file="test/cart.test.ts"/>
      <testcase name="removes" classname="Cart"><failure message="lost">Error: expected 2 to be 3
    at Cart.remove (/builds/acme/shop/src/cart.ts:12:7)</failure></testcase>
      <testcase name="empties" classname="test/cart.test.ts"><error message="no cart" type="TypeError"/></testcase></testsuite>`;
    test.end('failed');
    const [found, other, ...more] = valueOf(await engine.problems(await read(), await job('build'), never));
    assert.deepEqual(more, []);
    assert.deepEqual([found?.severity, found?.message], ['error', 'Cart › removes: Error: expected 2 to be 3']);
    assert.deepEqual([other?.message, other?.file], ['empties: no cart', 'test/cart.test.ts']);
    assert.deepEqual(found?.frames?.[0], { file: '/builds/acme/shop/src/cart.ts', line: 12, column: 7 });
    assert.deepEqual(valueOf(await engine.problems(await read(), await job('test'), never)), []);
  });

  it('takes a strange report of tests for none', async () => {
    runs.begin().job('build').start().end('failed');
    const strange = [
      null,
      'x',
      { name: 'build' },
      { name: 'build', test_cases: [null, { status: 'failed' }, { status: 'error', system_output: { message: 'm' } }] },
    ];
    reply(/test_report$/, { body: { test_suites: strange } });
    const found = valueOf(await engine.problems(await read(), await job('build'), never));
    assert.deepEqual(
      found.map(({ message }) => message),
      ['a test', 'a test: m'],
    );
  });

  it('cancels a run', async () => {
    const run = runs.begin();
    run.job('build').start();
    valueOf(await engine.cancel(run.id, never));
    assert.equal((await read()).state, 'cancelled');
    reply(/\/cancel$/, { status: 403, body: { message: '403 Forbidden' } });
    assert.equal(failureOf(await engine.cancel(run.id, never)).reason, 'token');
  });

  describe('runs again', () => {
    it('what failed, in the same pipeline, and keeps what passed', async () => {
      const run = runs.begin();
      run.job('build').pass();
      run.job('test').start().end('failed');
      const again = valueOf(await engine.rerun(await read(), never));
      assert.deepEqual([again.id, again.attempt], [run.id, 2]);
      run.job('test').start();
      const { attempt, state, jobs } = await read();
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

    it('but is read as it is where GitLab, without a word, runs nothing again: the person may not', async () => {
      const run = runs.begin();
      run.job('build').start().end('failed');
      server.fault = ({ path }) => (path.endsWith('/retry') ? { reply: { status: 201, body: { id: Number(run.id) } } } : undefined);
      valueOf(await engine.rerun(await read(), never));
      assert.equal((await engine.read(run.id, never)).state, 'failed');
      const { now } = Date;
      try {
        Date.now = () => now() + 31_000;
        assert.equal((await read()).state, 'failed');
      } finally {
        Date.now = now;
      }
    });

    it('and takes no answer for it that is of before', async () => {
      const run = runs.begin();
      run.job('build').start().end('failed');
      const answers = new Map<string, Reply>();
      server.fault = (asked) => {
        if (asked.method === 'GET') answers.set(asked.target, server.api.answer(asked));
        return undefined;
      };
      valueOf(await engine.rerun(await read(), never));
      server.fault = ({ target }) => {
        const before = answers.get(target);
        return before && { reply: before };
      };
      assert.match(failureOf(await engine.read(run.id, never)).message, /how pipeline \d+ was before it was run again/);
      server.fault = undefined;
      assert.deepEqual([(await read()).attempt, (await read()).state], [2, 'waiting']);
    });

    it('and counts no try of a job by a list that is older than the job', async () => {
      const run = runs.begin();
      run.job('build').start().end('failed');
      await engine.rerun(await read(), never);
      await read();
      let before: Reply | undefined;
      server.fault = (asked) => {
        if (asked.query.get('include_retried') === 'true') before = server.api.answer(asked);
        return undefined;
      };
      await read();
      run.job('build').start().end('failed');
      await engine.rerun(await read(), never);
      server.fault = ({ query }) => (query.get('include_retried') === 'true' && before ? { reply: before } : undefined);
      assert.match(failureOf(await engine.read(run.id, never)).message, /jobs of pipeline \d+ that are older than others/);
      server.fault = undefined;
      assert.equal((await job('build')).attempt, 3);
    });

    it('which another process follows that was not there', async () => {
      const run = runs.begin();
      run.job('build').start().end('failed');
      valueOf(await engine.rerun(await read(), never));
      assert.equal(valueOf(await open(server.token).read(run.id, never, 2)).attempt, 2);
    });

    it('nothing where all passed', async () => {
      runs.begin().pass();
      assert.match(failureOf(await engine.rerun(await read(), never)).message, /all of its jobs passed/);
      assert.ok(server.asked.every(({ method }) => method === 'GET'));
    });

    it('and asks for earlier tries only where there were some', async () => {
      const run = runs.begin();
      run.job('build').pass();
      await read();
      assert.ok(!server.asked.some(({ query }) => query.get('include_retried') === 'true'));
    });
  });

  describe('lets a deployment go on', () => {
    it('that waits for a person to start it', async () => {
      runs.begin().job('build').approval = 'production';
      const run = await read();
      assert.deepEqual([run.state, run.jobs[0]?.state, run.jobs[0]?.approval], ['waiting', 'waiting', 'production']);
      assert.equal(run.jobs[0]?.reason, 'waits for a person to let it deploy to production');
      valueOf(await engine.approve(run, 'production', never));
      assert.equal((await job('build')).approval, undefined);
    });

    it('that waits for an approval', async () => {
      await begin({ protectedEnvironments: ['production'] });
      runs.begin().job('build').approval = 'production';
      valueOf(await engine.approve(await read(), 'production', never));
      const written = server.asked
        .filter(({ method }) => method === 'POST')
        .map(({ path, body }) => [path.split('/').slice(5).join('/'), body]);
      const { id } = await job('build');
      assert.deepEqual(written, [
        [`deployments/${id}/approval`, { status: 'approved' }],
        [`jobs/${id}/play`, undefined],
      ]);
    });

    it('but not to an environment that nothing waits for', async () => {
      runs.begin();
      assert.match(failureOf(await engine.approve(await read(), 'production', never)).message, /no deployment of this run to production/);
    });
  });

  describe('knows what is deployed', () => {
    it('to each environment, and by whom', async () => {
      const createdAt = new Date('2026-11-24T12:00:00Z');
      const url = 'https://staging.example.com';
      runs.deployments.push({ id: '5', environment: 'staging', commit, ref: 'main', by: 'ada', createdAt, state: 'success', url });
      assert.deepEqual(valueOf(await engine.deployments(never)), [
        {
          environment: 'staging',
          state: 'live',
          url,
          commit,
          ref: 'main',
          deployedAt: createdAt.toISOString(),
          by: 'ada',
          page: `${server.url}/acme/shop/-/jobs/1`,
        },
      ]);
    });

    it('without an address that is none', async () => {
      const facts = { id: '5', commit, ref: 'main', by: 'ada', createdAt: new Date(), state: 'success' as const };
      runs.deployments.push({ ...facts, environment: 'staging', url: 'javascript:alert(1)' });
      assert.equal(valueOf(await engine.deployments(never))[0]?.url, '');
    });

    it('of no environment to which nothing was deployed', async () => {
      reply(/\/environments$/, { body: [{ id: 99, name: 'gone' }] });
      assert.deepEqual(valueOf(await engine.deployments(never)), []);
    });

    it('also what was deployed elsewhere, once it was told', async () => {
      const deployment = { environment: 'production', commit, url: 'https://shop.example.com', state: 'live', subject: 'x' } as const;
      valueOf(await engine.tellDeployment?.(deployment, never));
      valueOf(await engine.tellDeployment?.({ ...deployment, url: 'https://new.example.com' }, never));
      valueOf(await engine.tellDeployment?.({ ...deployment, url: 'https://broken.example.com', state: 'failed' }, never));
      valueOf(await engine.tellDeployment?.({ ...deployment, url: 'https://new.example.com', state: 'gone' }, never));
      const written = server.asked
        .filter(({ method }) => method !== 'GET')
        .map(({ method, path, body }) => [method, path.split('/').slice(5).join('/'), body]);
      const told = { environment: 'production', sha: commit, ref: 'main', tag: false };
      assert.deepEqual(written, [
        ['POST', 'environments', { name: 'production', external_url: 'https://shop.example.com' }],
        ['POST', 'deployments', { ...told, status: 'success' }],
        ['PUT', 'environments/1', { external_url: 'https://new.example.com' }],
        ['POST', 'deployments', { ...told, status: 'success' }],
        ['POST', 'deployments', { ...told, status: 'failed' }],
        ['PUT', 'deployments/2', { status: 'canceled' }],
      ]);
    });

    it('not any more what was told to be live and was taken back', async () => {
      const first = { environment: 'production', commit, url: 'https://shop.example.com', state: 'live', subject: 'x' } as const;
      const second = { ...first, commit: 'b'.repeat(40) };
      const live = async (): Promise<unknown> => valueOf(await engine.deployments(never)).map((one) => one.commit);
      for (const one of [first, second, { ...second, state: 'gone' as const }]) valueOf(await engine.tellDeployment?.(one, never));
      assert.deepEqual(await live(), [first.commit]);
      // What nobody told to be live is told to have been taken back all the same.
      valueOf(await engine.tellDeployment?.({ ...first, commit: 'c'.repeat(40), state: 'gone' }, never));
      assert.deepEqual(await live(), [first.commit]);
    });
  });
});

function valueOf<T>(answer: Told<T> | undefined): T {
  assert.ok(answer?.state === 'told', answer?.state === 'failed' ? answer.message : 'nothing was asked');
  return answer.value;
}

function failureOf(answer: Told<unknown>): RemoteFailure {
  assert.ok(answer.state === 'failed', 'it went well');
  return answer;
}
