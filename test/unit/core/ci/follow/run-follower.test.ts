import * as assert from 'node:assert/strict';
import type { CiFailure } from '../../../../../src/core/ci/ci-client';
import { FollowedHere, job, passed, skipped } from '../../../../support/ci/followed-here';

describe('the end of a followed run', () => {
  const here = new FollowedHere();

  it('is recorded when all its steps have ended', async () => {
    here.tells('failed', job('build', 'failed'), skipped('stage'), skipped('accept'));
    assert.ok((await here.look()).isOver);
    assert.equal(here.state().outcome, 'failed');
    assert.deepEqual(here.steps(), ['build failed', 'stage skipped', 'accept skipped']);
  });

  const gone: CiFailure = { state: 'failed', reason: 'answer', status: 404, message: 'there is no run 7', gone: true };

  it('is not recorded for a missing run that was started a moment ago', async () => {
    here.service.fails = gone;
    const look = await here.look();
    assert.deepEqual([look.isOver, look.failure?.message, look.failure?.gone], [false, 'there is no run 7', undefined]);
    here.service.fails = undefined;
    here.tells('passed', ...passed('build', 'stage', 'accept'));
    assert.ok((await here.look()).isOver);
    assert.equal(here.state().outcome, 'passed');
  });

  it('is an interruption when a new run stays missing', async () => {
    here.service.fails = gone;
    await here.look();
    assert.ok(!(await here.look(20_000)).isOver);
    assert.ok((await here.look(10_000)).isOver);
    assert.equal(here.state().outcome, 'interrupted');
  });

  it('is an interruption when a known run is missing', async () => {
    here.tells('running', job('build', 'running'));
    await here.look();
    here.service.fails = gone;
    assert.ok((await here.look()).isOver);
    assert.equal(here.state().outcome, 'interrupted');
    assert.equal(here.state().reason, 'the run no longer exists: there is no run 7');
  });

  it('waits for its jobs, at most a minute, which is reported', async () => {
    here.tells('passed', job('build', 'passed'), job('stage', 'running'), ...passed('accept'));
    for (let look = 0; look < 6; look++) assert.ok(!(await here.look(10_000)).isOver);
    await here.look(10_000);
    assert.equal(here.state().outcome, 'passed');
    assert.equal(here.step('stage').state, 'interrupted');
    assert.deepEqual(here.state().notices, ['the run has ended, but the result of stage is unknown']);
  });

  it('does not count the time in which polling was impossible', async () => {
    here.tells('passed', job('build', 'passed'), job('stage', 'running'), ...passed('accept'));
    await here.look();
    assert.ok(!(await here.look(3_600_000)).isOver);
    here.tells('passed', ...passed('build', 'stage', 'accept'));
    assert.ok((await here.look()).isOver);
    assert.deepEqual(here.state().notices, []);
  });

  it('waits for an answer that is no older', async () => {
    here.tells('failed', job('build', 'passed'), job('whole run', 'failed'));
    await here.look();
    assert.equal(here.state().outcome, 'running');
    here.tells('failed', job('build', 'passed'), job('stage', 'failed'), skipped('accept'));
    await here.look();
    assert.deepEqual(here.steps(), ['build passed', 'stage failed', 'accept skipped']);
  });

  it('ignores steps without jobs after some seconds', async () => {
    here.tells('failed', job('build', 'failed'));
    await here.look();
    assert.equal(here.state().outcome, 'running');
    await here.look(10_000);
    assert.deepEqual(here.steps(), ['build failed', 'stage skipped', 'accept skipped']);
    assert.deepEqual(here.state().notices, []);
  });
});

describe('a run that another process follows', () => {
  const here = new FollowedHere();

  it('continues where its log stopped', async () => {
    here.service.prints('build', 'one\ntw');
    here.tells('running', job('build', 'running'));
    await here.look();
    here.killed();
    here.service.prints('build', 'o\nthree\n');
    await here.look();
    assert.equal(here.log('build'), 'one\ntwo\nthree\n');
    assert.equal(here.of('step-started').length, 1);
  });

  it('continues inside a mark of the CI service', async () => {
    here.service.prints('build', 'one\n[MA');
    here.tells('running', job('build', 'running'));
    await here.look();
    here.leaves();
    here.service.prints('build', 'RK]two\n');
    await here.look();
    assert.equal(here.log('build'), 'one\ntwo\n');
  });

  it('records nothing again that had ended', async () => {
    here.tells('running', job('build', 'passed'));
    await here.look();
    here.killed();
    await here.look();
    assert.equal(here.of('step-finished').length, 1);
    assert.deepEqual(here.reported, ['build passed']);
  });

  it('records the problems of a step once after an exit between them', async () => {
    here.tells('running', job('build', 'failed'));
    here.diesBefore('step-finished');
    await assert.rejects(here.look());
    here.killed();
    await here.look();
    assert.deepEqual(
      here.step('build').problems.map(({ message }) => message),
      ['build failed'],
    );
  });
});
