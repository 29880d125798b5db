import * as assert from 'node:assert/strict';
import type { Matcher } from '../../../../src/core/logs/matchers/matcher';
import type { FoundProblem } from '../../../../src/core/model/problem';
import { ProblemFinder } from '../../../../src/core/logs/problem-finder';
import { builtInMatchers } from '../../../../src/core/logs/matchers/built-in';
import { matcherNames } from '../../../../src/core/logs/matchers/names';

function find(pieces: readonly string[], matchers: readonly Matcher[] = builtInMatchers): FoundProblem[] {
  const found: FoundProblem[] = [];
  const finder = new ProblemFinder(matchers, (problem) => found.push(problem));
  for (const piece of pieces) finder.take(Buffer.from(piece));
  finder.end();
  return found;
}

const short = ({ source, file, line, logLine }: FoundProblem): string => `${logLine} ${source} ${file}:${line}`;
const error = 'src/a.ts(7,9): error TS2322: wrong\n';

describe('the search for problems in a log', () => {
  it('finds the same however the log is cut into pieces', () => {
    const log = `one\ntwo\n${error}three\n  × no\n${error}`;
    for (let size = 1; size < log.length; size++) {
      const pieces = log.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? [];
      assert.deepEqual(find(pieces).map(short), ['3 tsc src/a.ts:7', '6 tsc src/a.ts:7'], `pieces of ${size}`);
    }
  });

  it('reads a last line without an end', () => {
    assert.deepEqual(find([error.trimEnd()]).map(short), ['1 tsc src/a.ts:7']);
  });

  it('sees through colours, also inside of paths, cursor movement and carriage returns', () => {
    const esc = '\x1b[';
    assert.deepEqual(find([`src/${esc}31ma.ts${esc}0m(7,9): ${esc}1merror${esc}0m TS2322: wrong\n`]).map(short), ['1 tsc src/a.ts:7']);
    assert.deepEqual(find([`working 10 %\rworking 99 %\r${error.trimEnd()}\r\n`]).map(short), ['1 tsc src/a.ts:7']);
    assert.deepEqual(find([`${esc}2K${esc}1G${error}`]).map(short), ['1 tsc src/a.ts:7']);
  });

  it('takes paths as they are: Windows, spaces, parentheses, letters of any language', () => {
    for (const file of ['C:\\a b\\c.ts', 'a dir (copy)/b.ts', 'größe/日本.ts', '../x.ts'])
      assert.deepEqual(
        find([`${file}(7,9): error TS2322: wrong\n`]).map((problem) => problem.file),
        [file],
      );
  });

  it('is stopped by no line: long ones, bytes that are no text, lines that never end', () => {
    const long = 'x'.repeat(10_000);
    const log = `${long}\n\x00\x01\ufffd\ufffd\n${error}${long}${long}`;
    assert.deepEqual(find([log]).map(short), ['3 tsc src/a.ts:7']);
    assert.deepEqual(find(Array.from({ length: 50 }, () => 'y'.repeat(100_000))), []);
  });

  it('keeps the problems of steps apart that print into each other', () => {
    const log = `  ● cart › adds\n${error}\n    Error: no\n\n      at x (src/b.js:3:4)\n\n`;
    assert.deepEqual(
      find([log])
        .map(({ source }) => source)
        .sort(),
      ['jest', 'tsc'],
    );
  });

  it('finds nothing in ordinary output', () => {
    const lines = [
      '2026-11-23T12:03:04.123Z INFO request handled method=GET path=/api/items/42 status=200 ms=3',
      '  ✔ adds an item to the cart (12ms) error rate 0 of 100',
      '{"level":"error","msg":"served","url":"http://localhost:8080/healthz"}',
      'Downloading https://example.com/pkg-1.2.3.tgz: 12:30:01 done, 0 errors, 0 warnings',
      'copied src/a.ts -> dist/a.js',
      '1) first of a list',
      '/usr/local/bin/node',
      'Error rate: 0',
    ];
    assert.deepEqual(find([lines.join('\n')]), []);
  });

  it('finds nothing in what tools print when nothing is wrong', () => {
    const lines = [
      'PASS test/cart.test.js',
      '  ✓ adds (3 ms)',
      'test src/lib.rs - documented (line 9) ... ok',
      '[ RUN      ] Cart.Total',
      '[       OK ] Cart.Total (0 ms)',
      '--- PASS: TestAdds (0.00s)',
      'ok  \texample.com/shop/cart\t0.002s',
      'ok 1 - adds',
      'not ok 2 - later # TODO not written yet',
      '# Failed tests: 0',
      '==123== HEAP SUMMARY:',
      '==123==     in use at exit: 0 bytes in 0 blocks',
      'All matched files use Prettier code style!',
      '[warn] Ignored unknown option { foo: 1 }.',
      '[warn] "jsxBracketSameLine" is deprecated, see https://prettier.io/docs/en/options.html',
      'All done! ✨ 🍰 ✨',
      'Checked 12 files in 7ms. No fixes applied.',
      'webpack 5.113.0 compiled successfully in 845 ms',
      'WARNING in asset size limit: The following asset(s) exceed the recommended size limit (244 KiB).',
      'cart/cart.go',
      'cart/cart_test.go',
      'Diff in coverage: none',
      'name  | count',
      'src/cart.ts | 100 | 100',
      "make: Entering directory '/builds/shop/lib'",
      "make: Leaving directory '/builds/shop/lib'",
      '> shop@1.0.0 build',
      'the build of src/cart.ts:3:5 took 3 ms',
    ];
    assert.deepEqual(find([lines.join('\n')]), []);
  });

  const prefixed: [string, string, string | undefined][] = [
    ['Turborepo', '@acme/lib:build: ', '@acme/lib'],
    ['Turborepo, for a name without a scope', 'web:type-check: ', 'web'],
    ['pnpm', 'packages/lib build: ', 'packages/lib'],
    ['Lerna and Nx', '@acme/lib: ', '@acme/lib'],
    ['Docker Compose', 'shop-1  | ', undefined],
    ['docker-compose', 'shop_1         | ', undefined],
    ['BuildKit', '#12 0.532 ', undefined],
    ['concurrently', '[0] ', undefined],
  ];
  for (const [runner, prefix, folder] of prefixed) {
    it(`reads lines behind the prefix of ${runner}`, () => {
      for (const start of [prefix, `\x1b[36m${prefix}\x1b[0m`]) {
        const [found, ...more] = find([`${start}compiling\n${start}${error}`]);
        assert.deepEqual([found?.file, found?.line, found?.folder, found?.logLine, more.length], ['src/a.ts', 7, folder, 2, 0]);
      }
    });
  }

  it('keeps the lines of programs apart that print into each other', () => {
    const log = [
      'api-1  | Error: no orders',
      'web-1  | Error: no cart',
      'api-1  |     at orders (/app/src/orders.js:3:4)',
      'web-1  |     at cart (/app/src/cart.js:5:6)',
      'api-1 exited with code 1',
      '',
    ];
    assert.deepEqual(
      find([log.join('\n')]).map(({ message, frames }) => [message, frames?.[0]?.file]),
      [
        ['Error: no orders', '/app/src/orders.js'],
        ['Error: no cart', '/app/src/cart.js'],
      ],
    );
  });

  const foldersOf = (lines: readonly string[]): (string | undefined)[] => find([`${lines.join('\n')}\n`]).map(({ folder }) => folder);
  const failure = error.trimEnd();

  it('names the folder that make enters', () => {
    const log = [
      "make[1]: Entering directory '/x/shop/lib'",
      failure,
      "make[2]: Entering directory '/x/shop/lib/deep'",
      failure,
      "make[2]: Leaving directory '/x/shop/lib/deep'",
      failure,
      "make[1]: Leaving directory '/x/shop/lib'",
      failure,
    ];
    assert.deepEqual(foldersOf(log), ['/x/shop/lib', '/x/shop/lib/deep', '/x/shop/lib', undefined]);
  });

  it('names the folder of an npm script, which npm prints after the problems', () => {
    const log = ['> @acme/lib@1.0.0 build', '> tsc -p .', failure, 'npm error location /x/shop/lib', '> @acme/web@1.0.0 build', failure];
    assert.deepEqual(foldersOf(log), ['/x/shop/lib', undefined]);
  });

  it('names the project that Nx runs, and prefers the folder that npm prints', () => {
    assert.deepEqual(foldersOf(['> nx run lib:build', '', '> @acme/lib@1.0.0 build', failure, '> nx run web:build', failure]), [
      'lib',
      'web',
    ]);
    const log = ['> @acme/lib@1.0.0 build', failure, 'npm error location /x/shop/packages/lib'];
    assert.deepEqual(foldersOf(log.map((line) => `@acme/lib:build: ${line}`)), ['/x/shop/packages/lib']);
  });

  it('names the folder of a pnpm script, and the folder that a traced shell enters', () => {
    assert.deepEqual(foldersOf(['> @acme/lib@1.0.0 build /x/shop/lib', failure]), ['/x/shop/lib']);
    assert.deepEqual(foldersOf(['+ cd packages', '+ cd lib', failure]), ['packages/lib']);
  });

  it('names the package of a Go test, which follows the failures', () => {
    const log = [
      '--- FAIL: TestA (0.00s)',
      '    a_test.go:3: no',
      'FAIL',
      'FAIL\texample.com/shop/cart\t0.1s',
      'ok  \texample.com/shop\t0.1s',
    ];
    assert.deepEqual(foldersOf(log), ['example.com/shop/cart']);
    assert.deepEqual(foldersOf(['=== FAIL: cart TestA (0.00s)', '    a_test.go:3: no', '']), ['cart']);
  });

  it('reports a failure once that a summary repeats, and one that only the summary names', () => {
    const log = ['____ test_a ____', '', 'E   assert 1 == 2', '', 'tests/test_x.py:3: AssertionError', '==== short test summary info ====']
      .concat('FAILED tests/test_x.py::test_a - assert 1 == 2', 'FAILED tests/test_x.py::TestB::test_b[1 - 2] - ValueError: no')
      .join('\n');
    assert.deepEqual(
      find([log]).map(({ message, file, frames }) => [message, file ?? frames?.[0]?.file]),
      [
        ['test_a: assert 1 == 2', 'tests/test_x.py'],
        ['TestB::test_b[1 - 2]: ValueError: no', 'tests/test_x.py'],
      ],
    );
  });

  it('takes names alone for unformatted files only if the log has nothing else', () => {
    assert.deepEqual(
      find(['cart/a.go\nb.go\n']).map(({ file }) => file),
      ['cart/a.go', 'b.go'],
    );
    assert.deepEqual(find(['cart/a.go\nb.go\n2 files changed\n']), []);
    assert.deepEqual(find(['changed:\ncart/a.go\nb.go\n']), []);
  });

  it('gives matchers without a beginning every line', () => {
    const seen: string[] = [];
    const all: Matcher = { name: 'all', start: () => ({ line: (text) => seen.push(text) < 0, end: () => {} }) };
    find(['a\nb\n', 'c'], [all]);
    assert.deepEqual(seen, ['a', 'b', 'c']);
  });
});

describe('the built-in matchers', () => {
  it('are known by name without being loaded', () => {
    assert.deepEqual([...new Set(builtInMatchers.map((matcher) => matcher.name))].sort(), [...matcherNames].sort());
  });
});
