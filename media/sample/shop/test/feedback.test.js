import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { comment, report } from '../src/feedback.js';
import { total } from '../src/prices.js';

const folder = mkdtempSync(join(tmpdir(), 'shop-'));
const file = join(folder, 'feedback.jsonl');
const told = () => readFileSync(file, 'utf8').trim().split('\n').map(JSON.parse);

before(() => Object.assign(process.env, { DELIVERY_FEEDBACK: file, DELIVERY_COMMIT: 'abc', DELIVERY_ENVIRONMENT: 'test' }));
after(() => rmSync(folder, { recursive: true }));

test('reports comments with their release', () => {
  comment(' More tea!\nAnd cups. ');
  const { title, body, kind, commit, environment } = told().at(-1);
  assert.deepEqual([title, body, kind, commit, environment], ['More tea!', 'More tea!\nAnd cups.', 'comment', 'abc', 'test']);
});

test('refuses an empty comment', () => {
  assert.throws(() => comment(' \n '), RangeError);
});

test('survives an error that cannot be reported', () => {
  process.env.DELIVERY_FEEDBACK = join(folder, 'gone', 'feedback.jsonl');
  try {
    assert.doesNotThrow(() => report(new Error('no tea')));
    assert.throws(() => comment('More tea!'), { code: 'ENOENT' });
  } finally {
    process.env.DELIVERY_FEEDBACK = file;
  }
});

test('reports the place and the count of an error', () => {
  for (let i = 0; i < 2; i++) {
    try {
      total({ coffee: 1 });
    } catch (error) {
      report(error);
    }
  }
  const [first, second] = told().slice(-2);
  assert.equal(first.frames[0].path, 'src/prices.js');
  assert.equal(first.frames[0].function, 'priceOf');
  assert.deepEqual([first.count, second.count, second.id], [1, 2, first.id]);
});
