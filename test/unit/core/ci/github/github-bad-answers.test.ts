import * as assert from 'node:assert/strict';
import { OnGithub } from '../../../../support/ci/on-github';
import { failureOf, never } from '../../../../support/ci/remote-answers';

describe('unexpected answers of GitHub Actions', () => {
  const on = new OnGithub();

  for (const [what, more, told] of [
    ['another status', { status: 'dreaming', conclusion: null }, /an unexpected run: it is dreaming/],
    ['another conclusion', { status: 'completed', conclusion: 'splendid' }, /it is completed, splendid/],
    ['a run that is over without a conclusion', { status: 'completed', conclusion: null }, /it is completed/],
    ['no commit', { head_sha: null }, /unexpected run: no commit/],
    ['a page that is none', { html_url: 'javascript:alert(1)' }, /unexpected run: no page/],
    ['no time', { created_at: 'soon', run_started_at: null }, /unexpected run: no start time/],
  ] as const)
    it(what, async () => {
      await on.open({ runMore: () => more });
      assert.match(failureOf(await on.client.read(on.run.id, never)).message, told);
    });

  it('fail the read for an unknown job status or a missing name', async () => {
    await on.open({ jobMore: () => ({ status: 'completed', conclusion: 'splendid' }) });
    assert.match(failureOf(await on.client.read(on.run.id, never)).message, /job build is completed, splendid/);
    await on.open({ jobMore: () => ({ name: 7 }) });
    assert.equal((await on.read()).jobs[0]?.name, '7');
    await on.open({ jobMore: () => ({ name: null }) });
    assert.match(failureOf(await on.client.read(on.run.id, never)).message, /has no name/);
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
      assert.match(failureOf(await on.client.read(on.run.id, never)).message, told);
    });

  it('fail the read without a list of jobs', async () => {
    on.server.fault = ({ path }) => (path.endsWith('/jobs') ? { reply: { body: { jobs: null } } } : undefined);
    assert.match(failureOf(await on.client.read(on.run.id, never)).message, /not a list of jobs/);
  });
});

describe('GitHub Actions', () => {
  const on = new OnGithub();

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
    it(`explains the status ${status}`, async () => {
      on.server.fault = () => ({ reply: { status, body: { message: 'as it says' } } });
      for (const answer of [
        await on.client.read(on.run.id, never),
        await on.client.list('shop', never),
        await on.client.deployments(never),
      ]) {
        assert.equal(failureOf(answer).reason, reason);
        assert.equal(failureOf(answer).status, status);
        assert.match(failureOf(answer).message, /as it says/);
        assert.equal(failureOf(answer).gone, undefined);
      }
    });
});
