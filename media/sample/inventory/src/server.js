import { createServer } from 'node:http';
import { report } from './feedback.js';
import { Stock } from './stock.js';

const stock = new Stock({ 'tea-green': 42, 'tea-black': 17, 'pot-iron': 3, 'cup-clay': 0 });

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(`http://inventory${request.url}`);
  const [, area, sku] = pathname.split('/');
  try {
    if (pathname === '/healthz') return json(response, 200, { healthy: true });
    if (area === 'stock' && request.method === 'POST') return take(response, sku, Number(searchParams.get('take')));
    if (area === 'stock' && sku === undefined) return json(response, 200, { stock: stock.all() });
    if (area === 'stock' && stock.amount(sku) !== undefined) return json(response, 200, { sku, stock: stock.amount(sku) });
    json(response, 404, { error: `there is nothing at ${pathname}` });
  } catch (error) {
    if (!(error instanceof RangeError)) report(error);
    json(response, error instanceof RangeError ? 400 : 500, { error: error.message });
  } finally {
    console.log(request.method, request.url, response.statusCode);
  }
});

function take(response, sku, amount) {
  const taken = stock.take(sku, amount);
  json(response, taken ? 200 : 409, { sku, taken: taken ? amount : 0, stock: stock.amount(sku) ?? 0 });
}

function json(response, status, value) {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

server.listen(process.env.PORT ?? 3001, '127.0.0.1', () => {
  console.log(`the inventory is open on port ${server.address().port}`);
});
process.on('uncaughtExceptionMonitor', report);
process.once('SIGTERM', () => server.close());
