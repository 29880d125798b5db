import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { tokenVariable } from '../../src/core/pipeline/environment-tokens';
import type { ReportedItem } from '../../src/core/feedback/placed-item';
import { TestServer } from '../support/http-server';
import { Project, type Ended } from '../support/project';
import { temporaryFolder } from '../support/temporary';

const cart = Array.from({ length: 9 }, (_, index) => `exports.line${index + 1} = ${index + 1};\n`).join('');
const serving = `const fs = require('node:fs');
require('node:http').createServer((request, response) => {
  if (request.url === '/say') {
    const { DELIVERY_COMMIT: commit, DELIVERY_ENVIRONMENT: environment } = process.env;
    const item = { id: 'e-1', kind: 'error', title: 'TypeError: none', createdAt: new Date().toISOString(), commit, environment, frames: [{ path: 'src/cart.js', line: 4 }] };
    fs.appendFileSync(process.env.DELIVERY_FEEDBACK, JSON.stringify(item) + '\\n');
  }
  response.end('ok');
}).listen(process.env.PORT, '127.0.0.1');
`;

(process.platform === 'win32' ? describe.skip : describe)('deliver feedback', function () {
  this.timeout(60_000);
  let shop: Project;
  // Environments must stop before the folder is removed.
  afterEach(() => shop.close());
  const folder = temporaryFolder();
  const server = new TestServer();
  beforeEach(() => {
    shop = new Project(folder.path).write('src/cart.js', cart).write('server.js', serving);
  });

  const environments = { staging: { process: { command: 'exec node server.js' } } };
  const feedback = async (env: Record<string, string> = {}): Promise<Ended & { items: ReportedItem[] }> => {
    const ended = await shop.start(['feedback', '--json'], env).ended;
    assert.equal(ended.code, 0, ended.stderr);
    return { ...ended, items: JSON.parse(ended.stdout) as ReportedItem[] };
  };

  it('maps errors of a release to the current line, in the documented JSON format', async () => {
    shop.steps({ stage: { deploy: 'staging' } }, { environments }).commit('Sell things');
    assert.equal((await shop.deliver('run')).code, 0);
    const [{ services } = { services: [] }] = await shop.json<{ services: { url: string }[] }[]>('environment');
    await fetch(`${services[0]?.url ?? ''}/say`);
    const commit = shop.git('rev-parse', 'HEAD').trim();
    shop.write('src/cart.js', `// new\n${cart}`);
    const { items, stderr } = await feedback();
    assert.equal(stderr, '');
    const [{ createdAt, ...item } = {} as ReportedItem] = items;
    assert.ok(Date.now() - Date.parse(createdAt) < 60_000);
    assert.deepEqual(item, {
      id: 'e-1',
      source: 'staging',
      kind: 'error',
      title: 'TypeError: none',
      count: 1,
      environment: 'staging',
      commit,
      places: [{ path: 'src/cart.js', line: 5, endLine: 5, confidence: 'exact', delivered: { path: 'src/cart.js', line: 4 } }],
      change: { commit, by: 'line' },
    });
    const { stdout } = await shop.deliver('feedback');
    assert.match(stdout, /^error TypeError: none once · just now · staging\n {2}src\/cart.js:5\n {2}on \w{7} Sell things\n$/);
  });

  it('sends the token from the environment, and shows earlier items while the server is unreachable', async () => {
    const origin = new URL(server.url).origin;
    shop.steps({ test: 'true' }, { feedback: { sources: [{ http: { url: `${server.url}/items`, items: 'data' } }] } }).commit();
    server.answers(({ headers }) =>
      headers.authorization === 'Bearer s3cret-token'
        ? { body: { data: [{ id: 7, title: 'Slow\u202Eevil', createdAt: '2026-11-01T10:00:00Z' }] } }
        : { status: 401, body: { message: 'who are you?' } },
    );
    const unknown = await feedback();
    assert.deepEqual(unknown.items, []);
    assert.match(unknown.stderr, /warning: http .*; no items yet/);
    const known = await feedback({ [String(tokenVariable(origin))]: 's3cret-token' });
    assert.deepEqual(
      known.items.map(({ id, title, kind }) => [id, title, kind]),
      [['7', 'Slowevil', 'comment']],
    );
    await server.stop();
    const away = await feedback({ [String(tokenVariable(origin))]: 's3cret-token' });
    assert.equal(away.items.length, 1);
    assert.match(away.stderr, /warning: http .*; showing the items from just now/);
    const kept = fs.readdirSync(shop.home, { recursive: true, encoding: 'utf8' }).map((name) => path.join(shop.home, name));
    assert.ok(!kept.some((file) => fs.statSync(file).isFile() && fs.readFileSync(file, 'utf8').includes('s3cret-token')));
  });

  it('reports errors in delivery.yaml and unreadable lines of a feedback file', async () => {
    shop.write('delivery.yaml', 'service: shop\nsteps: {a: {run: x}}\nfeedback: {sources: [{fax: 1}]}\n').commit();
    const wrong = await shop.deliver('feedback');
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /delivery\.yaml:3:\d+: .*fax/);
    shop.write('said.jsonl', '{"id":"1","title":"Fine","createdAt":"2026-11-01T10:00:00Z"}\nnonsense\n\n');
    shop.steps({ test: 'true' }, { feedback: { sources: [{ file: 'said.jsonl' }, { file: 'none.jsonl' }] } });
    const { items, stderr } = await feedback();
    assert.deepEqual(
      items.map(({ title }) => title),
      ['Fine'],
    );
    assert.match(stderr, /file said\.jsonl: line 2 is no JSON/);
    assert.match(stderr, /there is no file .*none\.jsonl/);
  });
});
