import * as assert from 'node:assert/strict';
import { FollowedHere, job, lost, passed, skipped } from '../../../../support/ci/followed-here';

describe('A run on a CI service is told step by step', () => {
  const here = new FollowedHere();

  it('with its log as it grows, and its end when the whole log is there', async () => {
    here.tells('running', job('build', 'running'));
    here.service.prints('build', 'one\n');
    await here.look();
    assert.equal(here.log('build'), 'one\n');
    assert.equal(here.step('build').state, 'running');
    here.service.prints('build', 'two');
    here.tells('running', job('build', 'passed'));
    await here.look();
    assert.equal(here.log('build'), 'one\ntwo');
    assert.equal(here.step('build').state, 'passed');
  });

  it('as kept in the cache where an earlier attempt had passed it', async () => {
    here.tells('running', job('build', 'kept'));
    await here.look();
    assert.equal(here.step('build').state, 'cached');
    assert.equal(here.step('build').reason, 'it passed in an earlier attempt');
  });

  it('with why it waits and who has to let it go on, once', async () => {
    const waits = job('stage', 'waiting', { reason: 'waits for a person', approval: 'staging', hasLog: false });
    here.tells('running', waits);
    for (let look = 0; look < 3; look++) await here.look();
    assert.deepEqual(here.of('step-waits'), [{ type: 'step-waits', step: 'stage', reason: 'waits for a person', approval: 'staging' }]);
    here.tells('running', { ...waits, reason: 'waits for a machine' });
    await here.look();
    assert.equal(here.step('stage').reason, 'waits for a machine');
    here.tells('running', job('stage', 'running'));
    await here.look();
    assert.equal(here.step('stage').reason, undefined);
    assert.equal(here.step('stage').approval, undefined);
  });

  it('also where a job is none of its steps', async () => {
    here.tells('running', job('sweep', 'running'));
    await here.look();
    assert.deepEqual(here.steps(), ['build waiting', 'stage waiting', 'accept waiting', 'sweep running']);
  });

  it('no more than once, though each look tells all of it', async () => {
    here.tells('running', job('build', 'failed'));
    for (let look = 0; look < 3; look++) await here.look();
    assert.equal(here.of('step-finished').length, 1);
    assert.deepEqual(here.reported, ['build failed']);
  });

  it('and an answer that is older than one before changes nothing', async () => {
    here.tells('running', job('build', 'failed'));
    await here.look();
    here.tells('running', job('build', 'running'));
    await here.look();
    here.tells('waiting', job('build', 'waiting'));
    await here.look();
    assert.equal(here.step('build').state, 'failed');
  });

  it('and one that it was skipped does not, either, when it runs after all', async () => {
    here.tells('running', skipped('stage'));
    await here.look();
    here.tells('running', job('stage', 'running'));
    await here.look();
    here.tells('running', skipped('stage'));
    await here.look();
    assert.equal(here.step('stage').state, 'running');
  });

  it('as skipped, where that shows only after it was entered', async () => {
    here.tells('running', job('stage', 'running'));
    await here.look();
    here.tells('running', skipped('stage'));
    await here.look();
    assert.equal(here.step('stage').state, 'skipped');
  });

  it('not at all where it cannot be asked', async () => {
    here.service.fails = lost;
    assert.deepEqual((await here.look()).failure, lost);
    assert.deepEqual(here.steps(), ['build waiting', 'stage waiting', 'accept waiting']);
  });
});

describe('A run on a CI service deploys', () => {
  const here = new FollowedHere();

  const release = { id: 'there', commit: 'a'.repeat(40), tree: 'b'.repeat(40), deployedAt: '2026-11-24T10:00:00.000Z' };
  const deployed = { type: 'deployed', environment: 'staging', service: 'shop', url: 'https://staging.example.com', release };
  const verified = { type: 'verified', environment: 'staging', step: 'accept' };
  const back = { type: 'rolled-back', environment: 'staging', from: release, to: { ...release, id: 'before' }, reason: 'it failed' };
  const line = (event: object): string => `@deliver ${JSON.stringify(event)}\n`;

  it('and verifies as the logs of the steps tell that are there for it', async () => {
    here.service.prints('stage', `some output\n${line(deployed)}more\n`);
    here.service.prints('accept', line(verified));
    here.tells('running', ...passed('stage', 'accept'));
    await here.look();
    const [deployment] = here.state().deployments;
    assert.equal(deployment?.url, 'https://staging.example.com');
    assert.equal(deployment.release.id, 'run');
    assert.equal(deployment.state, 'verified');
  });

  it('and takes back what a step that verifies failed for', async () => {
    here.service.prints('stage', line(deployed));
    here.service.prints('accept', line(back));
    here.tells('running', ...passed('stage'), job('accept', 'failed'));
    await here.look();
    const [deployment] = here.state().deployments;
    assert.equal(deployment?.state, 'rolled-back');
    assert.equal(deployment.takenBack?.reason, 'it failed');
    assert.equal(deployment.takenBack.to?.id, 'before');
  });

  it('and nothing is taken from other steps, of other environments and services, or of what is no event', async () => {
    here.service.prints('build', line(deployed) + line(verified) + line(back));
    here.service.prints('accept', line(deployed) + line({ ...back, environment: 'production' }));
    here.service.prints(
      'stage',
      [
        { ...deployed, environment: 'production' },
        { ...deployed, service: 'till' },
        { ...deployed, release: { ...release, commit: 'x' } },
      ]
        .map(line)
        .join('') + '@deliver {"type":"deployed",\n@deliver null\n',
    );
    here.tells('running', ...passed('build', 'stage', 'accept'));
    await here.look();
    assert.deepEqual(here.state().deployments, []);
    assert.deepEqual([here.of('deployed'), here.of('verified'), here.of('rolled-back')], [[], [], []]);
  });

  it('no address that is none of the web', async () => {
    here.service.prints('stage', line({ ...deployed, url: 'javascript:alert(1)' }));
    here.tells('running', ...passed('stage'));
    await here.look();
    assert.equal(here.state().deployments[0]?.url, '');
  });

  it('once, where the process that told it was killed before it told the end of the step', async () => {
    here.service.prints('stage', line(deployed) + line(back));
    here.tells('running', ...passed('stage'));
    here.diesBefore('step-finished');
    await assert.rejects(here.look());
    here.killed();
    await here.look();
    assert.equal(here.step('stage').state, 'passed');
    assert.equal(here.of('deployed').length, 1);
    assert.equal(here.of('rolled-back').length, 1);
  });
});
