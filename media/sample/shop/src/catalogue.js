/** The products of the shop. Prices are in cents. */
export const catalogue = [
  { sku: 'tea-green', name: 'Green tea', description: 'Sencha, first flush, 100 g', price: 1290 },
  { sku: 'tea-black', name: 'Black tea', description: 'Assam, full leaf, 100 g', price: 990 },
  { sku: 'pot-iron', name: 'Iron pot', description: 'Cast iron, 0.8 l, with a sieve', price: 5900 },
  { sku: 'cup-clay', name: 'Clay cup', description: 'Thrown by hand, 120 ml', price: 1450 },
];

export function find(sku) {
  return catalogue.find((product) => product.sku === sku);
}
