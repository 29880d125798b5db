import { createServer } from 'node:http';
import { catalogue } from './catalogue.js';
import { comment, report } from './feedback.js';
import { stockLevels } from './inventory.js';
import { page } from './page.js';
import { total } from './prices.js';

const server = createServer(async (request, response) => {
  const { pathname, searchParams } = new URL(`http://shop${request.url}`);
  try {
    if (pathname === '/healthz') return json(response, 200, { healthy: true });
    if (pathname === '/') return html(response, page(await stockLevels(), process.env.DELIVERY_COMMIT));
    if (pathname === '/products') return json(response, 200, await products());
    if (pathname === '/feedback' && request.method === 'POST') return html(response, await said(request));
    if (pathname === '/total') return json(response, 200, total(cartFrom(searchParams)));
    json(response, 404, { error: `there is nothing at ${pathname}` });
  } catch (error) {
    // A request that the customer aborts is not a failure of the shop.
    if (!(error instanceof RangeError) && !request.errored) {
      console.error(error);
      report(error);
    }
    json(response, error instanceof RangeError ? 400 : 500, { error: error.message });
  } finally {
    console.log(request.method, request.url, response.statusCode);
  }
});

async function products() {
  const stock = await stockLevels();
  return catalogue.map((product) => ({ ...product, stock: stock?.[product.sku] ?? null }));
}

const longest = 10_000;

/** Handles the form of the page. */
async function said(request) {
  let text = '';
  // The server reads the whole request before it answers. A client that is still sending would not see the answer.
  for await (const chunk of request) if (text.length <= longest) text += chunk;
  if (text.length > longest) throw new RangeError('please say it shorter');
  comment(new URLSearchParams(text).get('said') ?? '');
  return page(await stockLevels(), process.env.DELIVERY_COMMIT, true);
}

/** `?tea-green=2&cup-clay=1` */
function cartFrom(parameters) {
  return Object.fromEntries([...parameters].map(([sku, amount]) => [sku, Number(amount)]));
}

function json(response, status, value) {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

function html(response, text) {
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(text);
}

server.listen(process.env.PORT ?? 3000, '127.0.0.1', () => {
  console.log(`the shop is open on port ${server.address().port}`);
});
process.on('uncaughtExceptionMonitor', report);
process.once('SIGTERM', () => server.close());
