import * as assert from 'node:assert/strict';
import { filesMentioned } from '../../../../src/core/feedback/placement';
import { MessageWords } from '../../../../src/core/feedback/fixes';
import type { FeedbackItem } from '../../../../src/core/feedback/item';

const item = (more: Partial<FeedbackItem>): FeedbackItem => ({ id: 'f-12', kind: 'comment', title: '', createdAt: '', count: 1, ...more });

describe('a text of feedback', () => {
  const files = (body: string): string[] =>
    filesMentioned(item({ body })).map(({ file, line, column }) => [file, line, column].filter((part) => part !== undefined).join(':'));

  it('speaks of files by their paths', () => {
    assert.deepEqual(files('It breaks in src/cart.ts, see `lib/price.js:12:3` and docs/über.md'), ['src/cart.ts', 'lib/price.js:12:3']);
    assert.deepEqual(files('at server.js:40 (cart.ts#L7)'), ['server.js:40', 'cart.ts#L7'.replace('#L', ':')]);
  });

  it('speaks of none by a word with a dot, or an address', () => {
    assert.deepEqual(files('e.g. version 1.2.3 of node.js'), []);
    assert.deepEqual(files('see https://example.com/src/cart.ts:12'), []);
  });

  it('is asked for a few only', () => {
    assert.deepEqual(files('a/1.ts a/2.ts a/1.ts a/3.ts a/4.ts'), ['a/1.ts', 'a/2.ts', 'a/3.ts']);
  });

  it('is read in no time, whatever it is', () => {
    for (const text of ['a/'.repeat(500_000), `${'a.'.repeat(250_000)}:`, '../'.repeat(300_000)]) assert.ok(files(text).length <= 1);
  });
});

describe('the message of a commit', () => {
  const names = (message: string, more: Partial<FeedbackItem> = {}): boolean => new MessageWords(message).name(item(more));

  it('names an item by its reference, its address or its id', () => {
    assert.ok(names('Fix the total\n\nFeedback: f-12.'));
    assert.ok(names('Fixes #12: say less', { reference: '#12' }));
    assert.ok(names('Fix (SHOP-1A)', { reference: 'SHOP-1A' }));
    assert.ok(names('See https://example.com/issues/12', { url: 'https://example.com/issues/12' }));
  });

  it('names no other by a part of a word, nor any by a number', () => {
    assert.ok(!names('Fixes #123', { reference: '#12' }));
    assert.ok(!names('f-123'));
    assert.ok(!names('Sell 12 teas', { id: '12' }));
  });
});
