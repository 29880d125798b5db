import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { PathResolver } from '../../../../src/core/location/path-resolver';
import { TreePaths } from '../../../../src/core/location/tree-paths';
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
  const temporary = temporaryFolder();
  const slot = (): string => path.join(temporary.path, 'slot', 'repo');
  const placer = (): PathResolver =>
    new PathResolver({ slot: slot(), folder: 'web', repository: path.join(temporary.path, 'repo') }, () =>
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
    assert.equal(await placed(path.join(temporary.path, 'repo/web/src/cart.ts')), 'web/src/cart.ts:3');
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

  it('is absent if the tool ran in a folder that is not in the tree', async () => {
    const inFolder = async (folder: string): Promise<string | undefined> =>
      (await placer().place({ severity: 'error', message: 'x', source: 'x', file: 'pkg/only.go', line: 3, folder }))?.path;
    assert.equal(await inFolder('packages/gone'), undefined);
    assert.equal(await inFolder('api'), 'api/pkg/only.go');
    assert.equal(await inFolder('@acme/unlisted'), 'api/pkg/only.go');
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

  describe('with a source map', () => {
    // `AACA;AACA` maps line 1 to line 2 and line 2 to line 3 of the first source.
    const writeMap = (map: object): void => {
      write('web/dist/out.js', 'x();\ny();\n//# sourceMappingURL=out.js.map?v=1\n');
      write('web/dist/out.js.map', JSON.stringify({ version: 3, names: [], mappings: 'AACA;AACA', ...map }));
    };

    it('is found for the sources that bundlers name relative to their project', async () => {
      for (const source of [
        'webpack://shop/./src/cart.ts',
        'webpack:///src/cart.ts?a1b2',
        './src/cart.ts',
        '../src/cart.ts',
        'turbopack:///[project]/src/cart.ts',
      ]) {
        writeMap({ sources: [source] });
        assert.equal(await placed('dist/out.js', 2), 'web/src/cart.ts:3', source);
      }
      writeMap({ sources: ['src/cart.ts'], sourceRoot: 'webpack://shop/' });
      assert.equal(await placed('dist/out.js', 2), 'web/src/cart.ts:3');
      writeMap({ sources: ['cart.ts'], sourceRoot: '../src' });
      assert.equal(await placed('dist/out.js', 2), 'web/src/cart.ts:3');
      writeMap({ sources: [`file://${slot()}/web/src/cart.ts`] });
      assert.equal(await placed('dist/out.js', 2), 'web/src/cart.ts:3');
    });

    it('is absent for a source of a library, of the bundler or of another project', async () => {
      for (const source of [
        'webpack://shop/node_modules/x/src/cart.ts',
        'webpack/bootstrap',
        'webpack://shop/./pkg/only.go',
        '../../other/cart.ts',
      ]) {
        writeMap({ sources: [source] });
        assert.equal(await placed('dist/out.js', 2), undefined, source);
      }
    });

    it('is found in the sections of an index map', async () => {
      const map = (source: string): object => ({ version: 3, sources: [source], names: [], mappings: 'AACA' });
      writeMap({
        mappings: undefined,
        sections: [
          { offset: { line: 0, column: 0 }, map: map('../src/cart.ts') },
          { offset: { line: 1, column: 0 }, map: map('webpack://shop/./src/index.ts') },
        ],
      });
      assert.equal(await placed('dist/out.js', 1), 'web/src/cart.ts:2');
      assert.equal(await placed('dist/out.js', 2), 'web/src/index.ts:2');
    });

    it('is absent without a column, if the generated line has several sources', async () => {
      // The first column is line 2, the fifth is line 3.
      writeMap({ sources: ['../src/cart.ts'], mappings: 'AACA,IACA' });
      assert.equal(await placed('dist/out.js', 1), undefined);
      const at = async (column: number): Promise<unknown> =>
        placer().place({ severity: 'error', message: 'x', source: 'x', file: 'dist/out.js', line: 1, column });
      assert.deepEqual(await at(2), { path: 'web/src/cart.ts', line: 2, column: 1 });
      assert.deepEqual(await at(6), { path: 'web/src/cart.ts', line: 3, column: 1 });
      // The map has no columns, but the line contains the code of several lines.
      writeMap({ sources: ['../src/cart.ts'], sourcesContent: ['// cart\nx();\n'], mappings: 'AACA' });
      assert.deepEqual(await at(1), { path: 'web/src/cart.ts', line: 2, column: 1 });
      write('web/dist/out.js', `(()=>{${'y();'.repeat(20)}x()})();\n//# sourceMappingURL=out.js.map\n`);
      assert.equal(await at(90), undefined);
      // The bundler wrote the code before the first mapping.
      writeMap({ sources: ['../src/cart.ts'], mappings: 'IACA' });
      assert.equal(await at(2), undefined);
    });
  });

  it('is in the package that the tool names', async () => {
    write('web/package.json', '{ "name": "@acme/front" }');
    write('api/package.json', '{\n  "name": "web"\n}');
    write('go.mod', 'module example.com/store\n');
    const all = [...tree, 'go.mod', 'web/package.json', 'api/package.json'];
    const at = async (folder: string): Promise<string | undefined> => {
      const roots = { slot: slot(), folder: '', repository: path.join(temporary.path, 'repo') };
      const resolver = new PathResolver(roots, () => Promise.resolve(new TreePaths(all)));
      return (await resolver.place({ severity: 'error', message: 'x', source: 'x', file: 'src/index.ts', folder }))?.path;
    };
    assert.equal(await at('@acme/front'), 'web/src/index.ts');
    assert.equal(await at('web'), 'api/src/index.ts');
    assert.equal(await at('@acme/api'), 'api/src/index.ts');
    assert.equal(await at('@acme/unknown'), undefined);
    assert.equal(await at('example.com/store/web'), 'web/src/index.ts');
    assert.equal(await at('example.com/store/missing'), undefined);
  });
});
