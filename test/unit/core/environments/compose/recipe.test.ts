import * as assert from 'node:assert/strict';
import { createOverride, type OverrideOptions } from '../../../../../src/core/environments/compose/recipe';
import { readConfig } from '../../../../../src/core/environments/compose/config';
import { releaseFrom } from '../../../../../src/core/environments/platform';

const release = {
  id: 'run-1',
  commit: 'c'.repeat(40),
  tree: 't'.repeat(40),
  deployedAt: '2026-01-01T00:00:00Z',
  subject: 'Costs $5\u0007',
};

function override(compose: string, more: Partial<OverrideOptions> = {}) {
  const config = readConfig(compose, '/slot');
  const [target] = config.services;
  assert.ok(target);
  return createOverride({ environment: 'staging', service: 'shop', release, config, target, variables: {}, ...more });
}

describe('the override of a compose file', () => {
  const shop = (more = '') => `services:\n  shop:\n    build: .\n${more}`;

  it('publishes a port to this machine only, unless the file publishes it', () => {
    assert.deepEqual(override(shop(), { port: 80, publish: '127.0.0.1:20080' }).services['shop']?.ports, ['127.0.0.1:20080:80']);
    assert.equal(override(shop(), { port: 80 }).services['shop']?.ports, undefined);
  });

  it("joins the environment's network under the service's name and leaves no other network", () => {
    const joined = (more: string) => override(shop(more)).services['shop']?.networks;
    const joinedNetwork = { 'deliver-staging': { aliases: ['shop'] } };
    assert.deepEqual(joined(''), joinedNetwork);
    assert.deepEqual(joined('    depends_on: [db]\n'), { default: null, ...joinedNetwork });
    assert.deepEqual(joined('    networks: [back]\n'), { back: null, ...joinedNetwork });
    assert.equal(joined('    network_mode: host\n'), undefined);
  });

  it('prefixes a fixed container name and keeps it as an alias', () => {
    const { services } = override(shop('  db:\n    image: db\n    container_name: postgres\n'));
    assert.deepEqual(services['db'], { container_name: 'deliver_staging_shop_postgres', networks: { default: { aliases: ['postgres'] } } });
  });

  it('identifies the release to the container and keeps the variables of the file', () => {
    const variables = { DELIVERY_COMMIT: 'abc', STOCK_URL: 'http://stock:80' };
    const file = shop('    environment: ["STOCK_URL=http://elsewhere"]\n');
    assert.deepEqual(override(file, { variables }).services['shop']?.environment, { DELIVERY_COMMIT: 'abc' });
  });

  it('escapes variables and control characters', () => {
    const label = override(shop()).services['shop']?.labels?.['dev.deliver.release'] ?? '';
    assert.match(label, /Costs \$\$5/);
    assert.equal(releaseFrom(label.replaceAll('$$', '$'))?.subject, 'Costs $5\u0007');
  });

  it('has the version of the file that it overrides', () => {
    assert.equal(override(shop(), { version: '3.8' }).version, '3.8');
    assert.equal('version' in override(shop()), false);
  });

  it('limits the log if the engine keeps all of it', () => {
    const logging = (file: string, logDriver: string) => override(file, { logDriver }).services['shop']?.logging?.driver;
    assert.equal(logging(shop(), 'json-file'), 'json-file');
    assert.equal(logging(shop(), 'journald'), undefined);
    assert.equal(logging(shop('    logging: {driver: none}\n'), 'json-file'), undefined);
  });
});
