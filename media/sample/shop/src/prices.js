import { find } from './catalogue.js';

const shipping = 490;
const freeShippingFrom = 5000;
const bulkFrom = 3;
const bulkDiscount = 0.1;

/**
 * Returns the price of a cart in cents. A cart maps each sku to an amount. Three or more of one product are
 * ten percent cheaper. From 50 euros, shipping is free.
 */
export function total(cart) {
  const goods = Object.entries(cart).reduce((sum, [sku, amount]) => sum + priceOf(sku, amount), 0);
  return { goods, shipping: goods === 0 || goods >= freeShippingFrom ? 0 : shipping, currency: 'EUR' };
}

function priceOf(sku, amount) {
  const product = find(sku);
  if (!product) throw new RangeError(`there is no product ${sku}`);
  if (!Number.isInteger(amount) || amount < 0) throw new RangeError(`${amount} is no amount of ${sku}`);
  const full = product.price * amount;
  return amount >= bulkFrom ? Math.round(full * (1 - bulkDiscount)) : full;
}

/** Formats cents as euros. */
export function money(cents) {
  return `${(cents / 100).toFixed(2)} €`;
}
