import assert from 'node:assert/strict';
import { test } from 'node:test';

const url = process.env.DELIVERY_URL;

test('lists the stock', async () => {
  const { stock } = await (await fetch(`${url}/stock`)).json();
  assert.ok(Object.keys(stock).length > 0);
  for (const [sku, amount] of Object.entries(stock)) assert.ok(Number.isInteger(amount) && amount >= 0, sku);
});

test('finds each product that it lists', async () => {
  const { stock } = await (await fetch(`${url}/stock`)).json();
  for (const [sku, amount] of Object.entries(stock)) {
    assert.deepEqual(await (await fetch(`${url}/stock/${sku}`)).json(), { sku, stock: amount });
  }
});

test('does not sell a product that is out of stock', async () => {
  const response = await fetch(`${url}/stock/cup-clay?take=1`, { method: 'POST' });
  assert.equal(response.status, 409);
});
