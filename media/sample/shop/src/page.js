import { catalogue } from './catalogue.js';
import { money } from './prices.js';

/** The storefront. `stock` maps skus to amounts; without it, availability is not promised. */
export function page(stock, commit = '') {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Leaf &amp; Kettle</title>
<style>
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
  body { max-width: 44rem; margin: 3rem auto; padding: 0 1rem; }
  h1 { font-weight: 600; margin-bottom: 0; }
  p { margin-top: .25rem; opacity: .75; }
  ul { list-style: none; padding: 0; display: grid; grid-template-columns: repeat(auto-fill, minmax(18rem, 1fr)); gap: 1rem; }
  li { border: 1px solid color-mix(in srgb, currentColor 20%, transparent); border-radius: .75rem; padding: 1rem 1.25rem; }
  li b { display: flex; justify-content: space-between; }
  small { opacity: .75; }
  .few { color: #c2410c; opacity: 1; }
  footer { margin-top: 2rem; font-size: .8rem; opacity: .6; }
</style>
<h1>Leaf &amp; Kettle</h1>
<p>Tea, and what it takes to make it.</p>
<ul>
${catalogue.map((product) => item(product, stock)).join('\n')}
</ul>
<footer>${stock ? '' : 'The inventory does not answer right now. '}${commit ? `Release ${commit.slice(0, 8)}` : ''}</footer>
</html>
`;
}

function item({ sku, name, description, price }, stock) {
  return `  <li><b>${name}<span>${money(price)}</span></b>${description}<br>${availability(stock?.[sku])}</li>`;
}

function availability(amount) {
  if (amount === undefined) return '<small>ask us</small>';
  if (amount === 0) return '<small>sold out</small>';
  return amount < 5 ? `<small class="few">only ${amount} left</small>` : '<small>in stock</small>';
}
