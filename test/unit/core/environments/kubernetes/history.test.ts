import * as assert from 'node:assert/strict';
import { historyOf, liveRevision, revisionWith } from '../../../../../src/core/environments/kubernetes/history';
import type { Revision, Workload } from '../../../../../src/core/environments/kubernetes/objects';
import { releaseLabel } from '../../../../../src/core/environments/platform';
import type { Release } from '../../../../../src/core/model/events';

const release = (id: string): Release => ({ id, commit: id.repeat(40), tree: 't', deployedAt: '2026-11-24T09:00:00Z' });
const template = (id: string) => ({ metadata: { annotations: { 'deliver/release': releaseLabel(release(id)) } } });
const workload = (live: string, kind = 'Deployment'): Workload => ({
  kind,
  metadata: { name: 'shop', uid: 'u' },
  spec: { template: template(live) },
});
const replicaSet = (revision: number, id: string, owner = 'u'): Revision => ({
  kind: 'ReplicaSet',
  metadata: {
    name: `shop-${id}`,
    annotations: { 'deployment.kubernetes.io/revision': String(revision) },
    ownerReferences: [{ uid: owner }],
  },
  spec: { template: template(id) },
});

describe('the history of a workload', () => {
  it('lists its own revisions with their releases, newest first', () => {
    const history = historyOf(workload('b'), [replicaSet(1, 'a'), replicaSet(2, 'b'), replicaSet(7, 'x', 'another')]);
    assert.deepEqual(
      history.map(({ revision, release: one }) => `${revision} ${one?.id}`),
      ['2 b', '1 a'],
    );
  });

  it('reads the controller revisions of stateful and daemon sets', () => {
    const revision: Revision = {
      kind: 'ControllerRevision',
      metadata: { name: 'shop-1', ownerReferences: [{ uid: 'u' }] },
      revision: 3,
      data: { spec: { template: template('a') } },
    };
    assert.deepEqual(historyOf(workload('a', 'StatefulSet'), [revision]), [{ revision: 3, release: release('a') }]);
  });

  it('finds the live revision even if it is not the newest', () => {
    const history = historyOf(workload('a'), [replicaSet(1, 'a'), replicaSet(2, 'b')]);
    assert.equal(liveRevision(history, workload('a')), 1);
  });

  it('lists the kept releases if one is missing', () => {
    const found = revisionWith(historyOf(workload('b'), [replicaSet(1, 'a'), replicaSet(2, 'b')]), release('c'));
    assert.ok(!found.ok);
    assert.equal(found.failure.message, 'the cluster no longer keeps ccccccc');
    assert.match(found.failure.hint ?? '', /it keeps bbbbbbb, aaaaaaa/);
  });
});
