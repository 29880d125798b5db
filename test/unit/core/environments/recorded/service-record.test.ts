import * as assert from 'node:assert/strict';
import { recordedStatus, ServiceRecords } from '../../../../../src/core/environments/recorded/service-record';
import type { Release } from '../../../../../src/core/model/events';
import { temporaryFolder } from '../../../../support/temporary';

describe('the state of a service that its environment does not report', () => {
  const folder = temporaryFolder();
  const release: Release = { id: 'r', commit: 'c'.repeat(40), tree: 't', deployedAt: '2026-11-24T09:00:00.000Z' };
  const stateAfter = (unknownAt: string): (string | undefined)[] => {
    const records = new ServiceRecords(folder.path, 'staging');
    const definition = { kind: 'kubernetes', settings: {}, watchMs: 0 };
    const current = { release, slot: '', folder: '', secrets: [], details: {} };
    records.write({ service: 'shop', definition, url: '', current, earlier: [] });
    records.writeObservation({
      kind: 'kubernetes',
      at: '2026-11-24T10:00:00.000Z',
      services: [{ service: 'shop', state: 'healthy', url: '', release }],
      failure: 'the cluster is unreachable',
      unknown: { at: unknownAt, reasons: { shop: 'the cluster is unreachable' } },
    });
    const [shop] = recordedStatus(records);
    return [shop?.state, shop?.reason];
  };

  it('is unknown, with the reason', () => {
    assert.deepEqual(stateAfter('2026-11-24T11:00:00.000Z'), ['unknown', 'the cluster is unreachable']);
  });

  it('is known if a later deployment has seen it', () => {
    assert.deepEqual(stateAfter('2026-11-24T08:00:00.000Z'), ['healthy', undefined]);
  });
});
