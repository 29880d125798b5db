import assert from 'node:assert/strict';
import { builtInMatchers } from '../../../../../src/core/logs/matchers/built-in';
import { named, printed, problemsIn, told } from '../../../../support/matching';

/** Real output of the tools of these languages, by matcher and fixture. */
const expected: readonly [string, string, readonly string[]][] = [
  [
    'pytest',
    'pytest/default',
    [
      "9 error [tests/test_cart.py:7] test_adds: AssertionError: assert '-1' == 3",
      "17 error [cart.py:6] TestReading.test_reads: AttributeError: 'str' object has no attribute 'missing'",
    ],
  ],
  [
    'pytest',
    'pytest/collection',
    ["7 error [tests/test_b.py:1] ERROR collecting tests/test_b.py: ModuleNotFoundError: No module named 'nothing_here'"],
  ],
  ['pytest', 'pytest/short', ['9 error [tests/test_c.py:6] test_adds: assert -1 == 3']],
  ['pytest', 'pytest/no-traceback', ['9 error [tests/test_c.py] test_adds: assert -1 == 3']],
  ['pytest', 'pytest/passed', []],
  [
    'python',
    'python/chained',
    [
      "1 error [/tmp/shop/py/cart.py:6] AttributeError: 'str' object has no attribute 'missing'",
      '11 error [/tmp/shop/py/main.py:6] ValueError: no items',
    ],
  ],
  ['python', 'python/syntax', ['1 error [/tmp/shop/more/syntax.py:1] SyntaxError: invalid syntax']],
  ['unittest', 'python/unittest', ['3 error [/tmp/shop/more/unit.py:6] test_adds: AssertionError: 1 != 2']],
  ['mypy', 'mypy/default', ['1 error [cart.py:2] Incompatible return value type (got "str", expected "int") (return-value)']],
  [
    'go',
    'go/build',
    [
      '2 error [bad/bad.go:4:17] cannot use 1 (untyped int constant) as string value in variable declaration',
      '3 error [bad/bad.go:5:9] undefined: missing',
    ],
  ],
  ['go', 'go/vet', ['2 error [./a.go:6:2] fmt.Printf format %d has arg "x" of wrong type string']],
  [
    'go-test',
    'go-test/default',
    ['2 error [cart_test.go:7] TestAdd: Add(1, 2) = -1, want 3', '5 error [cart_test.go:13] TestTable/one: not yet'],
  ],
  [
    'go',
    'go-test/panic',
    ['2 error [/usr/lib/go-1.19/src/testing/testing.go:1396] panic: runtime error: index out of range [3] with length 0 [recovered]'],
  ],
  ['go-test', 'go-test/panic', []],
  [
    'rustc',
    'rustc/default',
    ['2 error [src/main.rs:4:20] cannot find value `y` in this scope (E0425)', '14 error [src/main.rs:3:21] mismatched types (E0308)'],
  ],
  [
    'cargo-test',
    'cargo-test/default',
    ['13 error [src/lib.rs:11:9] tests::adds: assertion `left == right` failed: prices: left: -1, right: 3'],
  ],
  [
    'javac',
    'javac/default',
    ['1 error [Cart.java:2] incompatible types: String cannot be converted to int', '4 error [Cart.java:3] cannot find symbol'],
  ],
  ['java', 'java/uncaught', ['1 error [Main.java:3] java.lang.IllegalStateException: no items']],
  [
    'maven',
    'maven/compiler',
    [
      '16 error [/tmp/shop/mvn/src/main/java/com/acme/Cart.java:5:12] incompatible types: java.lang.String cannot be converted to int',
      '26 error [/tmp/shop/mvn/src/main/java/com/acme/Cart.java:5:12] incompatible types: java.lang.String cannot be converted to int',
    ],
  ],
  [
    'maven',
    'maven/surefire',
    [
      '28 error [org/junit/jupiter/api/AssertionFailureBuilder.java:151] com.acme.CartTest.adds: org.opentest4j.AssertionFailedError: expected: <3> but was: <-1>',
      '41 error [com/acme/CartTest.java:15] com.acme.CartTest.opens: java.lang.IllegalStateException: no shop',
    ],
  ],
  [
    'java',
    'maven/surefire',
    [
      '29 error [org/junit/jupiter/api/AssertionFailureBuilder.java:151] org.opentest4j.AssertionFailedError: expected: <3> but was: <-1>',
      '42 error [com/acme/CartTest.java:15] java.lang.IllegalStateException: no shop',
    ],
  ],
  ['node', 'maven/surefire', []],
  [
    'rspec',
    'rspec/default',
    [
      '5 error [./cart_spec.rb:5] cart adds: expected: 3, got: -1',
      "14 error [./cart_spec.rb:8] cart reads: NoMethodError: undefined method `items' for nil:NilClass",
    ],
  ],
  ['php', 'php/uncaught', ['1 error [/tmp/shop/more/php/a.php:2] Exception: no items']],
  ['php', 'php/parse', ['1 error [/tmp/shop/more/php/b.php:2] syntax error, unexpected token "{", expecting variable']],
  [
    'phpunit',
    'phpunit/default',
    ['9 error [/tmp/shop/more/php/CartTest.php:5] CartTest::testAdds: Failed asserting that -1 is identical to 3.'],
  ],
];

describe('the matchers of Python, Go, Rust, Java, Ruby and PHP', () => {
  for (const [matcher, fixture, problems] of expected) {
    it(`find with ${matcher} in ${fixture}`, () => assert.deepEqual(problemsIn(printed(fixture), named(matcher)).map(told), problems));
  }

  // As documented: these tools are not on every machine.
  const documented: [string, string, string[]][] = [
    [
      'ruff',
      'src/a.py:3:5: F401 [*] `os` imported but unused\nFound 1 error.\n',
      ['1 error [src/a.py:3:5] `os` imported but unused (F401)'],
    ],
    ['ruff', 'F401 [*] `os` imported but unused\n --> src/a.py:3:5\n  |\n', ['1 error [src/a.py:3:5] `os` imported but unused (F401)']],
    [
      'dotnet',
      'C:\\shop\\A.cs(3,5): error CS1002: ; expected [C:\\shop\\shop.csproj]\n',
      ['1 error [C:\\shop\\A.cs:3:5] ; expected (CS1002)'],
    ],
    [
      'dotnet',
      '  Failed CartTest.Adds [12 ms]\n  Error Message:\n   Assert.Equal() Failure\n  Stack Trace:\n     at CartTest.Adds() in /shop/CartTest.cs:line 12\n\n',
      ['1 error [/shop/CartTest.cs:12] CartTest.Adds: Assert.Equal() Failure'],
    ],
    [
      'gradle',
      'e: file:///shop/src/Main.kt:3:5 Unresolved reference: x\n',
      ['1 error [file:///shop/src/Main.kt:3:5] Unresolved reference: x'],
    ],
    [
      'gradle',
      'CartTest > adds() FAILED\n    org.opentest4j.AssertionFailedError at CartTest.java:12\n\n',
      ['1 error [CartTest.java:12] CartTest > adds()'],
    ],
    ['cargo-test', "thread 'tests::adds' panicked at 'no', src/lib.rs:9:5\n", ['1 error [src/lib.rs:9:5] tests::adds: no']],
  ];
  for (const [matcher, text, problems] of documented) {
    it(`find with ${matcher} what is documented: ${text.slice(0, 30).trim()}…`, () =>
      assert.deepEqual(problemsIn(text, named(matcher)).map(told), problems));
  }

  it('find nothing in summaries', () => {
    const summaries = [
      'error: could not compile `shop` (bin "shop") due to 2 previous errors',
      'error: aborting due to 2 previous errors',
      'FAIL\texample.com/shop\t0.002s',
      '[ERROR] Tests run: 2, Failures: 1, Errors: 1, Skipped: 0',
      '[INFO] BUILD FAILURE',
      'FAILURES!',
      '2 examples, 2 failures',
      'test result: FAILED. 1 passed; 1 failed; 0 ignored',
    ];
    assert.deepEqual(problemsIn(`${summaries.join('\n')}\n`, builtInMatchers), []);
  });
});
