import * as assert from 'node:assert/strict';
import { branch, commit, OnGitlab } from '../../../../support/ci/on-gitlab';
import { failureOf, never, valueOf } from '../../../../support/ci/remote-answers';

const request = { service: 'shop', file: '.gitlab-ci.yml', branch, commit };

describe('check on GitLab', () => {
  const on = new OnGitlab();

  it('returns the owner of the token', async () => {
    assert.equal(valueOf(await on.client.check(never)), 'octocat');
    assert.deepEqual([on.client.host, on.client.place], [on.server.url, 'acme/shop']);
    assert.ok(on.server.asked.every(({ method }) => method === 'GET'));
  });

  it('refuses another token', async () => {
    const failure = failureOf(await on.clientWith('another-token').check(never));
    assert.deepEqual([failure.reason, failure.status], ['token', 401]);
  });

  it('refuses a token that may only read', async () => {
    on.server.api.access.scopes = ['read_api', 'read_user'];
    const failure = failureOf(await on.client.check(never));
    assert.deepEqual([failure.reason, failure.message], ['token', 'the token has only the scopes read_api, read_user']);
  });

  it('accepts tokens that cannot be inspected', async () => {
    for (const status of [401, 403, 404]) {
      on.reply(/personal_access_tokens/, { status, body: { message: 'no' } });
      assert.equal(valueOf(await on.client.check(never)), 'octocat');
    }
  });

  it('requires the role of a Developer', async () => {
    on.server.api.access.level = 20;
    const failure = failureOf(await on.client.check(never));
    assert.equal(failure.message, 'octocat has the role Reporter in acme/shop');
  });

  it('accepts members of an invited group', async () => {
    on.server.api.access.level = null;
    assert.equal(failureOf(await on.client.check(never)).message, 'octocat is not a member of acme/shop');
    on.server.api.access.member = 40;
    assert.equal(valueOf(await on.client.check(never)), 'octocat');
  });

  it('names the origin of a fork', async () => {
    on.server.api.access.level = null;
    on.server.api.access.project = { forked_from_project: { path_with_namespace: 'upstream/shop' } };
    assert.equal(failureOf(await on.client.check(never)).message, 'octocat is not a member of acme/shop, a fork of upstream/shop');
  });

  it('refuses a project without CI/CD, or an archived one', async () => {
    for (const off of [{ builds_access_level: 'disabled' }, { builds_access_level: undefined, jobs_enabled: false }]) {
      on.server.api.access.project = off;
      assert.equal(failureOf(await on.client.check(never)).message, 'CI/CD is turned off in acme/shop');
    }
    on.server.api.access.project = { archived: true };
    assert.match(failureOf(await on.client.check(never)).message, /is archived/);
  });

  it('refuses an invisible project', async () => {
    on.reply(/\/projects\//, { status: 404, body: { message: '404 Project Not Found' } });
    assert.equal(failureOf(await on.client.check(never)).message, 'the token has no access to acme/shop, or it does not exist (404)');
  });
});

describe('start on GitLab', () => {
  const on = new OnGitlab();

  it('starts a pipeline on the branch and returns its id', async () => {
    const started = valueOf(await on.client.start(request, never));
    assert.deepEqual(started, { id: on.runs.runs[0]?.id, attempt: 1, url: `${on.server.url}/acme/shop/-/pipelines/${started.id}` });
    const { method, path, body } = on.server.asked[0] ?? {};
    assert.deepEqual([method, path, body], ['POST', '/api/v4/projects/acme%2Fshop/pipeline', { ref: branch }]);
  });

  it('cancels a pipeline of another commit', async () => {
    on.server.api.branches.set(branch, 'b'.repeat(40));
    const failure = failureOf(await on.client.start(request, never));
    assert.match(failure.message, /for bbbbbbb instead of aaaaaaa/);
    assert.deepEqual([failure.hint, on.runs.runs[0]?.state], ['it was cancelled', 'cancelled']);
  });

  const refusals: readonly (readonly [words: string, says: RegExp])[] = [
    ['Missing CI config file', /^the pushed commit has no \.gitlab-ci\.yml$/],
    ['Reference not found', /^acme\/shop has no branch deliver\/shop\/1: was it pushed\?$/],
    ['Identity verification is required in order to run CI jobs', /^GitLab requires an identity verification/],
    ['No stages / jobs for this pipeline.', /^GitLab started no pipeline: its rules exclude all jobs of shop$/],
    [
      'Pipeline will not run for the selected trigger. The rules configuration prevented any jobs from being added',
      /exclude all jobs of shop/,
    ],
    ['Insufficient permissions to set pipeline variables', /Insufficient permissions/],
    ['jobs:build config contains unknown keys: scrpt', /contains unknown keys: scrpt$/],
  ];
  for (const [words, says] of refusals)
    it(`explains the refusal: ${words}`, async () => {
      on.server.api.refusal = { status: 400, body: { message: { base: [words] } } };
      const failure = failureOf(await on.client.start(request, never));
      assert.match(failure.message, says);
      assert.equal(failure.status, 400);
    });

  it('reads the reason of a refusal rather than the name of the project', async () => {
    await on.open({ project: 'protected/rules config' });
    on.server.api.refusal = { status: 400, body: { message: { base: ['No luck'] } } };
    const { reason, hint } = failureOf(await on.client.start(request, never));
    assert.deepEqual([reason, hint], ['answer', undefined]);
  });

  it('recognizes a required identity verification under any status', async () => {
    on.server.api.refusal = { status: 403, body: { message: { base: ['Identity verification is required in order to run CI jobs'] } } };
    assert.match(failureOf(await on.client.start(request, never)).message, /^GitLab requires an identity verification/);
  });

  it('sends one request, whatever the answer is', async () => {
    for (const status of [401, 403, 404, 409, 422, 429, 500, 502, 503, 504]) {
      on.server.asked.length = 0;
      on.server.api.refusal = { status, body: { message: 'no' } };
      const failure = failureOf(await on.client.start(request, never));
      assert.equal(failure.status, status);
      assert.equal(failure.reason, status === 429 ? 'limit' : status === 401 || status === 403 ? 'token' : 'answer');
      assert.equal(on.server.asked.length, 1);
    }
  });

  it('refuses a web page', async () => {
    on.server.api.refusal = { status: 200, headers: { 'Content-Type': 'text/html' }, body: '<html>Sign in</html>' };
    assert.match(failureOf(await on.client.start(request, never)).message, /web page/);
    on.server.api.refusal = { status: 201, body: {} };
    assert.equal(failureOf(await on.client.start(request, never)).message, 'GitLab did not return the id of the pipeline');
  });
});
