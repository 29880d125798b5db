import * as assert from 'node:assert/strict';
import { nothingContributed, readMatcher } from '../../../../../src/core/logs/matchers/definition';
import { patternMatcher } from '../../../../../src/core/logs/matchers/pattern';
import { selectMatchers } from '../../../../../src/core/logs/matchers/select';
import type { FoundProblem } from '../../../../../src/core/model/problem';
import { ProblemFinder } from '../../../../../src/core/logs/problem-finder';

function find(definition: unknown, log: string, contributed = nothingContributed): FoundProblem[] {
  const { matcher, errors } = readMatcher(definition, 'mine', contributed);
  assert.deepEqual(errors, []);
  assert.ok(matcher);
  const found: FoundProblem[] = [];
  const finder = new ProblemFinder([patternMatcher(matcher)], (problem) => found.push(problem));
  finder.take(Buffer.from(log));
  finder.end();
  return found;
}

describe('a problem matcher in the format of VS Code', () => {
  it('takes file, line, column and message from its groups', () => {
    const definition = {
      owner: 'cpp',
      fileLocation: ['relative', '${workspaceFolder}'],
      pattern: { regexp: '^(.*):(\\d+):(\\d+):\\s+(warning|error):\\s+(.*)$', file: 1, line: 2, column: 3, severity: 4, message: 5 },
    };
    assert.deepEqual(find(definition, 'helloWorld.c:5:3: warning: implicit declaration\n'), [
      { severity: 'warning', message: 'implicit declaration', source: 'cpp', file: 'helloWorld.c', line: 5, column: 3, logLine: 1 },
    ]);
  });

  it('is file, line, column and message when no group is named', () => {
    assert.deepEqual(find({ pattern: { regexp: '^(\\S+) (\\d+) (\\d+) bad$' } }, 'a.x 3 4 bad\n'), [
      { severity: 'error', message: 'a.x 3 4 bad', source: 'mine', file: 'a.x', line: 3, column: 4, logLine: 1 },
    ]);
  });

  it('reads patterns of several lines, the last as often as it comes', () => {
    const definition = {
      severity: 'warning',
      pattern: [
        { regexp: '^([^\\s].*)$', file: 1 },
        { regexp: '^\\s+(\\d+):(\\d+)\\s+(.*)$', line: 1, column: 2, message: 3, loop: true },
      ],
    };
    const found = find(definition, 'a.js\n  1:2  one\n  3:4  two\nb.js\n  5:6  three\n');
    assert.deepEqual(
      found.map(({ file, line, column, message, severity, logLine }) => [file, line, column, message, severity, logLine]),
      [
        ['a.js', 1, 2, 'one', 'warning', 2],
        ['a.js', 3, 4, 'two', 'warning', 3],
        ['b.js', 5, 6, 'three', 'warning', 5],
      ],
    );
  });

  it('starts relative paths where it says', () => {
    const definition = {
      fileLocation: ['relative', '${workspaceFolder}/web'],
      pattern: { regexp: '^(\\S+):(\\d+) (.*)$', file: 1, line: 2, message: 3 },
    };
    assert.deepEqual(
      find(definition, 'src/a.x:3 no\n/abs/a.x:4 no\n').map(({ file }) => file),
      ['web/src/a.x', '/abs/a.x'],
    );
  });

  it('reads a location as one group', () => {
    const definition = { pattern: { regexp: '^(\\S+)\\(([\\d,]+)\\): (.*)$', file: 1, location: 2, message: 3 } };
    assert.deepEqual(
      find(definition, 'a.x(3,4): no\nb.x(5): no\n').map(({ line, column }) => [line, column]),
      [
        [3, 4],
        [5, undefined],
      ],
    );
  });

  it('builds on what an extension contributes', () => {
    const contributed = {
      matchers: { tool: { pattern: '$tool-line', severity: 'info' } },
      patterns: { 'tool-line': { regexp: '^(\\S+)@(\\d+) (.*)$', file: 1, line: 2, message: 3 } },
    };
    assert.deepEqual(
      find({ base: '$tool' }, 'a.x@7 hm\n', contributed).map(({ severity, line }) => [severity, line]),
      [['info', 7]],
    );
    const { wanted, notices } = selectMatchers(['$tool', 'tsc', '$gcc', '$nobody', 'typo'], contributed);
    assert.deepEqual(
      wanted.own.map(({ name }) => name),
      ['tool'],
    );
    assert.deepEqual(wanted.builtIn, ['tsc', 'gcc']);
    assert.equal(notices.length, 2);
    assert.match(notices[0] ?? '', /\$nobody is not known here/);
  });

  const wrong: [string, unknown, string][] = [
    ['no pattern', {}, 'a matcher needs a `pattern` with a `regexp`'],
    ['no regexp', { pattern: {} }, 'a pattern needs a `regexp`'],
    ['a broken regexp', { pattern: { regexp: '(' } }, 'this is no regular expression: /(/: Unterminated group'],
    ['a group that is no number', { pattern: { regexp: 'x', file: 'a' } }, '`file` is the number of a group of the regular expression'],
    ['a loop too early', { pattern: [{ regexp: 'a', loop: true }, { regexp: 'b' }] }, '`loop` goes with the last pattern only'],
    ['a severity of its own', { pattern: { regexp: 'x' }, severity: 'bad' }, 'a severity is error, warning or info'],
    ['a base that nobody has', { base: '$x', pattern: { regexp: 'x' } }, 'there is no such matcher to build on'],
  ];
  for (const [what, definition, message] of wrong) {
    it(`is refused with ${what}`, () => {
      assert.deepEqual(
        readMatcher(definition, 'mine', nothingContributed).errors.map((error) => error.message),
        [message],
      );
    });
  }
});
