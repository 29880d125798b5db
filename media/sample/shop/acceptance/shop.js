import assert from 'node:assert/strict';
import { test } from 'node:test';

const url = process.env.DELIVERY_URL;

test('the storefront is open', async () => {
  const response = await fetch(url);
  assert.equal(response.status, 200);
  assert.match(await response.text(), /Leaf &amp; Kettle/);
});

test('it runs what was delivered', async () => {
  assert.match(await (await fetch(url)).text(), new RegExp(`Release ${process.env.DELIVERY_COMMIT.slice(0, 8)}`));
});

test('a cart has a total', async () => {
  const response = await fetch(`${url}/total?tea-green=3&cup-clay=1`);
  assert.deepEqual(await response.json(), { goods: 4933, shipping: 490, currency: 'EUR' });
});

test('a wrong cart is refused politely', async () => {
  const response = await fetch(`${url}/total?coffee=1`);
  assert.equal(response.status, 400);
  assert.deepEqual(await response.json(), { error: 'there is no product coffee' });
});

test('customers can say what they think, if they think something', async () => {
  assert.match(await (await fetch(url)).text(), /<form method="post" action="\/feedback">/);
  const response = await fetch(`${url}/feedback`, { method: 'POST', body: new URLSearchParams({ said: ' ' }) });
  assert.equal(response.status, 400);
});

test('who says too much is asked to say it shorter', async () => {
  const response = await fetch(`${url}/feedback`, { method: 'POST', body: new URLSearchParams({ said: 'tea '.repeat(250_000) }) });
  assert.equal(response.status, 400);
  assert.deepEqual(await response.json(), { error: 'please say it shorter' });
});

test('every product has a price and a stock level, or says that it is not known', async () => {
  const products = await (await fetch(`${url}/products`)).json();
  assert.ok(products.length > 0);
  for (const { sku, price, stock } of products) {
    assert.ok(price > 0, sku);
    assert.ok(stock === null || stock >= 0, sku);
  }
});
