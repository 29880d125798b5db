import * as assert from 'node:assert/strict';
import type { PlacedItem } from '../../../../src/core/feedback/placed-item';
import type { SourceState } from '../../../../src/core/feedback/inbox';
import type { DeliveredChange } from '../../../../src/core/feedback/recent';
import { changeRows, changesMessage, itemKey, type ServiceNews } from '../../../../src/editor/changes/change-rows';
import { rowsAsText } from '../../../../src/editor/tree/row';
import { changeOf, runOf, serviceOf } from '../runs';

const now = Date.parse('2026-11-23T12:00:00Z');
const at = (minutes: number): string => new Date(now - minutes * 60_000).toISOString();

const change = (commit: string, subject: string, more: Partial<DeliveredChange> = {}): DeliveredChange => ({
  commit,
  subject,
  message: subject,
  author: 'Grace',
  email: 'grace@example.com',
  date: at(600),
  files: [{ path: 'src/cart.js', added: 1, removed: 1 }],
  tooLarge: [],
  deliveries: [{ environment: 'staging', at: at(30), isLive: true }],
  isUncommitted: false,
  ...more,
});
const item = (id: string, more: Partial<PlacedItem> = {}, said: Partial<PlacedItem['item']> = {}): PlacedItem => ({
  source: 'staging',
  item: { id, kind: 'error', title: `Error ${id}`, createdAt: at(10), count: 1, ...said },
  places: [{ path: 'src/cart.js', line: 7, confidence: 'exact', by: 'frame', delivered: { path: 'src/cart.js', line: 7 } }],
  change: { commit: 'aaa', by: 'line' },
  ...more,
});
const source = (more: Partial<SourceState> = {}): SourceState => ({
  source: 'github acme/shop',
  kind: 'github',
  items: [],
  fetchedAt: at(5),
  ...more,
});

function news(
  changes: DeliveredChange[],
  items: PlacedItem[],
  more: Partial<ServiceNews> = {},
  sources: SourceState[] = [source()],
): ServiceNews {
  return {
    service: serviceOf([]),
    feedback: { recent: { changes, uncommitted: [], holds: () => true }, items, sources },
    mine: new Set(),
    unread: new Set(items.map(itemKey)),
    actions: new Map(),
    ...more,
  };
}
const text = (...all: ServiceNews[]): string => rowsAsText(changeRows(all, now));

describe('changeRows', () => {
  it('shows each change with its environments and its feedback', () => {
    const changes = [change('bbb', 'Later', { deliveries: [] }), change('aaa', 'Spell it')];
    assert.equal(
      text(news(changes, [item('1', {}, { count: 12, people: 3 })], { mine: new Set(['bbb']) })),
      `  [circle-outline] Later  waiting · you
v [git-commit] Spell it  staging 30 min ago · Grace
    [bug] Error 1  3 people, 12 times · cart.js:7 · 10 min ago
`,
    );
  });

  it('sorts new, own and frequent items first, and fixed items last', () => {
    const fix = { commit: 'f', subject: 'Fix it', delivered: { at: at(2), environment: 'staging' } };
    const items = [item('old', {}, { createdAt: at(6000) }), item('fixed', { fix }), item('many', {}, { people: 40 }), item('new')];
    const rows = changeRows([news([change('aaa', 'Spell it')], items)], now)[0]?.children ?? [];
    assert.deepEqual(
      rows.map(({ label, icon }) => `${label} ${icon?.name ?? ''}`),
      ['Error many bug', 'Error new bug', 'Error old bug', 'Error fixed pass'],
    );
    assert.match(rows[3]?.description ?? '', /^fix delivered to staging 2 min ago/);
  });

  it('shows that an item was reported again after its fix', () => {
    const fix = { commit: 'f', subject: 'Fix it', delivered: { at: at(20) } };
    assert.match(text(news([change('aaa', 'Spell it')], [item('1', { fix })])), /\[bug\] Error 1 {2}reported again after the fix/);
  });

  it('shows feedback on earlier changes in a separate row', () => {
    assert.equal(
      text(news([], [item('1', { change: { commit: 'zzz', by: 'line' } })])),
      `> [history] On Earlier Changes  1 feedback item
    [bug] Error 1  once · cart.js:7 · 10 min ago
`,
    );
  });

  it('shows a source that failed with the reason and the age of its items, and no source that works', () => {
    const offline = source({ failure: { state: 'failed', reason: 'offline', message: 'api.github.com could not be reached' } });
    const token = source({ source: 'sentry acme/shop', failure: { state: 'failed', reason: 'token', message: 'sentry.io needs a token' } });
    const unasked = { source: 'sentry acme/shop', kind: 'sentry', items: [], failure: token.failure } as SourceState;
    assert.equal(
      text(news([], [], {}, [offline, unasked, source()])),
      `  [debug-disconnect] GitHub is not reachable  Updated 5 min ago · api.github.com could not be reached
  [key] Sentry needs a token  no data yet · sentry.io needs a token
`,
    );
  });

  it('includes the information of colours in the text for screen readers', () => {
    const placed = item('1', {
      places: [{ path: 'src/cart.js', line: 7, confidence: 'edited', by: 'frame', delivered: { path: 'src/cart.js', line: 5 } }],
    });
    const [row] = changeRows([news([change('aaa', 'Spell it')], [placed])], now)[0]?.children ?? [];
    assert.equal(row?.ariaLabel, 'Unread, Error, Error 1, once, cart.js:7, edited since delivery, 10 min ago');
  });

  it('shows which files have too many changed lines to mark', () => {
    const [row] = changeRows([news([change('aaa', 'Generate', { tooLarge: ['src/cart.js'] })], [])], now);
    assert.match(row?.tooltip ?? '', /src\/cart.js has too many changed lines to mark/);
  });

  it('groups several services, and shows why one has no data', () => {
    const one = news([change('aaa', 'Spell it')], []);
    const other: ServiceNews = { ...one, service: { ...serviceOf([]), key: 'other', name: 'other' }, problem: 'delivery.yaml has errors' };
    const broken: ServiceNews = {
      service: other.service,
      problem: 'delivery.yaml has errors',
      mine: new Set(),
      unread: new Set(),
      actions: new Map(),
    };
    assert.match(
      text(one, broken),
      /v \[package\] shop\n {4}\[git-commit\] Spell it.*\nv \[package\] other\n {4}\[warning\] delivery.yaml has errors\n/,
    );
  });

  it('offers the actions of the source', () => {
    const actions = new Map([['staging', { resolve: async () => Promise.resolve({ ok: true as const, value: '' }) }]]);
    const [row] =
      changeRows([news([change('aaa', 'Spell it')], [item('1', {}, { url: 'https://example.com/1' })], { actions })], now)[0]?.children ??
      [];
    assert.deepEqual(row?.contextValues, ['feedback', 'url', 'place', 'resolve']);
  });

  it('shows whether a change is being delivered or waiting, with the reason', () => {
    const run = { ...runOf('1', 'x'), change: changeOf('x', 'bbb') };
    const queued = { ...run, id: '2', outcome: 'waiting' as const, change: changeOf('y', 'ccc') };
    const autoDelivery = { on: 'commit', waiting: { commit: 'ddd', reason: 'a merge is in progress' } } as const;
    const changes = ['aaa', 'bbb', 'ccc', 'ddd'].map((commit) => change(commit, commit, { deliveries: [] }));
    const service = serviceOf([queued, run], { autoDelivery });
    assert.deepEqual(
      changeRows([news(changes, [], { service })], now).map(({ label, description }) => `${label} ${description}`),
      [
        'aaa waiting · Grace',
        'bbb being delivered · Grace',
        'ccc waiting for the previous delivery · Grace',
        'ddd waiting: a merge is in progress · Grace',
      ],
    );
  });
});

describe('changesMessage', () => {
  it('shows which services are delivered automatically', () => {
    const waiting = { commit: 'abcdef0123', reason: 'a rebase is in progress' };
    assert.equal(changesMessage([serviceOf([])]), undefined);
    assert.equal(changesMessage([serviceOf([], { autoDelivery: { on: 'commit' } })]), 'Every commit is delivered automatically.');
    assert.equal(
      changesMessage([serviceOf([], { autoDelivery: { on: 'commit', waiting } })]),
      'Every commit is delivered automatically. abcdef0 is waiting: a rebase is in progress.',
    );
    assert.equal(
      changesMessage([serviceOf([]), serviceOf([], { name: 'cart', autoDelivery: { on: 'push' } })]),
      'cart: every push is delivered automatically.',
    );
  });
});
