import * as assert from 'node:assert/strict';
import { diffLines } from '../../../../src/core/changes/diff-lines';
import { splitLines, type Hunk } from '../../../../src/core/changes/hunks';
import { mapLine } from '../../../../src/core/changes/line-map';

const lines = (text: string): string[] => splitLines(text.replace(/ \/ /g, '\n'));
const old = 'import a from "a"; / function first() { /   return cartOf(customer); / } / function second() { /   return priceOf(cart); / }';
const [a, f1, r1, e1, f2, r2, e2] = lines(old) as [string, string, string, string, string, string, string];

/** Where each line of `old` is now: its line, with `~` when edited, `?` when approximate, `-` when gone. */
function placesOf(before: readonly string[], after: readonly string[], hunks: readonly Hunk[]): string {
  const marks = { exact: '', edited: '~', approximate: '?' };
  return before
    .map((_, index) => {
      const place = mapLine(index + 1, hunks, before, after);
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
  'everything rewritten': [['package shop', '', 'func main() { run(0) }'], '- - - - - - -'],
  'an emptied file': [[], '- - - - - - -'],
};

describe('a line of an earlier text', () => {
  for (const [change, [after, places]] of Object.entries(cases)) {
    it(`after: ${change}`, () => {
      const before = lines(old);
      assert.equal(placesOf(before, after, diffLines(before, after)), places);
    });
  }

  it('that is not in the text is nowhere', () => {
    for (const line of [0, -1, 8, 1.5, Number.NaN]) assert.equal(mapLine(line, [], lines(old), lines(old)), undefined);
  });
});
