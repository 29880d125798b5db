import assert from 'node:assert/strict';
import { builtInMatchers } from '../../../../../src/core/logs/matchers/built-in';
import { named, printed, problemsIn, told } from '../../../../support/matching';

/** By matcher and fixture. */
const expected: readonly [string, string, readonly string[]][] = [
  [
    'tsc',
    'tsc/plain',
    [
      "1 error [src/cart.ts:7:9] Type 'number' is not assignable to type 'string'. (TS2322)",
      "2 error [src/cart.ts:8:3] Type 'string' is not assignable to type 'number'. (TS2322)",
      "3 error [src/cart.ts:11:23] Cannot find name 'missing'. (TS2304)",
    ],
  ],
  [
    'tsc',
    'tsc/pretty',
    [
      "1 error [src/cart.ts:7:9] Type 'number' is not assignable to type 'string'. (TS2322)",
      "6 error [src/cart.ts:8:3] Type 'string' is not assignable to type 'number'. (TS2322)",
      "11 error [src/cart.ts:11:23] Cannot find name 'missing'. (TS2304)",
    ],
  ],
  [
    'eslint-stylish',
    'eslint/stylish',
    [
      "3 warning [/tmp/shopjs/eslint/bad.js:1:5] 'unused' is assigned a value but never used (no-unused-vars)",
      "4 error [/tmp/shopjs/eslint/bad.js:2:5] 'a' is not defined (no-undef)",
      "5 error [/tmp/shopjs/eslint/bad.js:2:7] Expected '===' and instead saw '==' (eqeqeq)",
      "6 error [/tmp/shopjs/eslint/bad.js:2:10] 'b' is not defined (no-undef)",
      "7 error [/tmp/shopjs/eslint/bad.js:3:3] 'console' is not defined (no-undef)",
    ],
  ],
  [
    'eslint-unix',
    'eslint/unix',
    [
      "1 warning [/tmp/shopjs/eslint/bad.js:1:5] 'unused' is assigned a value but never used. (no-unused-vars)",
      "2 error [/tmp/shopjs/eslint/bad.js:2:5] 'a' is not defined. (no-undef)",
      "3 error [/tmp/shopjs/eslint/bad.js:2:7] Expected '===' and instead saw '=='. (eqeqeq)",
      "4 error [/tmp/shopjs/eslint/bad.js:2:10] 'b' is not defined. (no-undef)",
      "5 error [/tmp/shopjs/eslint/bad.js:3:3] 'console' is not defined. (no-undef)",
    ],
  ],
  [
    'eslint-compact',
    'eslint/compact',
    [
      "1 warning [/tmp/shopjs/eslint/bad.js:1:5] 'unused' is assigned a value but never used. (no-unused-vars)",
      "2 error [/tmp/shopjs/eslint/bad.js:2:5] 'a' is not defined. (no-undef)",
      "3 error [/tmp/shopjs/eslint/bad.js:2:7] Expected '===' and instead saw '=='. (eqeqeq)",
      "4 error [/tmp/shopjs/eslint/bad.js:2:10] 'b' is not defined. (no-undef)",
      "5 error [/tmp/shopjs/eslint/bad.js:3:3] 'console' is not defined. (no-undef)",
    ],
  ],
  [
    'mocha',
    'mocha/spec',
    [
      '14 error [test/cart.mocha.js:6:12] cart › adds prices: AssertionError [ERR_ASSERTION]: Expected values to be strictly equal: -1 !== 3',
      "29 error [src/cart.js:3:32] cart › reading › reads items: TypeError: Cannot read properties of undefined (reading 'length')",
      '37 error [node:internal/timers:581:17] cart › reading › finishes in time: Error: Timeout of 50ms exceeded. For async tests and hooks, ensure "done()" is called; if returning a Promise, ensure it resolves. (/tmp/shopjs/test/cart.mocha.js)',
    ],
  ],
  ['node', 'mocha/not-loaded', ["2 error [node:internal/modules/cjs/loader:1207:15] Error: Cannot find module './absent'"]],
  [
    'jest',
    'jest/default',
    [
      '7 error [test/cart.jest.js:5:23] cart › adds prices: expect(received).toBe(expected): expected: 3, received: -1',
      "24 error [src/cart.js:3:32] cart › reads items: TypeError: Cannot read properties of undefined (reading 'length')",
    ],
  ],
  [
    'jest',
    'jest/not-loaded',
    [
      '2 error [node_modules/@babel/parser/src/parse-error.ts:96:45] Test suite failed to run: SyntaxError: /tmp/shopjs/load/bad.jest.js: Unexpected token (1:10)',
    ],
  ],
  [
    'vitest',
    'vitest/default',
    [
      '12 error [test/cart.test.mjs:6:28] cart > adds prices: AssertionError: expected -1 to be 3 // Object.is equality',
      "31 error [src/cart.js:3:32] cart > reads items: TypeError: Cannot read properties of undefined (reading 'length')",
    ],
  ],
  [
    'vitest',
    'vitest/not-loaded',
    [
      '8 error [node_modules/rollup/dist/es/shared/parseAst.js:355:41] load/bad.test.mjs: Error: Unexpected token `=`. Expected yield, an identifier, [ or {',
    ],
  ],
  [
    'node-test',
    'node-test/spec',
    [
      '2 error [/tmp/shopjs/test/cart.node.js:7:12] adds prices: AssertionError [ERR_ASSERTION]: Expected values to be strictly equal: -1 !== 3',
      "25 error [/tmp/shopjs/src/cart.js:3:32] reads items: TypeError [Error]: Cannot read properties of undefined (reading 'length')",
    ],
  ],
  [
    'node-test',
    'node-test/tap',
    [
      '4 error [/tmp/shopjs/test/cart.node.js:7:12] adds prices: Expected values to be strictly equal: -1 !== 3',
      "37 error [/tmp/shopjs/src/cart.js:3:32] reads items: Cannot read properties of undefined (reading 'length')",
    ],
  ],
  ['node', 'node/uncaught', ["4 error [/tmp/shopjs/src/cart.js:3:15] SyntaxError: Expected property name or '}' in JSON at position 1"]],
  ['node', 'node/cause', ['1 error [/tmp/shop/cause.js:5] Error: the cart cannot be read']],
  ['node', 'node/thrown', ["1 error [/tmp/shop/thrown.js:3] TypeError: Cannot read properties of undefined (reading 'items')"]],
  ['node', 'node/syntax', ["1 error [/tmp/shop/syntax.js:1] SyntaxError: Unexpected token '='"]],
  ['node', 'node/missing-module', ["5 error [node:internal/modules/cjs/loader:1207:15] Error: Cannot find module './absent'"]],
  [
    'gcc',
    'gcc/default',
    [
      '2 warning [a.c:5:12] format ‘%d’ expects argument of type ‘int’, but argument 2 has type ‘char *’ [-Wformat=]',
      '8 error [a.c:6:10] ‘y’ undeclared (first use in this function)',
      '12 warning [a.c:4:7] unused variable ‘unused’ [-Wunused-variable]',
    ],
  ],
  [
    'gcc',
    'gcc/included',
    [
      '3 error [inc/cart.h:3:27] ‘nowhere’ undeclared (first use in this function)',
      '8 error [main.c:2:25] too few arguments to function ‘total’',
      '15 warning [inc/cart.h:3:36] control reaches end of non-void function [-Wreturn-type]',
    ],
  ],
  ['gcc', 'gcc/linker', ["2 error [/tmp/shop/c/b.c:2] undefined reference to `missing'"]],
  ['gcc', 'gcc/linker-without-debug', ["2 error [l.c] undefined reference to `missing'"]],
  [
    'shellcheck',
    'shellcheck/tty',
    [
      '4 info [a.sh:2:6] Double quote to prevent globbing and word splitting. (SC2086)',
      '12 warning [a.sh:3:7] x is referenced but not assigned. (SC2154)',
      '13 warning [a.sh:3:11] In POSIX sh, == in place of = is undefined. (SC3014)',
    ],
  ],
  [
    'shellcheck',
    'shellcheck/gcc',
    [
      '1 info [a.sh:2:6] Double quote to prevent globbing and word splitting. (SC2086)',
      '2 warning [a.sh:3:7] x is referenced but not assigned. (SC2154)',
      '3 warning [a.sh:3:11] In POSIX sh, == in place of = is undefined. (SC3014)',
    ],
  ],
  [
    'docker',
    'docker/copy',
    ['13 error [] COPY failed: file not found in build context or excluded by .dockerignore: stat absent.js: file does not exist'],
  ],
  ['docker', 'docker/typo', ['2 error [] dockerfile parse error line 3: unknown instruction: RUNN']],
  ['docker', 'docker/run', ["5 error [] The command '/bin/sh -c npm ci' returned a non-zero code: 127"]],
  [
    'docker',
    'docker/buildkit',
    [
      '15 error [Dockerfile:3] failed to build: failed to solve: process "/bin/sh -c npm run build" did not complete successfully: exit code: 127',
    ],
  ],
  ['docker', 'docker/buildkit-20', ['17 error [] executor failed running [/bin/sh -c echo hello]: network bridge not found']],
  [
    'github',
    'github/commands',
    [
      "2 error [src/cart.ts:7:9] Type mismatch: 'string' expected\nbut a number was given%3A 3",
      '3 warning [src/a, b:(1).ts:4] 50% of the items are never read',
      '4 info [] the cache was not used',
      '5 error [] out of disk',
    ],
  ],
];

describe('built-in matchers of JavaScript, C, shells and builds', () => {
  for (const [matcher, fixture, problems] of expected) {
    it(`${matcher} reads ${fixture}`, () => {
      assert.deepEqual(problemsIn(printed(fixture), named(matcher)).map(told), problems);
    });
  }

  for (const fixture of ['mocha/passed', 'jest/passed', 'vitest/passed', 'node-test/spec-passed', 'node-test/tap-passed']) {
    it(`nothing is found in ${fixture}`, () => {
      assert.deepEqual(problemsIn(printed(fixture), builtInMatchers), []);
    });
  }

  it('the whole stack of a failing test is kept, innermost call first', () => {
    const [, second] = problemsIn(printed('jest/default'), named('jest'));
    assert.deepEqual(second?.frames, [
      { file: 'src/cart.js', line: 3, column: 32 },
      { file: 'test/cart.jest.js', line: 9, column: 5 },
    ]);
  });

  it('a path may have a drive, spaces, parentheses and letters beyond ASCII', () => {
    const log = [
      'C:\\my shop\\ü (1)\\cart.ts(3,5): error TS2322: no',
      'C:\\my shop\\ü (1)\\cart.js:3:5: no [Error/no-undef]',
      'C:\\my shop\\ü (1)\\cart.js: line 3, col 5, Error - no (no-undef)',
      'C:\\my shop\\ü (1)\\cart.c:3:5: error: no',
      'Error: no',
      '    at total (C:\\my shop\\ü (1)\\cart.js:3:5)',
      '',
    ].join('\n');
    const places = problemsIn(log, builtInMatchers).map(({ source, file, line, column, frames }) => {
      const at = frames?.[0] ?? { file, line, column };
      return [source, at.file, at.line, at.column];
    });
    assert.deepEqual(places, [
      ['tsc', 'C:\\my shop\\ü (1)\\cart.ts', 3, 5],
      ['eslint-unix', 'C:\\my shop\\ü (1)\\cart.js', 3, 5],
      ['eslint-compact', 'C:\\my shop\\ü (1)\\cart.js', 3, 5],
      ['gcc', 'C:\\my shop\\ü (1)\\cart.c', 3, 5],
      ['node', 'C:\\my shop\\ü (1)\\cart.js', 3, 5],
    ]);
  });

  it('tsc tells what concerns no file', () => {
    assert.deepEqual(problemsIn('error TS18003: No inputs were found.\n', named('tsc')), [
      { severity: 'error', message: 'No inputs were found. (TS18003)', source: 'tsc', logLine: 1 },
    ]);
  });
});
