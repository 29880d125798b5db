import type { Matcher } from './matcher';
import { oneLine } from './one-line';
import { patternMatcher } from './pattern';

const tscPlain = oneLine(
  'tsc',
  { holds: ['error TS', 'warning TS', 'info TS'] },
  {
    regexp: /^\s*(\S.*?)\((\d+),(\d+)\): (error|warning|info) (TS\d+): (.*)$/,
    file: 1,
    line: 2,
    column: 3,
    severity: 4,
    code: 5,
    message: 6,
  },
);

const tscPretty = oneLine(
  'tsc',
  { holds: ['error TS', 'warning TS', 'info TS'] },
  {
    regexp: /^(\S.*?):(\d+):(\d+) - (error|warning|info) (TS\d+): (.*)$/,
    file: 1,
    line: 2,
    column: 3,
    severity: 4,
    code: 5,
    message: 6,
  },
);

/** What concerns no file: options, or that there is nothing to compile. */
const tscAlone = oneLine(
  'tsc',
  { holds: ['error TS', 'warning TS', 'info TS'] },
  { regexp: /^(error) (TS\d+): (.*)$/, severity: 1, code: 2, message: 3 },
);

/** Also clang, and the format that many tools borrow from them. */
const gcc = oneLine(
  'gcc',
  { holds: [': error: ', ': warning: ', ': fatal error: '] },
  {
    regexp: /^(?!.*\.(?:pyi?|java|go|kt|sh):\d)(\S.*?):(\d+):(\d+): (fatal error|error|warning): (.+)$/,
    file: 1,
    line: 2,
    column: 3,
    severity: 4,
    message: 5,
  },
);

const linker = oneLine(
  'gcc',
  { holds: ['undefined reference to '] },
  {
    regexp: /^(?:\S*ld: )?([^:\s][^:]*?)(?::(\d+))?:(?:\(\.\w[^)]*\): |\s*)(undefined reference to .+)$/,
    file: 1,
    line: 2,
    message: 3,
  },
);

const javac = oneLine(
  'javac',
  { holds: [': error: ', ': warning: ', ': fatal error: '] },
  {
    regexp: /^\s*(\S.*?\.java):(\d+): (error|warning): (.+)$/,
    file: 1,
    line: 2,
    severity: 3,
    message: 4,
  },
);

const maven = oneLine(
  'maven',
  { first: '[' },
  {
    regexp: /^\[(ERROR|WARNING)\] (.+?):\[(\d+),(\d+)\] (?:error: )?(.+)$/,
    severity: 1,
    file: 2,
    line: 3,
    column: 4,
    message: 5,
  },
);

const kotlin = oneLine(
  'gradle',
  { first: 'e' },
  {
    regexp: /^e: (\S.*?\.kts?):(?: \()?(\d+)[:,] ?(\d+)\)?:? (.+)$/,
    file: 1,
    line: 2,
    column: 3,
    message: 4,
  },
);

const dotnet = oneLine(
  'dotnet',
  { holds: ['): error ', '): warning '] },
  {
    regexp: /^\s*(\S.*?)\((\d+),(\d+)\): (error|warning) (?!TS)([A-Z]+\d+): (.+?)(?: \[[^\]]+proj(?:::[^\]]*)?\])?$/,
    file: 1,
    line: 2,
    column: 3,
    severity: 4,
    code: 5,
    message: 6,
  },
);

/** `go build` and `go vet`: what `go test` prints of a test is indented. */
const go = oneLine(
  'go',
  { holds: ['.go:'] },
  {
    regexp: /^(?:vet: )?([^\s:][^:]*\.go):(\d+)(?::(\d+))?: (.+)$/,
    file: 1,
    line: 2,
    column: 3,
    message: 4,
  },
);

const rustc = patternMatcher({
  name: 'rustc',
  begins: { first: 'ew' },
  patterns: [
    { regexp: /^(error|warning)(?:\[(E\d+)\])?: (.+)$/, severity: 1, code: 2, message: 3 },
    { regexp: /^\s*--> (.+):(\d+):(\d+)$/, file: 1, line: 2, column: 3 },
  ],
});

const phpUncaught = oneLine(
  'php',
  { first: 'PF' },
  { regexp: /^(?:PHP )?Fatal error: +Uncaught (\S.*) in (\S.*):(\d+)$/, message: 1, file: 2, line: 3 },
);

const php = oneLine(
  'php',
  { first: 'PF' },
  {
    regexp: /^(?:PHP )?(?:Fatal|Parse|Recoverable fatal) error: +(\S.*) in (\S.*) on line (\d+)$/,
    message: 1,
    file: 2,
    line: 3,
  },
);

export const compilerMatchers: readonly Matcher[] = [
  tscPlain,
  tscPretty,
  tscAlone,
  gcc,
  linker,
  javac,
  maven,
  kotlin,
  dotnet,
  go,
  rustc,
  php,
  phpUncaught,
];
