import * as assert from 'node:assert/strict';
import { readEnvironments } from '../../../../src/core/environments/environments';
import { RecordedEnvironment } from '../../../../src/core/environments/recorded/recorded-environment';
import { ServiceRecords } from '../../../../src/core/environments/recorded/service-record';
import { temporaryFolder } from '../../../support/temporary';

describe('an environment that Deliver does not run itself', () => {
  const folder = temporaryFolder();

  it('is not shown while nothing is live and nothing was deployed, although delivery.yaml defines it', async () => {
    const records = new ServiceRecords(folder.path, 'staging');
    const definition = { kind: 'command', watchMs: 0, settings: { deploy: 'true', timeoutMs: 1000, env: {} } };
    const staging = new RecordedEnvironment(records, 'command', new Map([['shop', definition]]));
    records.writeObservation({ kind: 'command', services: [{ service: 'shop', state: 'healthy', url: '' }] });
    assert.deepEqual(await staging.observe(new AbortController().signal), { ok: true, value: undefined });
    assert.deepEqual(readEnvironments(folder.path), []);
  });
});
