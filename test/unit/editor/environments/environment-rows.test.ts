import assert from 'node:assert/strict';
import { environmentRows } from '../../../../src/editor/environments/environment-rows';
import { rowsAsText } from '../../../../src/editor/tree/row';
import { later, release } from '../runs';

describe('environmentRows', () => {
  const shop = { service: 'shop', state: 'healthy' as const, url: 'http://127.0.0.1:4100', release };

  it('shows each live service with its release, age and health', () => {
    const unhealthy = { ...shop, service: 'cart', state: 'unhealthy' as const, reason: 'it died 3 times' };
    const environments = [{ name: 'staging', kind: 'process', running: true, services: [shop, unhealthy] }];
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

  it('shows who delivered a release elsewhere, and how it differs from the branch', () => {
    const theirs = { ...shop, release: { ...release, by: 'Grace' }, observedAt: '2026-11-23T10:00:30Z' };
    const [row] = environmentRows([{ name: 'staging', kind: 'kubernetes', running: true, services: [theirs] }], later(60_000), () => ({
      missing: ['Count twice', 'Round up'],
      foreign: ['Try this'],
    }));
    const [service] = row?.children ?? [];
    assert.equal(service?.description, '4f2a91c · 2 changes behind, 1 change not in your branch · by Grace · Add a cart · 1 min ago');
    assert.match(service?.tooltip ?? '', /In your branch, not live:\n {2}Count twice\n {2}Round up\n/);
    assert.ok(service?.contextValues?.includes('log'), 'the environment provides the log');
  });

  it('shows the last known state with its age if an environment does not respond', () => {
    const failure = 'the cluster does not answer';
    const away = { name: 'staging', kind: 'kubernetes', running: true, services: [shop], observedAt: '2026-11-23T09:55:00Z', failure };
    const [row] = environmentRows([away], later(0));
    assert.equal(row?.description, 'healthy · not reachable · Updated 5 min ago');
    assert.match(row?.tooltip ?? '', /the cluster does not answer/);
    const [never] = environmentRows([{ name: 'staging', kind: 'kubernetes', running: false, services: [], failure }], later(0));
    assert.equal(never?.description, 'not reachable');
    assert.deepEqual(
      never?.children?.map(({ label }) => label),
      [failure],
    );
  });

  it('has no inline stop button for the environment of customers', () => {
    const valuesOf = (isProduction?: true) =>
      environmentRows([{ name: 'live', kind: 'process', running: true, services: [{ ...shop, isProduction }] }], later(0))[0]
        ?.contextValues;
    assert.deepEqual(valuesOf(), ['environment', 'started', 'inlineStop']);
    assert.deepEqual(valuesOf(true), ['environment', 'started']);
  });

  it('offers to start a stopped environment', () => {
    const [row] = environmentRows(
      [{ name: 'staging', kind: 'process', running: false, services: [{ ...shop, state: 'stopped' }] }],
      later(0),
    );
    assert.equal(row?.description, 'stopped');
    assert.deepEqual(row?.contextValues, ['environment', 'stopped']);
    assert.deepEqual(row?.children?.[0]?.contextValues, ['deployed'], 'a stopped service has no address');
  });

  it('offers a rollback only for a service with an earlier release', () => {
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
