import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { readJunit } from '../../../../src/core/logs/junit';
import { readReports, stampReports } from '../../../../src/core/logs/reports';
import { temporaryFolder } from '../../../support/temporary';

const read = (xml: string): ReturnType<typeof readJunit> => readJunit(Buffer.from(xml));
const fixture = (name: string): string[] => {
  const { problems, error } = readJunit(fs.readFileSync(path.join(__dirname, 'reports', `${name}.xml`)));
  assert.equal(error, undefined);
  return problems.map(({ message, frames, file, line }) => {
    const [first] = frames ?? (file === undefined ? [] : [{ file, line }]);
    return `${message.slice(0, 60)} @ ${first ? `${first.file}:${first.line}` : ''}`;
  });
};

/** Written by the tools themselves. */
const written: Record<string, string[]> = {
  'mocha-xunit': [
    'cart › adds prices: Expected values to be strictly equal: -1 @ test/cart.mocha.js:6',
    'cart reading › reads items: Cannot read properties of undefi @ src/cart.js:3',
    'cart reading › finishes in time: Timeout of 50ms exceeded. F @ node:internal/timers:581',
  ],
  'mocha-junit-reporter': [
    'cart adds prices: Expected values to be strictly equal: -1 ! @ test/cart.mocha.js:6',
    'cart reading reads items: Cannot read properties of undefine @ src/cart.js:3',
    'cart reading finishes in time: Timeout of 50ms exceeded. For @ node:internal/timers:581',
  ],
  'jest-junit': [
    'cart adds prices: Error: expect(received).toBe(expected) //  @ /tmp/shopjs/test/cart.jest.js:5',
    'cart reads items: TypeError: Cannot read properties of undef @ /tmp/shopjs/src/cart.js:3',
  ],
  vitest: [
    'cart > adds prices: expected -1 to be 3 // Object.is equalit @ test/cart.test.mjs:6',
    'cart > reads items: Cannot read properties of undefined (rea @ src/cart.js:3',
  ],
  'node-test': [
    'cart › adds prices: Expected values to be strictly equal: -1 @ /tmp/shopjs/test/cart.node.js:7',
    'cart › reads items: Cannot read properties of undefined (rea @ /tmp/shopjs/src/cart.js:3',
  ],
  pytest: [
    "tests.test_cart › test_adds: AssertionError: assert '-1' ==  @ tests/test_cart.py:7",
    "tests.test_cart.TestReading › test_reads: AttributeError: 's @ cart.py:6",
  ],
  surefire: [
    'com.acme.CartTest › adds: expected: <3> but was: <-1> @ org/junit/jupiter/api/AssertionFailureBuilder.java:151',
    'com.acme.CartTest › opens: no shop @ com/acme/CartTest.java:15',
  ],
  gotestsum: [
    'example.com/shop › TestAdd: Add(1, 2) = -1, want 3 @ cart_test.go:7',
    'example.com/shop/cart › TestAdds/one: Add() = 1, want 2 @ cart_test.go:8',
    'example.com/shop/cart › TestRefuses: panic: an item is neede @ /usr/lib/go-1.19/src/testing/testing.go:1396',
  ],
};

describe('a JUnit report', () => {
  for (const [tool, expected] of Object.entries(written)) {
    it(`of ${tool} tells its failing tests, and where`, () => assert.deepEqual(fixture(tool), expected));
  }

  it('of surefire, as its schema has it, names the class where there is no stack, and no flaky test', () => {
    const { problems } = read(`<?xml version="1.0" encoding="UTF-8"?>
<testsuite name="com.acme.CartTest" tests="3" failures="1" errors="1">
  <testcase name="adds" classname="com.acme.CartTest" time="0.01">
    <failure message="expected: &lt;1&gt; but was: &lt;2&gt;" type="org.opentest4j.AssertionFailedError"><![CDATA[org.opentest4j.AssertionFailedError: expected: <1> but was: <2>
	at org.junit.jupiter.api.AssertionUtils.fail(AssertionUtils.java:55)
	at com.acme.CartTest.adds(CartTest.java:12)
]]></failure>
  </testcase>
  <testcase name="opens" classname="com.acme.CartTest"><error message="no shop" type="java.io.IOException"/></testcase>
  <testcase name="flaky" classname="com.acme.CartTest"><flakyFailure message="once" type="x"/></testcase>
  <testcase name="later" classname="com.acme.CartTest"><skipped/></testcase>
</testsuite>`);
    assert.deepEqual(
      problems.map(({ message, frames, file }) => [message, frames?.at(1)?.file ?? file]),
      [
        ['com.acme.CartTest › adds: expected: <1> but was: <2>', 'com/acme/CartTest.java'],
        ['com.acme.CartTest › opens: no shop', 'com/acme/CartTest.java'],
      ],
    );
  });

  it('of cargo-nextest tells a failing test once however often it was run again, and no flaky one', () => {
    const panic = (test: string, line: number): string =>
      `thread &apos;${test}&apos; panicked at src/cart.rs:${line}:9:\nassertion \`left == right\` failed\n  left: 2\n right: 3\n` +
      'note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace';
    const again = (kind: string, test: string, line: number): string =>
      `<${kind} timestamp="2026-11-24T09:00:01.000+00:00" time="0.004" type="test failure">${panic(test, line)}
                <system-out>
running 1 test
test ${test} ... FAILED
</system-out>
                <system-err>${panic(test, line)}
</system-err>
            </${kind}>`;
    const { problems, error } = read(`<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="nextest-run" tests="3" failures="1" errors="0" uuid="5a1c" timestamp="2026-11-24T09:00:00.000+00:00" time="0.023">
    <testsuite name="shop::cart" tests="3" disabled="0" errors="0" failures="1">
        <testcase name="empties" classname="shop::cart" timestamp="2026-11-24T09:00:00.001+00:00" time="0.004">
        </testcase>
        <testcase name="adds" classname="shop::cart" timestamp="2026-11-24T09:00:00.001+00:00" time="0.004">
            <failure type="test failure">${panic('adds', 11)}</failure>
            ${again('rerunFailure', 'adds', 11)}
            <system-out>
running 1 test
</system-out>
        </testcase>
        <testcase name="counts" classname="shop::cart" timestamp="2026-11-24T09:00:00.003+00:00" time="0.004">
            ${again('flakyFailure', 'counts', 40)}
        </testcase>
    </testsuite>
</testsuites>
`);
    assert.equal(error, undefined);
    assert.deepEqual(
      problems.map(({ message, frames }) => [message.split(':', 1)[0], frames]),
      [['shop', [{ file: 'src/cart.rs', line: 11, column: 9 }]]],
    );
    assert.match(problems[0]?.message ?? '', /^shop::cart › adds: thread 'adds' panicked/);
  });

  it('has a problem for each failure of a test', () => {
    const { problems } = read(`<testsuites><testsuite name="catch"><testcase classname="catch.global" name="totals">
      <failure message="total({1, 2}) == 3" type="CHECK">
FAILED:
  CHECK( total({1, 2}) == 3 )
with expansion:
  4 == 3
at src/catch.cpp:8
      </failure>
      <failure message="total({}) == 0" type="REQUIRE">
FAILED:
  REQUIRE( total({}) == 0 )
with expansion:
  1 == 0
at src/catch.cpp:10
      </failure></testcase></testsuite></testsuites>`);
    assert.deepEqual(
      problems.map(({ message, frames }) => [message, frames]),
      [
        ['catch.global › totals: total({1, 2}) == 3: 4 == 3', [{ file: 'src/catch.cpp', line: 8 }]],
        ['catch.global › totals: total({}) == 0: 1 == 0', [{ file: 'src/catch.cpp', line: 10 }]],
      ],
    );
  });

  it('of pytest names the module that cannot be collected, and why', () => {
    const { problems } = read(`<testsuites><testsuite name="pytest"><testcase classname="" name="tests.test_cart">
<error message="collection failure">ImportError while importing test module '/app/tests/test_cart.py'.
Traceback:
/usr/lib/python3.11/importlib/__init__.py:126: in import_module
    return _bootstrap._gcd_import(name[level:], package, level)
tests/test_cart.py:1: in &lt;module&gt;
    import nope
E   ModuleNotFoundError: No module named 'nope'</error></testcase></testsuite></testsuites>`);
    assert.match(problems[0]?.message ?? '', /tests\.test_cart: ModuleNotFoundError: No module named 'nope'$/);
    assert.deepEqual(problems[0]?.frames?.[0], { file: 'tests/test_cart.py', line: 1 });
  });

  it('of GoogleTest has the values', () => {
    const { problems } = read(
      '<testsuite name="Cart"><testcase name="Total" classname="Cart"><failure message="cc/test.cpp:5&#x0A;Expected equality of these values:&#x0A;  total({1, 2})&#x0A;    Which is: 4&#x0A;  3" type=""><![CDATA[cc/test.cpp:5\nExpected equality]]></failure></testcase></testsuite>',
    );
    assert.deepEqual(
      problems.map(({ message, frames }) => [message, frames?.[0]]),
      [['Cart › Total: Expected equality of these values: total({1, 2}), Which is: 4, 3', { file: 'cc/test.cpp', line: 5 }]],
    );
  });

  it('of Go names the package of a file', () => {
    const { problems } =
      read(`<testsuites><testsuite name="example.com/shop/cart"><testcase classname="example.com/shop/cart" name="TestAdds">
<failure message="Failed" type="">    main_test.go:12: got 3, want 4
</failure></testcase></testsuite></testsuites>`);
    assert.deepEqual(
      problems.map(({ folder, frames }) => [folder, frames]),
      [['example.com/shop/cart', [{ file: 'main_test.go', line: 12 }]]],
    );
  });

  it('of bats, minitest and GoogleTest names the place in its text', () => {
    const places = [
      "(in test file sh/cart.bats, line 3)\n  `false' failed",
      'Failure:\nCartTest#test_total [rb/cart_test.rb:5]:\nno',
      'cc/cart.cpp:7\nno',
    ];
    for (const [index, place] of ['sh/cart.bats:3', 'rb/cart_test.rb:5', 'cc/cart.cpp:7'].entries()) {
      const { problems } = read(`<testsuite><testcase name="a"><failure>${places[index]}</failure></testcase></testsuite>`);
      const [frame] = problems[0]?.frames ?? [];
      assert.equal(`${frame?.file}:${frame?.line}`, place);
    }
  });

  it('may have any number of failures', () => {
    const test = '<testcase name="t" classname="cart"><failure message="no">at x (/app/src/a.js:1:3)</failure></testcase>';
    const { problems } = read(`<testsuite>${test.repeat(130_000)}</testsuite>`);
    assert.equal(problems.length, 130_000);
  });

  it('may hold the colours of a message', () => {
    const { problems, error } = read(
      '<testsuite><testcase name="a"><failure message="\x1b[31mred\x1b[39m &#27;[1mbold"/></testcase></testsuite>',
    );
    assert.equal(error, undefined);
    assert.deepEqual(
      problems.map(({ message }) => message),
      ['a: red bold'],
    );
  });

  it('of phpunit says in its text what is wrong', () => {
    const { problems } =
      read(`<testsuites><testsuite name="CartTest" file="/tmp/shop/CartTest.php"><testcase name="testAdds" class="CartTest" classname="CartTest" file="/tmp/shop/CartTest.php" line="7">
<failure type="PHPUnit\\Framework\\ExpectationFailedException">CartTest::testAdds
Failed asserting that -1 matches expected 3.

/tmp/shop/CartTest.php:9</failure></testcase></testsuite></testsuites>`);
    assert.equal(problems[0]?.message, 'CartTest › testAdds: Failed asserting that -1 matches expected 3.');
    assert.deepEqual(problems[0].frames?.[0], { file: '/tmp/shop/CartTest.php', line: 9 });
  });

  const bomb = `<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><testsuite><testcase name="x"><failure message="&b;"/></testcase></testsuite>`;
  const refused: [string, string, RegExp][] = [
    [
      'half-written',
      '<testsuite><testcase name="a"><failure message="x"/></testcase><testcase na',
      /^line 1, column \d+: (unexpected end|unclosed tag)/,
    ],
    ['with entities of its own', bomb, /^line 1, column \d+: it declares entities of its own/],
    ['that is HTML', '<html><body>Bad gateway</body></html>', /^line 1, column \d+: <html> is no JUnit report/],
    ['that is no XML', 'Segmentation fault', /^line 1, column \d+: /],
    ['of another tool', '<assemblies/>', /<assemblies> is no JUnit report/],
    ['with NUL bytes', '<testsuite>\0</testsuite>', /^it holds NUL bytes/],
    ['of endless references', `<testsuite>${'&x;'.repeat(10_000)}`, /^line 1, column \d+: /],
    ['that is empty', '', /^the file is empty/],
    ['of endless depth', '<testsuite>'.repeat(5000), /deep in each other/],
  ];
  for (const [what, xml, message] of refused) {
    it(`${what} is refused with a sentence`, () => {
      const { problems, error } = read(xml);
      assert.match(error ?? '', message);
      assert.deepEqual(problems, []);
    });
  }
});

describe('the reports of a step', () => {
  const folder = temporaryFolder();
  const write = (file: string, text: string, age = 0): void => {
    const whole = path.join(folder.path, file);
    fs.mkdirSync(path.dirname(whole), { recursive: true });
    fs.writeFileSync(whole, text);
    const at = new Date(Date.now() - age);
    fs.utimesSync(whole, at, at);
  };
  const report = (name: string): string => `<testsuite><testcase name="${name}"><failure message="no"/></testcase></testsuite>`;

  it('are those that the globs name and that the step has written', async () => {
    for (const name of ['old', 'same', 'future']) write(`reports/${name}.xml`, report(name), name === 'future' ? -60_000 : 0);
    const before = await stampReports(folder.path, ['reports/*.xml']);
    const { atime, mtime } = fs.statSync(path.join(folder.path, 'reports/same.xml'));
    write('reports/same.xml', report('same'));
    fs.utimesSync(path.join(folder.path, 'reports/same.xml'), atime, mtime);
    write('reports/new.xml', report('new'), 60_000);
    write('other/x.xml', report('other'));
    write('outside.xml', report('outside'));
    fs.symlinkSync('../outside.xml', path.join(folder.path, 'reports', 'link.xml'));
    const { problems, failures } = await readReports(folder.path, ['reports/*.xml'], before);
    assert.deepEqual(
      problems.map(({ message }) => message),
      ['new: no', 'same: no'],
    );
    assert.deepEqual(failures, []);
  });

  it('lie in the folder, also behind links', async () => {
    const outside = fs.mkdtempSync(path.join(path.dirname(folder.path), 'outside-'));
    fs.writeFileSync(path.join(outside, 'x.xml'), report('outside'));
    fs.symlinkSync(outside, path.join(folder.path, 'link'));
    const { problems } = await readReports(folder.path, ['link/x.xml', '**/*.xml'], new Map());
    fs.rmSync(outside, { recursive: true });
    assert.deepEqual(problems, []);
  });

  it('that cannot be read are named', async () => {
    write('a.xml', '<testsuite');
    const { failures } = await readReports(folder.path, ['*.xml'], new Map());
    assert.deepEqual(
      failures.map(({ file }) => file),
      ['a.xml'],
    );
  });
});
