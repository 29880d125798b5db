import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Stock } from '../src/stock.js';

test('knows the stock', () => {
  const stock = new Stock({ 'tea-green': 2 });
  assert.deepEqual(stock.all(), { 'tea-green': 2 });
  assert.equal(stock.amount('tea-green'), 2);
  assert.equal(stock.amount('coffee'), undefined);
});

test('sells no more than the stock', () => {
  const stock = new Stock({ 'tea-green': 2 });
  assert.equal(stock.take('tea-green', 2), true);
  assert.equal(stock.take('tea-green', 1), false);
  assert.equal(stock.amount('tea-green'), 0);
});

test('refuses invalid amounts', () => {
  const stock = new Stock({ 'tea-green': 2 });
  assert.throws(() => stock.take('tea-green', 0.5), RangeError);
  assert.throws(() => stock.take('tea-green', -1), RangeError);
});
