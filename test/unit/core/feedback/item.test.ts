import * as assert from 'node:assert/strict';
import { cleanItem, type FeedbackItem } from '../../../../src/core/feedback/item';
import { plain } from '../../../../src/core/support/terminal-text';

const now = '2026-11-23T12:00:00.000Z';
const clean = (more: Partial<FeedbackItem>): ReturnType<typeof cleanItem> =>
  cleanItem({ id: '1', kind: 'comment', title: 'Slow', createdAt: '2026-11-23T11:00:00Z', count: 1, ...more }, now);

describe('cleanItem', () => {
  it('keeps a valid item unchanged', () => {
    const item: FeedbackItem = {
      id: 'e-1',
      kind: 'error',
      title: 'TypeError: x is undefined',
      body: 'It\n\tbroke 👩‍🍳',
      createdAt: '2026-11-20T11:00:00.000Z',
      lastSeenAt: '2026-11-23T11:00:00.000Z',
      author: 'Ada',
      url: 'https://example.com/e-1',
      rating: 2,
      count: 12,
      people: 3,
      release: 'shop@1.2.3',
      environment: 'staging',
      components: ['cart'],
      frames: [{ file: 'src/cart.ts', line: 3, column: 7, function: 'add', inApp: true }],
      assignee: 'grace',
      reference: '#12',
    };
    assert.deepEqual(cleanItem(item, now), item);
  });

  it('removes characters that reorder, hide or control text', () => {
    const item = clean({ title: 'pay\u202Eeruces\u202C \u001b[31mnow\u200B\n twice', body: 'a\r\nb\u0000\u2066c\ud800' });
    assert.equal(item.title, 'payeruces [31mnow twice');
    assert.equal(item.body, 'a\nbc');
  });

  it('keeps markup as plain text', () => {
    assert.equal(clean({ title: '<img src=x onerror=alert(1)>' }).title, '<img src=x onerror=alert(1)>');
    assert.equal(plain('[run](command:deliver.deliver)'), '[run](command:deliver.deliver)');
  });

  it('limits the length of all texts and lists', () => {
    const item = clean({
      title: 'x'.repeat(1_000_000),
      body: 'y'.repeat(1_000_000),
      frames: Array.from({ length: 1000 }, () => ({ file: 'a.ts' })),
    });
    assert.equal(item.title.length, 200);
    assert.match(item.body ?? '', /…\n\(980000 more characters\)$/);
    assert.equal(item.frames?.length, 50);
  });

  it('marks items without a valid past date as undated and uses the time of the fetch', () => {
    for (const createdAt of ['', 'yesterday', '2026-13-45', '2031-01-01T00:00:00Z']) {
      const { createdAt: at, undated } = clean({ createdAt });
      assert.deepEqual([at, undated], [now, true], createdAt);
    }
    // A small clock difference is tolerated.
    assert.equal(clean({ createdAt: '2026-11-23T12:01:00Z' }).undated, undefined);
    assert.equal(clean({ createdAt: '2026-11-23T13:00:00+02:00' }).createdAt, '2026-11-23T11:00:00.000Z');
  });

  it('drops addresses other than web URLs', () => {
    for (const url of [
      'javascript:alert(1)',
      'command:deliver.deliver',
      'file:///etc/passwd',
      'vscode://x',
      'nonsense',
      'https://a\u202Eb',
    ])
      assert.equal(clean({ url }).url, undefined, url);
    assert.equal(clean({ url: 'https://example.com/?a=1' }).url, 'https://example.com/?a=1');
  });

  it('drops invalid line numbers', () => {
    const frames = [
      { file: 'a.ts', line: -3, column: 2 },
      { file: 'b.ts', line: 0 },
      { file: 'c.ts', line: Number.NaN },
      { file: 'd\0.ts', line: 1 },
    ];
    assert.deepEqual(clean({ frames }).frames, [{ file: 'a.ts' }, { file: 'b.ts' }, { file: 'c.ts' }]);
    assert.equal(clean({ count: -4 }).count, 1);
    assert.equal(clean({ people: Number.NaN }).people, undefined);
  });

  it('replaces an empty title', () => assert.equal(clean({ title: ' \u202E ' }).title, '(no title)'));
});
