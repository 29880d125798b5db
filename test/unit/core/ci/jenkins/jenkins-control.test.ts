import * as assert from 'node:assert/strict';
import type { Reply } from '../../../../support/http-server';
import { shown } from '../../../../support/ci/jenkins-following';
import { OnJenkins, request } from '../../../../support/ci/on-jenkins';
import { failureOf, never, valueOf } from '../../../../support/ci/remote-answers';

describe('Jenkins', () => {
  const on = new OnJenkins();

  it('ends a build', async () => {
    const id = await on.begin();
    on.runs.runs[0]?.job('build').start();
    valueOf(await on.engine.read(id, never));
    valueOf(await on.engine.cancel(id, never));
    assert.deepEqual(shown(valueOf(await on.engine.read(id, never))).slice(0, 2), ['run cancelled', 'build cancelled']);
  });

  it('runs a build again as another of the same branch', async () => {
    const id = await on.begin();
    on.runs.runs[0]?.pass();
    const again = valueOf(await on.engine.rerun(valueOf(await on.engine.read(id, never)), never));
    assert.notEqual(again.id, id);
    assert.deepEqual(
      on.runs.runs.map(({ branch }) => branch),
      [request.branch, request.branch],
    );
  });

  it('runs all stages of a failed build again', async () => {
    const id = await on.begin();
    on.runs.runs[0]?.job('build').pass();
    on.runs.runs[0]?.job('test').start().end('failed');
    const again = valueOf(await on.engine.rerun(valueOf(await on.engine.read(id, never)), never));
    on.runs.runs[0]?.pass();
    const run = valueOf(await on.engine.read(again.id, never));
    assert.deepEqual(shown(run), ['run passed', 'build passed', 'test passed', 'stage passed']);
    assert.equal(run.branch, request.branch);
  });

  describe('says what was answered where it is nothing to go by', () => {
    const page: Reply = { headers: { 'Content-Type': 'text/html' }, body: '<html>Sign in</html>' };
    const answers: readonly [string, Reply, RegExp][] = [
      ['a web page', page, /web page \(HTML\)/],
      ['401', { status: 401 }, /does not accept the token \(401\)/],
      ['403', { status: 403 }, /does not let this token do that \(403\)/],
      ['409', { status: 409 }, /409 Conflict/],
      ['429', { status: 429, headers: { 'Retry-After': '7' } }, /asked too often \(429\)/],
      ...[500, 502, 503, 504].map((status): [string, Reply, RegExp] => [String(status), { status }, new RegExp(`answered ${status}`)]),
      ['null', { body: 'null' }, /no object/],
      ['a list', { body: [] }, /no object/],
      ['a build without a number', { body: { building: false } }, /without a number/],
      ['an unknown result', { body: { number: 1, timestamp: 1, building: false, result: 'GREAT' } }, /result is GREAT/],
      ['no result and no word of going on', { body: { number: 1, timestamp: 1 } }, /undefined, which is none/],
      ['another build', { body: { number: 5, timestamp: 1, building: true } }, /build 5 for build 1/],
    ];
    for (const [name, reply, message] of answers)
      it(`${name} for a build`, async () => {
        const id = await on.begin();
        on.jenkins.fault = ({ path }) => (path.endsWith('/1/api/json') ? { reply } : undefined);
        assert.match(failureOf(await on.engine.read(id, never)).message, message);
      });

    const stages: readonly [string, unknown, RegExp][] = [
      ['no stages', {}, /no stages for build 1/],
      ['a stage without a name', { stages: [{ id: '6' }] }, /without an id or a name/],
      ['an unknown state', { stages: [{ id: '6', name: 'build', status: 'GREAT' }] }, /“build” is GREAT/],
      ['an id that would lead elsewhere', { stages: [{ id: '../../6', name: 'build', status: 'SUCCESS' }] }, /without an id/],
    ];
    for (const [name, body, message] of stages)
      it(`${name} for the stages`, async () => {
        const id = await on.begin();
        on.jenkins.fault = ({ path }) => (path.endsWith('/wfapi/describe') ? { reply: { body } } : undefined);
        assert.match(failureOf(await on.engine.read(id, never)).message, message);
      });

    it('another address that a person should be led to for going on', async () => {
      const id = await on.begin();
      const run = valueOf(await on.engine.read(id, never));
      const body = [{ id: 'X', message: 'Go?', proceedUrl: 'https://evil.example/input/X/proceedEmpty' }];
      on.jenkins.fault = ({ path }) => (path.endsWith('/pendingInputActions') ? { reply: { body } } : undefined);
      assert.match(failureOf(await on.engine.approve(run, 'Go?', never)).message, /another place/);
    });

    it('a name that is no run', async () => {
      assert.equal(failureOf(await on.engine.read('../../evil', never)).gone, true);
      assert.equal(on.jenkins.asked.length, 0);
    });
  });

  it('keeps no record of deployments', async () => {
    assert.deepEqual(valueOf(await on.engine.deployments(never)), []);
    assert.ok(!('reportDeployment' in on.engine));
  });
});
