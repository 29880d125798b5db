import assert from 'node:assert/strict';
import { environmentRows } from '../../../src/editor/environment-rows';
import { rowsAsText } from '../../../src/editor/row';
import { later, release } from './runs';

describe('the Environments view', () => {
  const shop = { service: 'shop', state: 'healthy' as const, url: 'http://127.0.0.1:4100', release };

  it('shows what is live, since when, and how it is', () => {
    const ill = { ...shop, service: 'cart', state: 'unhealthy' as const, reason: 'it died 3 times' };
    const environments = [{ name: 'staging', kind: 'process', running: true, services: [shop, ill] }];
    assert.equal(
      rowsAsText(environmentRows(environments, later(60_000))),
      [
        'v [server-environment] staging  cart unhealthy',
        '    [pass-filled] shop  4f2a91c · Add a cart · 1 min ago',
        '    [error] cart  unhealthy · 4f2a91c · Add a cart · 1 min ago',
        '',
      ].join('\n'),
    );
  });

  it('offers to start what is stopped', () => {
    const [row] = environmentRows(
      [{ name: 'staging', kind: 'process', running: false, services: [{ ...shop, state: 'stopped' }] }],
      later(0),
    );
    assert.equal(row?.description, 'stopped');
    assert.deepEqual(row?.traits, ['environment', 'stopped']);
    assert.deepEqual(row?.children?.[0]?.traits, ['deployed'], 'nothing answers there');
  });

  it('offers a roll back only where there is something to go back to', () => {
    const environments = [
      {
        name: 'staging',
        kind: 'process',
        running: true,
        services: [
          { ...shop, previous: release },
          { ...shop, service: 'cart' },
        ],
      },
    ];
    const traits = environmentRows(environments, later(0))
      .flatMap((row) => row.children ?? [])
      .map((row) => row.traits);
    assert.deepEqual(traits, [
      ['deployed', 'url', 'previous'],
      ['deployed', 'url'],
    ]);
  });
});
