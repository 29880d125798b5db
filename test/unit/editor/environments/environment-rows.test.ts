import assert from 'node:assert/strict';
import { environmentRows } from '../../../../src/editor/environments/environment-rows';
import { rowsAsText } from '../../../../src/editor/tree/row';
import { later, release } from '../runs';

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

  it('shows who delivered what was not delivered from here, and how it differs from the branch', () => {
    const theirs = { ...shop, release: { ...release, by: 'Grace' }, observedAt: '2026-11-23T10:00:30Z' };
    const [row] = environmentRows([{ name: 'staging', kind: 'kubernetes', running: true, services: [theirs] }], later(60_000), () => ({
      missing: ['Count twice', 'Round up'],
      foreign: ['Try this'],
    }));
    const [service] = row?.children ?? [];
    assert.equal(service?.description, '4f2a91c · 2 changes behind, 1 change not in your branch · by Grace · Add a cart · 1 min ago');
    assert.match(service?.tooltip ?? '', /Not in it, but in your branch:\n {2}Count twice\n {2}Round up\n/);
    assert.ok(service?.contextValues?.includes('log'), 'the environment is asked for it');
  });

  it('shows what was seen last, and how old that is, while an environment does not answer', () => {
    const failure = 'the cluster does not answer';
    const away = { name: 'staging', kind: 'kubernetes', running: true, services: [shop], observedAt: '2026-11-23T09:55:00Z', failure };
    const [row] = environmentRows([away], later(0));
    assert.equal(row?.description, 'healthy · not reachable, seen 5 min ago');
    assert.match(row?.tooltip ?? '', /the cluster does not answer/);
    const [never] = environmentRows([{ name: 'staging', kind: 'kubernetes', running: false, services: [], failure }], later(0));
    assert.equal(never?.description, 'not reachable');
    assert.deepEqual(
      never?.children?.map(({ label }) => label),
      [failure],
    );
  });

  it('offers to start what is stopped', () => {
    const [row] = environmentRows(
      [{ name: 'staging', kind: 'process', running: false, services: [{ ...shop, state: 'stopped' }] }],
      later(0),
    );
    assert.equal(row?.description, 'stopped');
    assert.deepEqual(row?.contextValues, ['environment', 'stopped']);
    assert.deepEqual(row?.children?.[0]?.contextValues, ['deployed'], 'nothing answers there');
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
    const contextValues = environmentRows(environments, later(0))
      .flatMap((row) => row.children ?? [])
      .map((row) => row.contextValues);
    assert.deepEqual(contextValues, [
      ['deployed', 'url', 'previous'],
      ['deployed', 'url'],
    ]);
  });
});
