import * as assert from 'node:assert/strict';
import { filesMentioned } from '../../../../src/core/feedback/placement';
import { MessageWords } from '../../../../src/core/feedback/fixes';
import type { FeedbackItem } from '../../../../src/core/feedback/item';

const item = (more: Partial<FeedbackItem>): FeedbackItem => ({ id: 'f-12', kind: 'comment', title: '', createdAt: '', count: 1, ...more });

describe('filesMentioned', () => {
  const files = (body: string): string[] =>
    filesMentioned(item({ body })).map(({ file, line, column }) => [file, line, column].filter((part) => part !== undefined).join(':'));

  it('finds paths of files', () => {
    assert.deepEqual(files('It breaks in src/cart.ts, see `lib/price.js:12:3` and docs/über.md'), ['src/cart.ts', 'lib/price.js:12:3']);
    assert.deepEqual(files('at server.js:40 (cart.ts#L7)'), ['server.js:40', 'cart.ts#L7'.replace('#L', ':')]);
  });

  it('finds absolute paths and paths in bundles, if they have a line', () => {
    assert.deepEqual(files('at /usr/src/app/cart.js:12:3, C:\\app\\cart.php(7) and webpack://shop/./src/a.ts:9'), [
      '/usr/src/app/cart.js:12:3',
      'C:\\app\\cart.php:7',
      'webpack://shop/./src/a.ts:9',
    ]);
    assert.deepEqual(files('the page /cart/pay.html is slow'), []);
  });

  it('ignores words with a dot and URLs', () => {
    assert.deepEqual(files('e.g. version 1.2.3 of node.js'), []);
    assert.deepEqual(files('see https://example.com/src/cart.ts:12'), []);
  });

  it('returns at most three files', () => {
    assert.deepEqual(files('a/1.ts a/2.ts a/1.ts a/3.ts a/4.ts'), ['a/1.ts', 'a/2.ts', 'a/3.ts']);
  });

  it('reads any text in linear time', () => {
    for (const text of [
      'a/'.repeat(500_000),
      `${'a.'.repeat(250_000)}:`,
      '../'.repeat(300_000),
      '/a'.repeat(250_000),
      ' /a\\'.repeat(100_000),
    ])
      assert.ok(files(text).length <= 1);
  });
});

describe('MessageWords', () => {
  const names = (message: string, more: Partial<FeedbackItem> = {}): boolean => new MessageWords(message).name(item(more));

  it('finds an item by reference, URL or id', () => {
    assert.ok(names('Fix the total\n\nFeedback: f-12.'));
    assert.ok(names('Fixes #12: say less', { reference: '#12' }));
    assert.ok(names('Fix (SHOP-1A)', { reference: 'SHOP-1A' }));
    assert.ok(names('See https://example.com/issues/12', { url: 'https://example.com/issues/12' }));
  });

  it('ignores parts of words and plain numbers', () => {
    assert.ok(!names('Fixes #123', { reference: '#12' }));
    assert.ok(!names('f-123'));
    assert.ok(!names('Sell 12 teas', { id: '12' }));
  });
});
