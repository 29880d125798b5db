import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { detectPipeline } from '../../../../../src/core/pipeline/detect/detect';
import { offeredServices } from '../../../../../src/core/pipeline/detect/services';
import { git } from '../../../../support/delivery';
import { temporaryFolder } from '../../../../support/temporary';

const json = JSON.stringify;
const node = {
  'package.json': json({ scripts: { start: 'node server.js' } }),
  'server.js': 'http.createServer().listen(process.env.PORT);\n',
};

describe('the services that a folder offers', () => {
  const folder = temporaryFolder();
  let root: string;

  const offered = async (files: Readonly<Record<string, string>>, from = ''): Promise<string[]> => {
    for (const [name, text] of Object.entries(files)) {
      fs.mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
      fs.writeFileSync(path.join(root, name), text);
    }
    const services = await offeredServices(path.join(root, from));
    return services.map((service) => `${path.relative(root, service.folder) || '.'}: ${service.name}`);
  };
  const inside = (place: string, files: Readonly<Record<string, string>>): Record<string, string> =>
    Object.fromEntries(Object.entries(files).map(([name, text]) => [`${place}/${name}`, text]));

  beforeEach(() => {
    root = path.join(folder.path, '-My shop! ');
    fs.mkdirSync(root);
    git(root, 'init', '-q');
  });

  it('is the folder itself, with its name as a valid service name', async () => {
    assert.deepEqual(await offered(node), ['.: My-shop']);
  });

  it('are the projects below it that serve, and no examples, tests or libraries', async () => {
    const files = {
      'package.json': json({ workspaces: ['apps/*', 'packages/*'], devDependencies: { vite: '7' } }),
      ...inside('apps/orders', node),
      ...inside('apps/web', { 'package.json': json({ dependencies: { vite: '7' } }), 'index.html': '' }),
      ...inside('packages/prices', { 'package.json': json({ name: 'prices' }) }),
      ...inside('examples/demo', node),
      ...inside('tests/server', node),
    };
    assert.deepEqual(await offered(files), ['apps/orders: orders', 'apps/web: My-shop-web']);
  });

  it('come from workspaces of uv, Cargo and Go', async () => {
    const files = {
      'pyproject.toml': '[tool.uv.workspace]\nmembers = ["backend"]\n',
      'uv.lock': '',
      'Cargo.toml': '[workspace]\nmembers = ["rates"]\n',
      'go.work': 'use ./mail\n',
      ...inside('backend', { 'pyproject.toml': '[project]\ndependencies = ["fastapi"]\n', 'app/main.py': 'app = FastAPI()\n' }),
      ...inside('rates', { 'Cargo.toml': '[package]\nname = "rates"\n', 'src/main.rs': 'TcpListener::bind(env::var("PORT"));\n' }),
      ...inside('mail', {
        'go.mod': 'module mail\n',
        'main.go': 'package main\n\nfunc main() { http.ListenAndServe(os.Getenv("PORT"), nil) }\n',
      }),
    };
    assert.deepEqual(await offered(files), ['backend: My-shop-backend', 'mail: mail', 'rates: rates']);
  });

  it('are the applications of an Nx workspace', async () => {
    const application = (name: string): string => json({ name, projectType: 'application', targets: { build: {}, test: {} } });
    const files = {
      'nx.json': '{}',
      'package.json': json({ devDependencies: { nx: '21' } }),
      'pnpm-lock.yaml': '',
      ...inside('apps/cart', {
        'package.json': json({ dependencies: { a: '1' } }),
        'project.json': application('cart'),
        'src/main.ts': 'app.listen(process.env.PORT);\n',
      }),
      ...inside('apps/cart-e2e', { 'project.json': application('cart-e2e'), 'src/index.html': '' }),
      ...inside('libs/prices', { 'project.json': json({ name: 'prices', projectType: 'library' }) }),
    };
    assert.deepEqual(await offered(files), ['apps/cart: cart']);
    const written = await detectPipeline({ folder: path.join(root, 'apps/cart'), root, name: 'cart' });
    assert.ok(written.ok);
    assert.match(written.value.yaml, /^ {4}run: cd \.\.\/\.\. && pnpm install --frozen-lockfile$/m);
    assert.match(written.value.yaml, /^ {4}run: cd \.\.\/\.\. && npx nx run cart:build$/m);
    assert.match(written.value.yaml, /^ {6}command: node \.\.\/\.\.\/dist\/apps\/cart\/main\.js /m);
  });

  it('have names that no other service of the repository has', async () => {
    const files = {
      'old/delivery.yaml': 'service: orders\nsteps: {a: {run: x}}\n',
      ...inside('eu/orders', node),
      ...inside('us/orders', node),
      ...inside('asia/api', node),
    };
    assert.deepEqual(await offered(files), ['asia/api: My-shop-api', 'eu/orders: My-shop-orders', 'us/orders: My-shop-us-orders']);
    assert.deepEqual(await offered({}, 'asia/api'), ['asia/api: My-shop-api']);
  });

  it('is the folder itself if its compose file builds what may not run as a process', async () => {
    const fixed = { ...node, 'server.js': 'http.createServer().listen(3000);\n' };
    const files = { 'compose.yaml': 'services: {api: {build: api}, web: {build: web}}', ...inside('api', fixed), ...inside('web', fixed) };
    assert.deepEqual(await offered(files), ['.: My-shop']);
  });
});
