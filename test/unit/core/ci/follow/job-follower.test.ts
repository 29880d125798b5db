import * as assert from 'node:assert/strict';
import { FollowedHere, job, lost, passed, skipped } from '../../../../support/ci/followed-here';

describe('a followed run', () => {
  const here = new FollowedHere();

  it('records a growing log, and ends a step when its log is complete', async () => {
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

  it('records a step as cached if it passed in an earlier attempt', async () => {
    here.tells('running', job('build', 'kept'));
    await here.look();
    assert.equal(here.step('build').state, 'cached');
    assert.equal(here.step('build').reason, 'it passed in an earlier attempt');
  });

  it('records once why a step waits and for which approval', async () => {
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

  it('records a job that is not a step', async () => {
    here.tells('running', job('sweep', 'running'));
    await here.look();
    assert.deepEqual(here.steps(), ['build waiting', 'stage waiting', 'accept waiting', 'sweep running']);
  });

  it('records each event once', async () => {
    here.tells('running', job('build', 'failed'));
    for (let look = 0; look < 3; look++) await here.look();
    assert.equal(here.of('step-finished').length, 1);
    assert.deepEqual(here.reported, ['build failed']);
  });

  it('ignores an outdated answer', async () => {
    here.tells('running', job('build', 'failed'));
    await here.look();
    here.tells('running', job('build', 'running'));
    await here.look();
    here.tells('waiting', job('build', 'waiting'));
    await here.look();
    assert.equal(here.step('build').state, 'failed');
  });

  it('ignores an outdated skip of a step that runs later', async () => {
    here.tells('running', skipped('stage'));
    await here.look();
    here.tells('running', job('stage', 'running'));
    await here.look();
    here.tells('running', skipped('stage'));
    await here.look();
    assert.equal(here.step('stage').state, 'running');
  });

  it('records a skip that shows only after the start', async () => {
    here.tells('running', job('stage', 'running'));
    await here.look();
    here.tells('running', skipped('stage'));
    await here.look();
    assert.equal(here.step('stage').state, 'skipped');
  });

  it('records nothing while the CI service is unreachable', async () => {
    here.service.fails = lost;
    assert.deepEqual((await here.look()).failure, lost);
    assert.deepEqual(here.steps(), ['build waiting', 'stage waiting', 'accept waiting']);
  });
});

describe('a followed run that deploys', () => {
  const here = new FollowedHere();

  const release = { id: 'there', commit: 'a'.repeat(40), tree: 'b'.repeat(40), deployedAt: '2026-11-24T10:00:00.000Z' };
  const deployed = { type: 'deployed', environment: 'staging', service: 'shop', url: 'https://staging.example.com', release };
  const verified = { type: 'verified', environment: 'staging', step: 'accept' };
  const back = { type: 'rolled-back', environment: 'staging', from: release, to: { ...release, id: 'before' }, reason: 'it failed' };
  const line = (event: object): string => `@deliver ${JSON.stringify(event)}\n`;

  it('records deployments and verifications from the logs of their steps', async () => {
    here.service.prints('stage', `some output\n${line(deployed)}more\n`);
    here.service.prints('accept', line(verified));
    here.tells('running', ...passed('stage', 'accept'));
    await here.look();
    const [deployment] = here.state().deployments;
    assert.equal(deployment?.url, 'https://staging.example.com');
    assert.equal(deployment.release.id, 'run');
    assert.equal(deployment.state, 'verified');
  });

  it('records the rollback of a failed verification', async () => {
    here.service.prints('stage', line(deployed));
    here.service.prints('accept', line(back));
    here.tells('running', ...passed('stage'), job('accept', 'failed'));
    await here.look();
    const [deployment] = here.state().deployments;
    assert.equal(deployment?.state, 'rolled-back');
    assert.equal(deployment.takenBack?.reason, 'it failed');
    assert.equal(deployment.takenBack.to?.id, 'before');
  });

  it('ignores events of other steps, environments and services', async () => {
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

  it('drops an address that is not a web address', async () => {
    here.service.prints('stage', line({ ...deployed, url: 'javascript:alert(1)' }));
    here.tells('running', ...passed('stage'));
    await here.look();
    assert.equal(here.state().deployments[0]?.url, '');
  });

  it('records an event once when the process was killed before the end of the step', async () => {
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
