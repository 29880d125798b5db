import assert from 'node:assert/strict';
import { test } from 'node:test';
import { page } from '../src/page.js';

test('shows each product with its price', () => {
  assert.match(page({}), /Green tea<span>12\.90 €/);
});

test('shows how many are left when there are few', () => {
  const text = page({ 'tea-green': 2, 'tea-black': 40, 'pot-iron': 0 });
  assert.match(text, /Green tea.*only 2 left/);
  assert.match(text, /Black tea.*in stock/);
  assert.match(text, /Iron pot.*sold out/);
});

test('asks for feedback and says thanks', () => {
  assert.match(page({}), /<form/);
  assert.match(page({}, '', true), /Thank you/);
  assert.doesNotMatch(page({}, '', true), /<form/);
});

test('promises nothing without the inventory', () => {
  assert.match(page(undefined), /The inventory does not answer right now/);
  assert.doesNotMatch(page(undefined), /in stock/);
});
