import * as assert from 'node:assert/strict';
import { FollowedHere, job, lost, passed, skipped } from '../../../../support/ci/followed-here';

describe('a followed run with a retried step', () => {
  const here = new FollowedHere();

  it('keeps both attempts in one log with a separator, and marks a passed one as flaky', async () => {
    here.tells('running', job('build', 'running', { id: '1' }));
    here.service.prints('1', 'first\n');
    await here.look();
    here.service.prints('1', 'first broke');
    here.tells('running', job('build', 'running', { id: '2', attempt: 2 }));
    here.service.prints('2', 'second\n');
    await here.look();
    here.tells('passed', job('build', 'passed', { id: '2', attempt: 2 }), ...passed('stage', 'accept'));
    assert.ok((await here.look()).isOver);
    assert.equal(here.log('build'), 'first\nfirst broke\n--- attempt 1 failed ---\nsecond\n');
    assert.equal(here.step('build').state, 'passed');
    assert.equal(here.step('build').flaky, true);
  });

  it('reads all of the first attempt when none of it was read before', async () => {
    here.tells('running', job('build', 'running', { id: '1' }));
    await here.look();
    here.service.prints('1', 'first');
    here.tells('running', job('build', 'running', { id: '2', attempt: 2 }));
    here.service.prints('2', 'second');
    await here.look();
    assert.equal(here.log('build'), 'first\n--- attempt 1 failed ---\nsecond');
  });

  it('reads all of the first attempt when an outdated answer came in between', async () => {
    here.tells('running', job('build', 'running', { id: '1' }));
    await here.look();
    here.tells('running', job('build', 'waiting', { id: '1' }));
    await here.look();
    here.service.prints('1', 'first');
    here.tells('running', job('build', 'waiting', { id: '2', attempt: 2 }));
    await here.look();
    assert.equal(here.log('build'), 'first');
  });

  it('keeps both attempts when the first one was complete', async () => {
    here.service.prints('1', 'first');
    here.tells('running', job('build', 'failed', { id: '1' }));
    await here.look();
    here.service.prints('2', 'second');
    here.tells('running', job('build', 'passed', { id: '2', attempt: 2 }));
    await here.look();
    assert.equal(here.log('build'), 'first\n--- attempt 1 failed ---\nsecond');
    assert.equal(here.step('build').state, 'passed');
  });

  it('loses no byte when the process is killed between the attempts or in the second one', async () => {
    here.service.prints('1', 'a first that is longer\n');
    here.tells('running', job('build', 'running', { id: '1' }));
    await here.look();
    here.killed();
    here.service.prints('2', 'second\n');
    here.tells('running', job('build', 'running', { id: '2', attempt: 2 }));
    await here.look();
    here.killed();
    here.service.prints('2', 'and its end\n');
    here.tells('running', job('build', 'passed', { id: '2', attempt: 2 }));
    await here.look();
    assert.equal(here.log('build'), 'a first that is longer\n\n--- attempt 1 failed ---\nsecond\nand its end\n');
  });

  it('does not return to the first attempt after an outdated answer', async () => {
    here.tells('running', job('build', 'running', { id: '2', attempt: 2 }));
    await here.look();
    here.tells('running', job('build', 'failed', { id: '1' }));
    await here.look();
    assert.equal(here.step('build').state, 'running');
    assert.equal(here.step('build').attempt, 2);
  });

  it('runs a step that was skipped in the first attempt', async () => {
    here.tells('running', job('build', 'failed', { id: '1' }), skipped('stage'));
    await here.look();
    here.tells('running', job('build', 'passed', { id: '2', attempt: 2 }), job('stage', 'running'));
    await here.look();
    assert.equal(here.step('stage').state, 'running');
  });
});

describe('a followed run with a missing log', () => {
  const here = new FollowedHere();

  beforeEach(() => {
    here.service.logs = { state: 'failed', reason: 'answer', status: 404, message: 'there is no log', gone: true };
    here.tells('running', job('build', 'passed'));
  });

  it('waits for the log before it ends the step', async () => {
    for (let look = 0; look < 5; look++) await here.look();
    assert.equal(here.step('build').state, 'running');
    here.service.logs = undefined;
    here.service.prints('build', 'late\n');
    await here.look();
    assert.equal(here.step('build').state, 'passed');
    assert.equal(here.log('build'), 'late\n');
    assert.deepEqual(here.state().notices, []);
  });

  it('gives the log up after a minute, and reports it', async () => {
    for (let look = 0; look < 8; look++) await here.look(10_000);
    assert.equal(here.step('build').state, 'passed');
    assert.deepEqual(here.state().notices, ['the log of build could not be read to its end: there is no log']);
  });

  it('does not give up because the machine slept', async () => {
    for (let look = 0; look < 3; look++) await here.look(5 * 3_600_000);
    assert.equal(here.step('build').state, 'running');
    assert.deepEqual(here.state().notices, []);
  });

  it('waits without limit while the rate limit is reached', async () => {
    here.service.logs = { state: 'failed', reason: 'limit', message: 'asked too often' };
    for (let look = 0; look < 100; look++) await here.look(15_000);
    assert.equal(here.step('build').state, 'running');
  });

  it('waits for five minutes while the CI service is unreachable', async () => {
    here.service.logs = lost;
    for (let look = 0; look < 20; look++) await here.look(15_000);
    assert.equal(here.step('build').state, 'running');
    for (let look = 0; look < 2; look++) await here.look(15_000);
    assert.equal(here.step('build').state, 'passed');
  });
});
