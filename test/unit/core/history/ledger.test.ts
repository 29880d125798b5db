import * as assert from 'node:assert/strict';
import { deliveriesOf, liveAt } from '../../../../src/core/history/ledger';
import type { Deployment, RunState } from '../../../../src/core/model/run-state';

const run = (id: string, ...deployments: [environment: string, at: string, state?: Deployment['state']][]): RunState => ({
  id,
  service: 'shop',
  outcome: 'passed',
  change: { commit: id.repeat(40), tree: 't', subject: id, dirty: false },
  startedAt: '2026-11-23T08:00:00Z',
  finishedAt: '2026-11-23T20:00:00Z',
  runner: { pid: 1, startedAt: '' },
  folder: '',
  steps: [],
  notices: [],
  deployments: deployments.map(([environment, deployedAt, state = 'verified']) => ({
    environment,
    service: 'shop',
    url: '',
    release: { id, commit: id.repeat(40), tree: 't', deployedAt },
    state,
  })),
});
const summary = (deliveries: ReturnType<typeof deliveriesOf>): string[] =>
  deliveries.map(({ run: id, environment, deliveredAt, endedAt }) => `${id} ${environment} ${deliveredAt}-${endedAt ?? ''}`);

describe('the ledger', () => {
  it('lists the releases of each environment, newest first', () => {
    const runs = [run('c', ['staging', '12']), run('b', ['staging', '11'], ['production', '13']), run('a', ['staging', '10'])];
    assert.deepEqual(summary(deliveriesOf(runs)), ['b production 13-', 'c staging 12-', 'b staging 11-12', 'a staging 10-11']);
  });

  it('leaves out an unverified release that was rolled back', () => {
    const runs = [run('b', ['staging', '11', 'rolled-back']), run('a', ['staging', '10'])];
    assert.deepEqual(summary(deliveriesOf(runs)), ['a staging 10-']);
  });

  it('ends a release that was rolled back later, and restarts the restored one', () => {
    const taken = run('b', ['staging', '11', 'rolled-back']);
    const to = { id: 'a', commit: 'a'.repeat(40), tree: 't', deployedAt: '10' };
    const deployments = taken.deployments.map((one) => ({
      ...one,
      takenBack: { at: '13', to, reason: 'it died', delivered: true as const },
    }));
    const runs = [{ ...taken, deployments }, run('a', ['staging', '10'])];
    assert.deepEqual(summary(deliveriesOf(runs)), ['a staging 13-', 'b staging 11-13', 'a staging 10-11']);
  });

  it('orders the runs of this machine by their begin, even if its clock was set back', () => {
    const runs = [run('c', ['staging', '11']), run('b', ['staging', '99']), run('a', ['staging', '10'])];
    assert.deepEqual(summary(deliveriesOf(runs)), ['c staging 11-', 'b staging 99-11', 'a staging 10-99']);
  });

  it('finds the releases that were live at a time', () => {
    const deliveries = deliveriesOf([run('b', ['staging', '12'], ['production', '13']), run('a', ['staging', '10'])]);
    assert.deepEqual(summary(liveAt(deliveries, '11')), ['a staging 10-12']);
    assert.deepEqual(summary(liveAt(deliveries, '14')), ['b production 13-', 'b staging 12-']);
    assert.deepEqual(liveAt(deliveries, '09'), []);
  });

  it('lists the passed runs of a pipeline that deploys nothing', () => {
    assert.deepEqual(summary(deliveriesOf([run('a')])), ['a undefined 2026-11-23T20:00:00Z-']);
    assert.deepEqual(deliveriesOf([{ ...run('a'), outcome: 'failed' }]), []);
  });
});
