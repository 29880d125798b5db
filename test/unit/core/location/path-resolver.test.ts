import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { PathResolver, TreePaths } from '../../../../src/core/location/path-resolver';
import { temporaryFolder } from '../../../support/temporary';

const tree = [
  'README.md',
  'web/src/cart.ts',
  'web/src/index.ts',
  'web/test/cart.test.ts',
  'web/server.js',
  'api/src/index.ts',
  'api/src/main/java/com/acme/CartTest.java',
  'api/pkg/only.go',
];

describe('the place of a problem', () => {
  const folder = temporaryFolder();
  const slot = (): string => path.join(folder.path, 'slot', 'repo');
  const placer = (): PathResolver =>
    new PathResolver({ slot: slot(), folder: 'web', repository: path.join(folder.path, 'repo') }, () =>
      Promise.resolve(new TreePaths(tree)),
    );
  const placed = async (file: string, line = 3): Promise<string | undefined> => {
    const place = await placer().place({ severity: 'error', message: 'x', source: 'x', file, line });
    return place && `${place.path}:${place.line}`;
  };
  const write = (file: string, text: string): void => {
    fs.mkdirSync(path.dirname(path.join(slot(), file)), { recursive: true });
    fs.writeFileSync(path.join(slot(), file), text);
  };
  beforeEach(() => fs.mkdirSync(slot(), { recursive: true }));

  it('is a file of the service, of the repository, of the slot or of the working copy', async () => {
    assert.equal(await placed('src/cart.ts'), 'web/src/cart.ts:3');
    assert.equal(await placed('./src/cart.ts'), 'web/src/cart.ts:3');
    assert.equal(await placed('../api/src/index.ts'), 'api/src/index.ts:3');
    assert.equal(await placed('web/src/cart.ts'), 'web/src/cart.ts:3');
    assert.equal(await placed(path.join(slot(), 'web/src/cart.ts')), 'web/src/cart.ts:3');
    assert.equal(await placed(path.join(folder.path, 'repo/web/src/cart.ts')), 'web/src/cart.ts:3');
    assert.equal(await placed(`file://${slot()}/web/src/cart.ts`), 'web/src/cart.ts:3');
    assert.equal(await placed('src\\cart.ts'), 'web/src/cart.ts:3');
  });

  it('is found for a path of a container or a package, by its longest unique suffix', async () => {
    assert.equal(await placed('/app/src/cart.ts'), 'web/src/cart.ts:3');
    assert.equal(await placed('/usr/src/app/web/src/index.ts'), 'web/src/index.ts:3');
    assert.equal(await placed('C:\\build\\web\\src\\cart.ts'), 'web/src/cart.ts:3');
    assert.equal(await placed('/app/server.js'), 'web/server.js:3');
    assert.equal(await placed('com/acme/CartTest.java'), 'api/src/main/java/com/acme/CartTest.java:3');
    assert.equal(await placed('only.go'), 'api/pkg/only.go:3');
  });

  it('is absent if it would be a guess', async () => {
    // A file of the service wins. Two other files are ambiguous.
    assert.equal(await placed('/somewhere/else/index.ts'), undefined);
    assert.equal(await placed('missing.ts'), undefined);
    assert.equal(await placed('other/cart.ts'), undefined);
    assert.equal(await placed('../../../etc/passwd'), undefined);
    assert.equal(await placed('/etc/passwd'), undefined);
    assert.equal(await placed('a\0b'), undefined);
    assert.equal(await placed('https://example.com/src/cart.ts'), undefined);
  });

  it('is never in a library or a runtime', async () => {
    for (const file of [
      'node:internal/x',
      'node_modules/a/src/cart.ts',
      '/x/site-packages/src/cart.ts',
      '/rustc/abc/src/cart.ts',
      '<anonymous>',
    ])
      assert.equal(await placed(file), undefined, file);
  });

  it('is the innermost call in delivered code', async () => {
    const frames = [
      { file: 'node:assert', line: 1 },
      { file: 'node_modules/x/index.js', line: 2 },
      { file: '/app/src/cart.ts', line: 7, column: 2 },
      { file: 'test/cart.test.ts', line: 9 },
    ];
    const problem = { severity: 'error' as const, message: 'x', source: 'x', frames };
    assert.deepEqual(await placer().place(problem), { path: 'web/src/cart.ts', line: 7, column: 2 });
    assert.deepEqual(await placer().filesOnStack(problem), ['web/src/cart.ts', 'web/test/cart.test.ts']);
  });

  it('is in the source of generated code with a source map, external or inline', async () => {
    // Line 1 of the output is line 2 of src/cart.ts.
    const map = JSON.stringify({ version: 3, sources: ['../src/cart.ts'], names: [], mappings: 'AACA' });
    write('web/dist/cart.js', 'x();\n//# sourceMappingURL=cart.js.map\n');
    write('web/dist/cart.js.map', map);
    assert.equal(await placed('dist/cart.js', 1), 'web/src/cart.ts:2');
    write('web/dist/inline.js', `x();\n//# sourceMappingURL=data:application/json;base64,${Buffer.from(map).toString('base64')}\n`);
    assert.equal(await placed(path.join(slot(), 'web/dist/inline.js'), 1), 'web/src/cart.ts:2');
    write('web/dist/broken.js', 'x();\n//# sourceMappingURL=nowhere.map\n');
    assert.equal(await placed('dist/broken.js', 1), undefined);
  });
});
