import * as assert from 'node:assert/strict';
import type { Reply } from '../../../../support/http-server';
import { commit, OnGitlab } from '../../../../support/ci/on-gitlab';
import { failureOf, never } from '../../../../support/ci/remote-answers';

describe('unexpected answers of GitLab', () => {
  const on = new OnGitlab();

  it('fail the read for an unknown job status', async () => {
    on.runs.begin().job('build').start();
    on.server.api.facts.set('build', { status: 'dreaming' });
    const { state, reason } = await on.job('build');
    assert.deepEqual([state, reason], ['running', 'status on GitLab: “dreaming”']);
    on.server.api.facts.set('build', { status: 'dreaming', finished_at: '2026-11-24T12:00:00Z' });
    assert.match(failureOf(await on.client.read(on.runs.runs[0]?.id ?? '', never)).message, /build has the unknown status “dreaming”/);
  });

  it('report a deleted pipeline', async () => {
    const run = on.runs.begin();
    await on.read();
    on.runs.delete(run);
    const failure = failureOf(await on.client.read(run.id, never));
    assert.deepEqual([failure.gone, failure.message], [true, `pipeline ${run.id} does not exist on GitLab`]);
  });

  it('do not report a deletion when the project is invisible', async () => {
    const run = on.runs.begin();
    on.reply(/\/projects\//, { status: 404, body: { message: '404 Project Not Found' } });
    assert.equal(failureOf(await on.client.read(run.id, never)).gone, undefined);
  });

  const bad: readonly (readonly [what: string, path: RegExp, answer: Reply, says: RegExp])[] = [
    ['a web page', /pipelines\/\d+$/, { headers: { 'Content-Type': 'text/html' }, body: '<html></html>' }, /web page/],
    ['nothing', /pipelines\/\d+$/, { body: '' }, /answered nothing/],
    ['null', /pipelines\/\d+$/, { body: 'null' }, /did not return a pipeline/],
    ['a list', /pipelines\/\d+$/, { body: [] }, /did not return a pipeline/],
    ['no status', /pipelines\/\d+$/, { body: { id: 1, sha: commit } }, /without an id, a status or a commit/],
    ['a status that is unknown', /pipelines\/\d+$/, { body: { id: 1, sha: commit, status: 'dreaming' } }, /unknown status “dreaming”/],
    ['no list of jobs', /\/jobs$/, { body: { message: 'hello' } }, /did not return a list of jobs/],
    ['a job without a name', /\/jobs$/, { body: [{ id: 1, status: 'success' }] }, /a job without an id, a name or a status/],
    ['half of the jobs', /\/jobs$/, { body: '[{"id": 1' }, /broken or breaks off/],
  ];
  for (const [what, path, answer, says] of bad)
    it(`fail the read when the answer is ${what}`, async () => {
      on.runs.begin();
      on.reply(path, answer);
      assert.match(failureOf(await on.client.read(on.runs.runs[0]?.id ?? '', never)).message, says);
    });

  for (const status of [401, 403, 409, 422, 429, 500, 502, 503, 504])
    it(`fail the read for the status ${status}`, async () => {
      on.runs.begin();
      on.reply(/\/jobs$/, { status, body: { message: 'no' } });
      const failure = failureOf(await on.client.read(on.runs.runs[0]?.id ?? '', never));
      assert.deepEqual([failure.status, failure.gone], [status, undefined]);
    });
});
