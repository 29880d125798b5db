import assert from 'node:assert/strict';
import { test } from 'node:test';

const url = process.env.DELIVERY_URL;

test('the storefront is open', async () => {
  const response = await fetch(url);
  assert.equal(response.status, 200);
  assert.match(await response.text(), /Leaf &amp; Kettle/);
});

test('the page shows the delivered release', async () => {
  assert.match(await (await fetch(url)).text(), new RegExp(`Release ${process.env.DELIVERY_COMMIT.slice(0, 8)}`));
});

test('a cart has a total', async () => {
  const response = await fetch(`${url}/total?tea-green=3&cup-clay=1`);
  assert.deepEqual(await response.json(), { goods: 4933, shipping: 490, currency: 'EUR' });
});

test('an invalid cart is refused', async () => {
  const response = await fetch(`${url}/total?coffee=1`);
  assert.equal(response.status, 400);
  assert.deepEqual(await response.json(), { error: 'there is no product coffee' });
});

test('customers can leave a comment that is not empty', async () => {
  assert.match(await (await fetch(url)).text(), /<form method="post" action="\/feedback">/);
  const response = await fetch(`${url}/feedback`, { method: 'POST', body: new URLSearchParams({ said: ' ' }) });
  assert.equal(response.status, 400);
});

test('a comment that is too long is refused', async () => {
  const response = await fetch(`${url}/feedback`, { method: 'POST', body: new URLSearchParams({ said: 'tea '.repeat(250_000) }) });
  assert.equal(response.status, 400);
  assert.deepEqual(await response.json(), { error: 'please say it shorter' });
});

test('every product has a price, and a stock level if it is known', async () => {
  const products = await (await fetch(`${url}/products`)).json();
  assert.ok(products.length > 0);
  for (const { sku, price, stock } of products) {
    assert.ok(price > 0, sku);
    assert.ok(stock === null || stock >= 0, sku);
  }
});
