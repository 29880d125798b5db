import assert from 'node:assert/strict';
import { test } from 'node:test';
import { money, total } from '../src/prices.js';

test('an empty cart costs nothing', () => {
  assert.deepEqual(total({}), { goods: 0, shipping: 0, currency: 'EUR' });
});

test('a small cart pays for shipping', () => {
  assert.deepEqual(total({ 'tea-green': 2 }), { goods: 2580, shipping: 490, currency: 'EUR' });
});

test('three of one product are ten percent cheaper', () => {
  assert.equal(total({ 'tea-black': 3 }).goods, 2673);
  assert.equal(total({ 'tea-black': 2, 'tea-green': 1 }).goods, 3270);
});

test('shipping is free from 50 euros', () => {
  assert.equal(total({ 'pot-iron': 1 }).shipping, 0);
  assert.equal(total({ 'cup-clay': 2, 'tea-black': 2 }).shipping, 490);
});

test('an unknown product has no price', () => {
  assert.throws(() => total({ coffee: 1 }), /there is no product coffee/);
  assert.throws(() => total({ 'tea-green': -1 }), /-1 is no amount/);
});

test('money has two decimal places', () => {
  assert.equal(money(1290), '12.90 €');
});
