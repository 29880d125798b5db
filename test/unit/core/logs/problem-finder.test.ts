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
