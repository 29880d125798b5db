import * as assert from 'node:assert/strict';
import type { CiFailure } from '../../../../../src/core/ci/ci-client';
import { FollowedHere, job, passed, skipped } from '../../../../support/ci/followed-here';

describe('A run on a CI service ends', () => {
  const here = new FollowedHere();

  it('as the service says, when all its steps have', async () => {
    here.tells('failed', job('build', 'failed'), skipped('stage'), skipped('accept'));
    assert.ok((await here.look()).isOver);
    assert.equal(here.state().outcome, 'failed');
    assert.deepEqual(here.steps(), ['build failed', 'stage skipped', 'accept skipped']);
  });

  const gone: CiFailure = { state: 'failed', reason: 'answer', status: 404, message: 'there is no run 7', gone: true };

  it('not where it is not there yet, because it was begun a moment ago', async () => {
    here.service.fails = gone;
    const look = await here.look();
    assert.deepEqual([look.isOver, look.failure?.message, look.failure?.gone], [false, 'there is no run 7', undefined]);
    here.service.fails = undefined;
    here.tells('passed', ...passed('build', 'stage', 'accept'));
    assert.ok((await here.look()).isOver);
    assert.equal(here.state().outcome, 'passed');
  });

  it('as interrupted where it does not come', async () => {
    here.service.fails = gone;
    await here.look();
    assert.ok(!(await here.look(20_000)).isOver);
    assert.ok((await here.look(10_000)).isOver);
    assert.equal(here.state().outcome, 'interrupted');
  });

  it('as interrupted where it is not there any more', async () => {
    here.tells('running', job('build', 'running'));
    await here.look();
    here.service.fails = gone;
    assert.ok((await here.look()).isOver);
    assert.equal(here.state().outcome, 'interrupted');
    assert.equal(here.state().reason, 'the run is not there any more: there is no run 7');
  });

  it('not before its jobs have, and after a minute all the same, and that is said', async () => {
    here.tells('passed', job('build', 'passed'), job('stage', 'running'), ...passed('accept'));
    for (let look = 0; look < 6; look++) assert.ok(!(await here.look(10_000)).isOver);
    await here.look(10_000);
    assert.equal(here.state().outcome, 'passed');
    assert.equal(here.step('stage').state, 'interrupted');
    assert.deepEqual(here.state().notices, ['the run has ended, and nothing tells how stage did']);
  });

  it('not by the time for which it could not be looked at', async () => {
    here.tells('passed', job('build', 'passed'), job('stage', 'running'), ...passed('accept'));
    await here.look();
    assert.ok(!(await here.look(3_600_000)).isOver);
    here.tells('passed', ...passed('build', 'stage', 'accept'));
    assert.ok((await here.look()).isOver);
    assert.deepEqual(here.state().notices, []);
  });

  it('not before an answer comes that is no older than its end', async () => {
    here.tells('failed', job('build', 'passed'), job('whole run', 'failed'));
    await here.look();
    assert.equal(here.state().outcome, 'running');
    here.tells('failed', job('build', 'passed'), job('stage', 'failed'), skipped('accept'));
    await here.look();
    assert.deepEqual(here.steps(), ['build passed', 'stage failed', 'accept skipped']);
  });

  it('without the steps that no job tells of, some seconds later', async () => {
    here.tells('failed', job('build', 'failed'));
    await here.look();
    assert.equal(here.state().outcome, 'running');
    await here.look(10_000);
    assert.deepEqual(here.steps(), ['build failed', 'stage skipped', 'accept skipped']);
    assert.deepEqual(here.state().notices, []);
  });
});

describe('A run on a CI service is followed again', () => {
  const here = new FollowedHere();

  it('from where its log stopped', async () => {
    here.service.prints('build', 'one\ntw');
    here.tells('running', job('build', 'running'));
    await here.look();
    here.killed();
    here.service.prints('build', 'o\nthree\n');
    await here.look();
    assert.equal(here.log('build'), 'one\ntwo\nthree\n');
    assert.equal(here.of('step-started').length, 1);
  });

  it('also where the engine’s own marks broke off', async () => {
    here.service.prints('build', 'one\n[MA');
    here.tells('running', job('build', 'running'));
    await here.look();
    here.leaves();
    here.service.prints('build', 'RK]two\n');
    await here.look();
    assert.equal(here.log('build'), 'one\ntwo\n');
  });

  it('and tells nothing of what had ended', async () => {
    here.tells('running', job('build', 'passed'));
    await here.look();
    here.killed();
    await here.look();
    assert.equal(here.of('step-finished').length, 1);
    assert.deepEqual(here.reported, ['build passed']);
  });

  it('with the problems of a step once, where some of them were told', async () => {
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
