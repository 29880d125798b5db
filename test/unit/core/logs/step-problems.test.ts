import * as assert from 'node:assert/strict';
import type { FoundProblem } from '../../../../src/core/model/problem';
import { failureReason } from '../../../../src/core/runner/failure-reason';
import type { CommandEnd } from '../../../../src/core/process/command';
import { callsTools, ProblemList } from '../../../../src/core/logs/problem-reporter';
import type { Step } from '../../../../src/core/model/pipeline';

const at = (line: number, column?: number): { path: string; line: number; column?: number } => ({
  path: 'src/a.ts',
  line,
  ...(column !== undefined && { column }),
});
const error = (message: string, source: string, more: Partial<FoundProblem> = {}): FoundProblem => ({
  severity: 'error',
  message,
  source,
  ...more,
});
const trace = { frames: [{ file: 'src/a.ts', line: 3 }] };

describe('the problems of a step', () => {
  it('are told once, with how often they came', () => {
    const list = new ProblemList('failed');
    for (let i = 0; i < 3; i++) list.add(error('no', 'tsc'), at(3, 1));
    list.add(error('no', 'tsc'), at(4, 1));
    assert.deepEqual(
      list.all().map(({ line, count }) => [line, count]),
      [
        [3, 3],
        [4, undefined],
      ],
    );
  });

  it('are one where a test runner, its stack and its report tell of the same place', () => {
    const list = new ProblemList('failed');
    list.add(error('cart › adds: TypeError: no', 'jest', trace), at(3, 5));
    list.add(error('TypeError: no', 'node', trace), at(3, 5));
    list.add(error('cart adds: no', 'junit', trace), at(3));
    assert.deepEqual(
      list.all().map(({ message, count }) => [message, count]),
      [['cart › adds: TypeError: no', undefined]],
    );
  });

  it('are one where a log without a stack and a report tell of the same line', () => {
    const list = new ProblemList('failed');
    list.add(error('TestAdds: got 3', 'go-test', { file: 'a.go', line: 3 }), at(3));
    list.add(error('example.com/shop › TestAdds: got 3', 'junit', trace), at(3));
    assert.deepEqual(
      list.all().map(({ message }) => message),
      ['TestAdds: got 3'],
    );
  });

  it('are several where two compilers complain of one line', () => {
    const list = new ProblemList('failed');
    list.add(error('unused', 'eslint-stylish'), at(3, 1));
    list.add(error('wrong', 'tsc'), at(3, 1));
    list.add(error('wrong too', 'tsc'), at(3, 9));
    assert.equal(list.all().length, 3);
  });

  it('take the place that only one of two tellings knows', () => {
    const list = new ProblemList('failed');
    list.add(error('SyntaxError: x', 'node', { frames: [{ file: 'node:internal/x' }] }), undefined);
    list.add(error('SyntaxError: x', 'node', trace), at(3));
    assert.deepEqual(
      list.all().map(({ path, line }) => [path, line]),
      [['src/a.ts', 3]],
    );
  });

  it('begin with errors, each kind in the order of the log', () => {
    const list = new ProblemList('failed');
    list.add({ ...error('w1', 'tsc'), severity: 'warning' }, at(1));
    list.add(error('e1', 'tsc'), at(2));
    list.add({ ...error('i1', 'tsc'), severity: 'info' }, at(3));
    list.add(error('e2', 'tsc'), at(4));
    assert.deepEqual(
      list.all().map(({ message }) => message),
      ['e1', 'e2', 'w1', 'i1'],
    );
  });

  it('are warnings alone where the step passed', () => {
    const list = new ProblemList('passed');
    list.add(error('a stack that was printed and handled', 'node', trace), at(2));
    list.add({ ...error('w', 'tsc'), severity: 'warning' }, at(1));
    assert.deepEqual(
      list.all().map(({ message }) => message),
      ['w'],
    );
  });

  it('say what was printed where no file is certain', () => {
    const list = new ProblemList('failed');
    list.add(error('x', 'gcc', { file: '/usr/include/a.h', line: 3, column: 4 }), undefined);
    assert.deepEqual(list.all()[0], { severity: 'error', message: 'x', source: 'gcc', printed: '/usr/include/a.h:3:4' });
  });
});

describe('callsTools', () => {
  it('is true only for commands whose tools certainly ran in the folder of the service', () => {
    for (const run of ['tsc -p .', 'npx tsc && npx eslint .', 'CI=1 pytest -q\nruff check', 'node_modules/.bin/mocha', 'gcc -c src/a.c'])
      assert.ok(callsTools(run), run);
    for (const run of [
      'npm test',
      'make',
      'cd lib; tsc',
      '(cd lib && tsc)',
      'go test ./...',
      './build.sh',
      'tsc && npm test',
      'cat out.txt',
      'tsc-all',
    ])
      assert.ok(!callsTools(run), run);
  });
});

describe('why a command failed', () => {
  const step: Step = { name: 'a', needs: [], run: 'x', outputs: [], env: {}, secrets: [], reports: [], retries: 0, timeoutMs: 5000 };
  const cases: [string, CommandEnd, string, RegExp | undefined][] = [
    ['a command that is not there', { exitCode: 127 }, '/bin/sh: 1: tsx: not found\n', /^the command tsx was not found: /],
    ['one that bash does not find', { exitCode: 127 }, 'bash: line 1: tsx: command not found\n', /^the command tsx was not found: /],
    [
      'a file that is not executable',
      { exitCode: 126 },
      '/bin/sh: 1: ./build.sh: Permission denied\n',
      /^\.\/build\.sh is not executable: run git update-index/,
    ],
    ['a taken port', { exitCode: 1 }, 'Error: listen EADDRINUSE: address already in use :::8080\n', /^port 8080 is in use/],
    ['a full disk', { exitCode: 1 }, 'write error: No space left on device\n', /^the disk is full/],
    [
      'no memory',
      { exitCode: 134 },
      'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory\n',
      /^it ran out of memory/,
    ],
    ['the system’s killer', { signal: 'SIGKILL' }, '', /^it was killed, probably because memory ran out/],
    ['a shell that tells of it', { exitCode: 137 }, 'Killed\n', /^it was killed/],
    ['a signal', { signal: 'SIGSEGV' }, '', /^it was ended by SIGSEGV$/],
    ['its timeout', { ended: 'timeout', signal: 'SIGTERM' }, '', /^it exceeded its timeout of 5 s: /],
    ['no start', { error: 'spawn /bin/sh ENOENT' }, '', /^it could not be started: spawn/],
    ['itself', { exitCode: 1 }, '2 tests failed\n', undefined],
  ];
  for (const [what, end, tail, reason] of cases) {
    it(`is told: ${what}`, () => {
      const told = failureReason(step, end, tail);
      if (reason === undefined) assert.equal(told, undefined);
      else assert.match(told ?? '', reason);
    });
  }
});
