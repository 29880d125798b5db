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

describe('what is said over a compose file', () => {
  const shop = (more = '') => `services:\n  shop:\n    build: .\n${more}`;

  it('publishes a port for this machine alone, where the file publishes none', () => {
    assert.deepEqual(override(shop(), { port: 80, publish: '127.0.0.1:20080' }).services['shop']?.ports, ['127.0.0.1:20080:80']);
    assert.equal(override(shop(), { port: 80 }).services['shop']?.ports, undefined);
  });

  it('joins the network of the environment under the name of the service, and leaves none', () => {
    const joined = (more: string) => override(shop(more)).services['shop']?.networks;
    const own = { 'deliver-staging': { aliases: ['shop'] } };
    assert.deepEqual(joined(''), own);
    assert.deepEqual(joined('    depends_on: [db]\n'), { default: null, ...own });
    assert.deepEqual(joined('    networks: [back]\n'), { back: null, ...own });
    assert.equal(joined('    network_mode: host\n'), undefined);
  });

  it('keeps a fixed container name out of the way of others, and known in its network', () => {
    const { services } = override(shop('  db:\n    image: db\n    container_name: postgres\n'));
    assert.deepEqual(services['db'], { container_name: 'deliver_staging_shop_postgres', networks: { default: { aliases: ['postgres'] } } });
  });

  it('tells the container what it is, and changes no variable that the file sets', () => {
    const variables = { DELIVERY_COMMIT: 'abc', STOCK_URL: 'http://stock:80' };
    const file = shop('    environment: ["STOCK_URL=http://elsewhere"]\n');
    assert.deepEqual(override(file, { variables }).services['shop']?.environment, { DELIVERY_COMMIT: 'abc' });
  });

  it('is read by compose as it was meant: nothing in it is a variable, or breaks a reader of YAML', () => {
    const label = override(shop()).services['shop']?.labels?.['dev.deliver.release'] ?? '';
    assert.match(label, /Costs \$\$5/);
    assert.equal(releaseFrom(label.replaceAll('$$', '$'))?.subject, 'Costs $5\u0007');
  });

  it('has the version of the file that it is merged with', () => {
    assert.equal(override(shop(), { version: '3.8' }).version, '3.8');
    assert.equal('version' in override(shop()), false);
  });

  it('bounds the log where the engine would keep all of it', () => {
    const logging = (file: string, logDriver: string) => override(file, { logDriver }).services['shop']?.logging?.driver;
    assert.equal(logging(shop(), 'json-file'), 'json-file');
    assert.equal(logging(shop(), 'journald'), undefined);
    assert.equal(logging(shop('    logging: {driver: none}\n'), 'json-file'), undefined);
  });
});
