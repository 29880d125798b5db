import * as assert from 'node:assert/strict';
import { type CheckoutRoots, PathResolver } from '../../../../src/core/location/path-resolver';
import { TreePaths } from '../../../../src/core/location/tree-paths';
import { traceFrames } from '../../../../src/core/logs/trace-frames';

type Roots = Partial<CheckoutRoots>;

const resolverOf = (tree: readonly string[], roots: Roots = {}): PathResolver =>
  new PathResolver({ folder: '', repository: '/nowhere/shop', isElsewhere: true, ...roots }, async () =>
    Promise.resolve(new TreePaths(tree)),
  );

/** Returns the place of each frame of one event, as `path:line`, or `-`. */
async function placed(files: readonly string[], tree: readonly string[], roots: Roots = {}): Promise<string[]> {
  const places = await resolverOf(tree, roots).places(files.map((file) => ({ file, line: 7 })));
  return places.map((place) => (place ? [place.path, place.line].filter((part) => part !== undefined).join(':') : '-'));
}

async function only(file: string, tree: readonly string[], roots: Roots = {}): Promise<string | undefined> {
  return (await placed([file], tree, roots))[0];
}

/** A linear congruential generator: the same trees each time. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * below);
  };
}

const deployed = [
  '/usr/src/app',
  '/home/node/app',
  '/var/task',
  '/opt/render/project/src',
  '/app',
  '/workspace',
  '/code',
  '/opt/app-root/src',
  '/home/site/wwwroot',
  '/srv/shop',
  '/home/deploy/apps/shop/current',
  '/home/runner/work/shop/shop',
  '/builds/acme/shop',
  '/myapp',
  'C:\\inetpub\\wwwroot',
  'app://',
  'webpack://shop',
  'webpack:///.',
  'turbopack:///[project]',
  '..',
  '../..',
  '.',
];

describe('the path of a deployed file', () => {
  const tree = ['package.json', 'server.js', 'main.py', 'src/cart.js', 'src/index.js', 'lib/db/pool.js', 'test/cart.test.js'];

  for (const root of deployed) {
    it(`leads from ${root} to the file`, async () => {
      const join = (file: string): string => `${root}/${file}`.replaceAll('/', root.includes('\\') ? '\\' : '/');
      for (const file of tree) assert.equal(await only(join(file), tree), `${file}:7`, file);
    });
  }

  it('is right or absent for any root, folder and tree', async () => {
    let right = 0;
    for (let seed = 1; seed <= 400; seed++) {
      const random = randomFrom(seed);
      const pick = <T>(all: readonly T[]): T => all[random(all.length)] as T;
      const folders = ['', 'src', 'lib', 'app', 'web', 'web/src', 'api', 'api/src', 'src/lib'];
      const names = ['index.js', 'server.js', 'cart.js', 'util.js', 'db.js'];
      const all = new Set(Array.from({ length: 12 }, () => [pick(folders), pick(names)].filter((part) => part !== '').join('/')));
      const service = pick(['', 'web', 'api']);
      const inService = [...all].filter((file) => service === '' || file.startsWith(`${service}/`));
      // The image contains the service, or the whole repository.
      const from = pick(service === '' ? [''] : ['', `${service}/`]);
      const root = pick([...deployed.filter((each) => !each.includes('\\') && !each.startsWith('.')), '/srv/x', '/home/me/y']);
      const truth = Array.from({ length: 1 + random(3) }, () => pick(inService.length > 0 ? inService : ['none.js']));
      const libraries = random(2) === 0 ? [] : [`${root}/node_modules/express/index.js`];
      const frames = [...truth.map((file) => `${root}/${file.slice(from.length)}`), ...libraries];
      const found = await placed(frames, [...all], { folder: service });
      truth.forEach((file, at) => {
        if (all.has(file) && found[at] === `${file}:7`) right++;
        else assert.equal(found[at], '-', `${frames.join(' ')} in ${[...all].join(' ')}, service ${service || 'at the root'}`);
      });
      if (libraries.length > 0) assert.equal(found.at(-1), '-');
    }
    assert.ok(right > 400, `only ${right} are right`);
  });

  it('is decided by the other paths of the stack', async () => {
    const twice = ['index.js', 'lib/db.js', 'src/index.js', 'api/index.js', 'api/routes.js'];
    assert.deepEqual(await placed(['/var/task/index.js'], twice), ['-']);
    assert.deepEqual(await placed(['/var/task/index.js', '/var/task/lib/db.js'], twice), ['index.js:7', 'lib/db.js:7']);
    assert.deepEqual(await placed(['/var/task/routes.js', '/var/task/index.js'], twice), ['api/routes.js:7', 'api/index.js:7']);
    assert.deepEqual(await placed(['/opt/shopping/server.js'], ['server.js']), ['-']);
    assert.deepEqual(await placed(['/opt/shopping/server.js', '/opt/shopping/node_modules/x/a.js'], ['server.js']), ['server.js:7', '-']);
  });

  it('is that of the service, if another service has the same file', async () => {
    const services = ['web/src/index.ts', 'api/src/index.ts', 'api/src/orders.ts', 'libs/ui/src/button.tsx'];
    assert.equal(await only('/app/src/index.ts', services, { folder: 'web' }), 'web/src/index.ts:7');
    assert.equal(await only('/app/src/index.ts', services, { folder: 'api' }), 'api/src/index.ts:7');
    assert.equal(await only('/app/src/index.ts', services), '-');
    // Only the other service has this file, so this one was generated, or is not ours.
    assert.equal(await only('/app/src/orders.ts', services, { folder: 'web' }), '-');
    assert.equal(await only('/app/libs/ui/src/button.tsx', services, { folder: 'web' }), 'libs/ui/src/button.tsx:7');
  });

  it('is absent for another project', async () => {
    for (const file of [
      '/home/me/other/server.js',
      '/tmp/x/server.js',
      '/server.js.map',
      '/etc/server.js',
      'https://example.com/src/cart.js',
    ])
      assert.equal(await only(file, tree), '-', file);
  });

  it('is absent for a file of a library or a runtime', async () => {
    const own = [
      'index.js',
      'lib/cart.rb',
      'src/lib.rs',
      'cart.py',
      'net/http/server.go',
      'context.go',
      'events.js',
      'x/y.php',
      'lib/x.ex',
    ];
    const libraries = [
      '/app/node_modules/x/index.js',
      '/usr/local/bundle/gems/cart-1.0/lib/cart.rb',
      '/home/u/.cargo/registry/src/index.crates.io-1/x-1.0/src/lib.rs',
      '/rustc/90b35a/library/std/src/lib.rs',
      '/home/node/app/.venv/lib/python3.12/site-packages/cart.py',
      '/usr/lib/python3/dist-packages/cart.py',
      '/usr/local/lib/python3.12/cart.py',
      '/usr/local/go/src/net/http/server.go',
      '/opt/hostedtoolcache/go/1.22.1/x64/src/net/http/server.go',
      '/go/pkg/mod/github.com/gin-gonic/gin@v1.9.1/context.go',
      '/app/vendor/x/y.php',
      '/app/deps/phoenix/lib/x.ex',
      'node:internal/index.js',
      'node:events',
      '<frozen importlib._bootstrap>',
      'webpack://shop/node_modules/x/index.js',
      'webpack://shop/external "fs"',
      'webpack/bootstrap',
    ];
    for (const file of libraries) assert.equal(await only(file, own), '-', file);
    assert.deepEqual(await placed(['events.js', '/app/index.js'], own), ['-', 'index.js:7']);
  });

  it('may be in a folder that is named like one of libraries', async () => {
    const own = ['gems/cart/lib/cart.rb', 'vendor/acme/y.php', 'deps/a/x.js', 'packages/b/node_modules/x/index.js'];
    for (const file of own) assert.equal(await only(`/app/${file}`, own), `${file}:7`);
  });

  it('is found for frames of Sentry, Go modules, Java packages and OpenTelemetry', async () => {
    const own = ['src/views.py', 'cart/cart.go', 'main.go', 'core/src/main/java/com/acme/Cart.java', 'src/pages/index.tsx', 'src/a b.js'];
    assert.equal(await only('./src/pages/index.tsx?abcd', own), 'src/pages/index.tsx:7');
    assert.equal(await only('webpack://_N_E/./src/pages/index.tsx?a1b2', own), 'src/pages/index.tsx:7');
    assert.equal(await only('github.com/acme/shop/cart/cart.go', own), 'cart/cart.go:7');
    assert.equal(await only('github.com/acme/shop/v2/main.go', own), 'main.go:7');
    assert.equal(await only('github.com/acme/other/main.go', own), '-');
    assert.equal(await only('com/acme/Cart.java', own), 'core/src/main/java/com/acme/Cart.java:7');
    assert.equal(await only('java/util/ArrayList.java', own), '-');
    assert.equal(await only('file:///app/src/a%20b.js', own), 'src/a b.js:7');
  });

  it('has no line in code that webpack evaluates, because it has other lines than its file', async () => {
    assert.equal(await only('webpack-internal:///./src/cart.js', tree), 'src/cart.js');
    assert.equal(await only('webpack-internal:///(rsc)/./src/cart.js', tree), 'src/cart.js');
  });

  it('is the one that delivery.yaml states', async () => {
    const own = ['server.js', 'api/server.js', 'api/lib/server.js', 'node_modules/a/index.js'];
    const paths = { '/usr/src/app': '.', '/usr/src/app/inner/': 'lib', 'app://': 'lib', 'C:\\app': '.' };
    const stated = { paths, folder: 'api' };
    assert.equal(await only('/usr/src/app/server.js', own, stated), 'api/server.js:7');
    assert.equal(await only('/usr/src/app/inner/server.js', own, stated), 'api/lib/server.js:7');
    assert.equal(await only('app:///server.js', own, stated), 'api/lib/server.js:7');
    assert.equal(await only('C:\\app\\server.js', own, stated), 'api/server.js:7');
    assert.equal(await only('/usr/src/app/missing.js', own, stated), '-');
    assert.equal(await only('/usr/src/app/node_modules/a/index.js', own, stated), '-');
    assert.equal(await only('/usr/src/app/../../server.js', own, stated), '-');
  });

  it('is read from a stack trace in a text', async () => {
    const traces: [string, string][] = [
      ['Error: no\n    at total (/usr/src/app/src/cart.js:7:9)\n    at node:internal/x:1:1', 'src/cart.js:7'],
      ['Traceback (most recent call last):\n  File "/home/node/app/main.py", line 7, in <module>\n', 'main.py:7'],
      ['Error: no\n    at total (webpack://shop/./src/cart.js:7:9)', 'src/cart.js:7'],
    ];
    for (const [text, place] of traces) {
      const found = await resolverOf(tree).place({ severity: 'error', message: '', source: '', frames: traceFrames(text) });
      assert.equal(found && `${found.path}:${found.line}`, place, text);
    }
  });
});

describe('a relative path of a tool', () => {
  const tree = [
    'src/util.c',
    'lib/src/util.c',
    'lib/src/only.c',
    'a/package.json',
    'a/src/x.ts',
    'b/src/x.ts',
    'b/src/main/java/com/Y.java',
  ];
  const place = async (file: string, folder?: string, roots: Roots = {}): Promise<string | undefined> => {
    const found = await resolverOf(tree, roots).place({
      severity: 'error',
      message: '',
      source: '',
      file,
      line: 7,
      ...(folder !== undefined && { folder }),
    });
    return found?.path;
  };

  it('is certain in a known folder', async () => {
    assert.equal(await place('src/util.c', ''), 'src/util.c');
    assert.equal(await place('src/util.c', 'lib'), 'lib/src/util.c');
    assert.equal(await place('src/util.c', '/x/shop/lib'), 'lib/src/util.c');
    assert.equal(await place('src/util.c', '/x/shop'), 'src/util.c');
    assert.equal(await place('src/util.c', '/nowhere/shop/lib'), 'lib/src/util.c');
    assert.equal(await place('src/x.ts', '@acme/b'), 'b/src/x.ts');
    assert.equal(await place('src/util.c', 'example.com/shop'), 'src/util.c');
    assert.equal(await place('../src/util.c', 'lib'), 'src/util.c');
    assert.equal(await place('lib/src/util.c', 'lib'), 'lib/src/util.c');
    assert.equal(await place('com/Y.java', 'b'), 'b/src/main/java/com/Y.java');
    assert.equal(await place('src/x.ts', '', { folder: 'a' }), 'a/src/x.ts');
    assert.equal(await place('src/x.ts', 'b', { folder: 'a' }), 'b/src/x.ts');
  });

  it('is absent if the known folder does not contain it', async () => {
    assert.equal(await place('src/only.c', ''), undefined);
    assert.equal(await place('src/only.c', 'a'), undefined);
    assert.equal(await place('../src/only.c', 'a'), undefined);
  });

  it('is absent in an unknown folder if several files fit', async () => {
    assert.equal(await place('src/util.c'), undefined);
    assert.equal(await place('src/x.ts'), undefined);
    assert.equal(await place('src/util.c', 'unknown-package'), undefined);
    assert.equal(await place('src/only.c'), 'lib/src/only.c');
    assert.equal(await place('src/x.ts', undefined, { folder: 'b' }), 'b/src/x.ts');
    // From the folder of the service, this is another file than the one below it.
    assert.equal(await place('../src/util.c', undefined, { folder: 'lib' }), undefined);
  });
});
