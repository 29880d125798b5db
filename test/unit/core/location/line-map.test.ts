import * as assert from 'node:assert/strict';
import { diffLines, parseHunks, splitLines, type Hunk } from '../../../../src/core/location/diff-lines';
import { LineMap } from '../../../../src/core/location/line-map';

const lines = (text: string): string[] => splitLines(text.replace(/ \/ /g, '\n'));
const old = 'import a from "a"; / function first() { /   return cartOf(customer); / } / function second() { /   return priceOf(cart); / }';
const [a, f1, r1, e1, f2, r2, e2] = lines(old) as [string, string, string, string, string, string, string];

/** Returns the new line of each line of `before`, with `~` if edited and `?` if approximate, or `-` if gone. */
function placesOf(before: readonly string[], after: readonly string[], hunks: readonly Hunk[]): string {
  const marks = { exact: '', edited: '~', approximate: '?' };
  return before
    .map((_, index) => {
      const place = new LineMap(before, after, hunks).map(index + 1);
      return place ? `${place.line}${marks[place.confidence]}` : '-';
    })
    .join(' ');
}

const cases: Record<string, readonly [after: readonly string[], places: string]> = {
  'nothing changed': [[a, f1, r1, e1, f2, r2, e2], '1 2 3 4 5 6 7'],
  'lines added above': [['// one', '// two', a, f1, r1, e1, f2, r2, e2], '3 4 5 6 7 8 9'],
  'lines added between': [[a, f1, r1, e1, '', '// new', f2, r2, e2], '1 2 3 4 7 8 9'],
  'lines added below': [[a, f1, r1, e1, f2, r2, e2, '// new'], '1 2 3 4 5 6 7'],
  'lines removed above': [[f2, r2, e2], '- - - - 1 2 3'],
  'a line edited a little': [[a, f1, '  return cartOf(theCustomer);', e1, f2, r2, e2], '1 2 3? 4 5 6 7'],
  'a line replaced by another': [[a, f1, '  throw new Error("gone");', e1, f2, r2, e2], '1 2 - 4 5 6 7'],
  'a line removed': [[a, f1, e1, f2, r2, e2], '1 2 - 3 4 5 6'],
  'a function indented into a block': [
    [a, 'if (open) {', `  ${f1}`, `  ${r1}`, `  ${e1}`, `  ${f2}`, `  ${r2}`, `  ${e2}`, '}'],
    '1 3~ 4~ 5~ 6~ 7~ 9',
  ],
  'the two functions swapped': [[a, f2, r2, e2, f1, r1, e1], '1 5 6 - 2~ 3~ 7'],
  'a line that occurs twice now': [[a, f1, r1, r1, e1, f2, r2, e2], '1 2 3 5 6 7 8'],
  'a line that may be either of two': [[a, f1, `${r1}//1`, `${r1}//2`, e1, f2, r2, e2], '1 2 - 5 6 7 8'],
  'nothing kept but brackets': [['x', 'y', 'z', e1, 'u', 'v', 'w'], '- - - - - - 4?'],
  'all between the first and the last lines gone': [[a, f1, '  return;', e1], '1 2 - - - - 4'],
  'everything rewritten': [['package shop', '', 'func main() { run(0) }'], '- - - - - - -'],
  'an emptied file': [[], '- - - - - - -'],
};

describe('a line of an earlier text', () => {
  for (const [change, [after, places]] of Object.entries(cases)) {
    it(`is mapped after this change: ${change}`, () => {
      const before = lines(old);
      assert.equal(placesOf(before, after, diffLines(before, after)), places);
    });
  }

  const kept: Record<string, readonly [before: string, after: string, places: string]> = {
    'line ends became those of Windows': ['one\ntwo\nthree\n', 'zero\r\none\r\ntwo\r\nthree\r\n', '2 3 4'],
    'line ends became those of Unix': ['one\r\ntwo\r\n', 'zero\none\ntwo\n', '2 3'],
    'the last line lost its end': ['one\ntwo\n', 'one\ntwo', '1 2'],
    'the last line got an end and a follower': ['one\ntwo', 'one\ntwo\nthree\n', '1 2'],
    'the file was empty': ['', 'one\n', ''],
    'the first line went': ['one\ntwo\n', 'two\n', '- 1'],
    'blank lines came between': ['one\n\ntwo\n', '\n\none\n\n\ntwo\n', '3 5 6'],
  };
  for (const [change, [before, after, places]] of Object.entries(kept)) {
    it(`is mapped after this change: ${change}`, () => {
      const [was, now] = [splitLines(before), splitLines(after)];
      assert.equal(placesOf(was, now, diffLines(was, now)), places);
    });
  }

  it('is not mapped by the hunks of other texts', () => {
    const hunks = [{ oldStart: 0, oldLines: 0, newStart: 1, newLines: 1 }];
    assert.equal(placesOf(['one', 'two'], ['zero', 'uno', 'due'], hunks), '- -');
  });

  it('is not mapped if it does not exist', () => {
    for (const line of [0, -1, 8, 1.5, Number.NaN]) assert.equal(new LineMap(lines(old), lines(old), []).map(line), undefined);
  });
});

describe('a list of hunks', () => {
  it('is parsed from the output of git, even if lines look like a hunk’s head', () => {
    const head = 'diff --git a/x b/x\nindex 1..2 100644\n--- a/x\n+++ b/x\n';
    const body =
      '@@ -0,0 +1,2 @@\n+one\n+@@ -9 +9 @@\n@@ -4 +6 @@ function x() {\n-old\n+new\n\\ No newline at end of file\n@@ -8,3 +9,0 @@\n-a\n-b\n-c\n';
    assert.deepEqual(parseHunks(head + body), [
      { oldStart: 0, oldLines: 0, newStart: 1, newLines: 2 },
      { oldStart: 4, oldLines: 1, newStart: 6, newLines: 1 },
      { oldStart: 8, oldLines: 3, newStart: 9, newLines: 0 },
    ]);
    assert.deepEqual(parseHunks(''), []);
  });

  it('turns any text into any other', () => {
    let state = 7;
    const choose = (below: number): number => (state = (Math.imul(state, 48_271) >>> 0) % 2_147_483_647) % below;
    for (let round = 0; round < 500; round++) {
      const words = 1 + choose(30);
      const text = (): string[] => Array.from({ length: choose(40) }, () => `w${choose(words)}`);
      const [before, after] = [text(), text()];
      assert.deepEqual(applied(diffLines(before, after), before, after), after, JSON.stringify([before, after]));
    }
  });

  it('is short if all lines are new or a huge text cannot be compared in full', () => {
    assert.deepEqual(diffLines(['a', 'b'], ['c']), [{ oldStart: 1, oldLines: 2, newStart: 1, newLines: 1 }]);
    const huge = Array.from({ length: 100_000 }, (_, index) => `line ${index % 7}`);
    const other = huge.map((line, index) => (index % 5 === 0 ? `${line}!` : line));
    assert.deepEqual(applied(diffLines(huge, other), huge, other), other);
  });
});

/** Rebuilds the newer text from the older one and the hunks. */
function applied(hunks: readonly Hunk[], before: readonly string[], after: readonly string[]): string[] {
  const result: string[] = [];
  let next = 1;
  for (const { oldStart, oldLines, newStart, newLines } of hunks) {
    const first = oldLines === 0 ? oldStart + 1 : oldStart;
    result.push(...before.slice(next - 1, first - 1));
    assert.equal(result.length, newLines === 0 ? newStart : newStart - 1);
    result.push(...after.slice(result.length, result.length + newLines));
    next = first + oldLines;
  }
  for (const line of before.slice(next - 1)) result.push(line);
  return result;
}
