import { catalogue } from './catalogue.js';
import { money } from './prices.js';

/** Returns the page of the shop. `stock` maps skus to amounts. Without it, the page promises no availability. */
export function page(stock, commit = '', thanks = false) {
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
  form { margin-top: 2.5rem; display: grid; gap: .5rem; justify-items: start; }
  textarea { width: 100%; box-sizing: border-box; font: inherit; padding: .5rem .75rem; border-radius: .5rem; }
  button { font: inherit; padding: .375rem 1rem; border-radius: .5rem; }
  footer { margin-top: 2rem; font-size: .8rem; opacity: .6; }
</style>
<h1>Leaf &amp; Kettle</h1>
<p>Tea, and what it takes to make it.</p>
<ul>
${catalogue.map((product) => item(product, stock)).join('\n')}
</ul>
${thanks ? '<p role="status">Thank you, we read all of it.</p>' : form}
<footer>${stock ? '' : 'The inventory does not answer right now. '}${commit ? `Release ${commit.slice(0, 8)}` : ''}</footer>
</html>
`;
}

const form = `<form method="post" action="/feedback">
  <label for="said">What can we do better?</label>
  <textarea id="said" name="said" rows="2" maxlength="1000" required></textarea>
  <button>Tell us</button>
</form>`;

function item({ sku, name, description, price }, stock) {
  return `  <li><b>${name}<span>${money(price)}</span></b>${description}<br>${availability(stock?.[sku])}</li>`;
}

function availability(amount) {
  if (amount === undefined) return '<small>ask us</small>';
  if (amount === 0) return '<small>sold out</small>';
  return amount < 5 ? `<small class="few">only ${amount} left</small>` : '<small>in stock</small>';
}
