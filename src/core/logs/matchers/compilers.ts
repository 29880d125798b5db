import type { Matcher } from './matcher';
import { afterColon, oneLine, patternMatcher } from './pattern';

const tsc = { holds: ['error TS', 'warning TS', 'info TS'] };

const tscPlain = oneLine(
  'tsc',
  tsc,
  /^\s*(?<file>\S.*?)\((?<line>\d+),(?<column>\d+)\): (?<severity>error|warning|info) (?<code>TS\d+): (?<message>.*)$/,
);

const tscPretty = oneLine(
  'tsc',
  tsc,
  /^(?<file>\S.*?):(?<line>\d+):(?<column>\d+) - (?<severity>error|warning|info) (?<code>TS\d+): (?<message>.*)$/,
);

/** Errors without a file: wrong options, or nothing to compile. */
const tscAlone = oneLine('tsc', tsc, /^(?<severity>error) (?<code>TS\d+): (?<message>.*)$/);

/** The format of gcc and clang, which many tools use. */
const gcc = oneLine(
  'gcc',
  afterColon,
  /^(?!.*\.(?:pyi?|java|go|kt|sh):\d)(?<file>\S.*?):(?<line>\d+):(?<column>\d+): (?<severity>fatal error|error|warning): (?<message>.+)$/,
);

const linker = oneLine(
  'gcc',
  { holds: ['undefined reference to '] },
  /^(?:\S*ld: )?(?<file>[^:\s][^:]*?)(?::(?<line>\d+))?:(?:\(\.\w[^)]*\): |\s*)(?<message>undefined reference to .+)$/,
);

const javac = oneLine('javac', afterColon, /^\s*(?<file>\S.*?\.java):(?<line>\d+): (?<severity>error|warning): (?<message>.+)$/);

const maven = oneLine(
  'maven',
  { first: '[' },
  /^\[(?<severity>ERROR|WARNING)\] (?<file>.+?):\[(?<line>\d+),(?<column>\d+)\] (?:error: )?(?<message>.+)$/,
);

const kotlin = oneLine('gradle', { first: 'e' }, /^e: (?<file>\S.*?\.kts?):(?: \()?(?<line>\d+)[:,] ?(?<column>\d+)\)?:? (?<message>.+)$/);

const dotnet = oneLine(
  'dotnet',
  { holds: ['): error ', '): warning '] },
  /^\s*(?<file>\S.*?)\((?<line>\d+),(?<column>\d+)\): (?<severity>error|warning) (?!TS)(?<code>[A-Z]+\d+): (?<message>.+?)(?: \[[^\]]+proj(?:::[^\]]*)?\])?$/,
);

/** `go build` and `go vet`. Output of `go test` is indented. */
const go = oneLine('go', { holds: ['.go:'] }, /^(?:vet: )?(?<file>[^\s:][^:]*\.go):(?<line>\d+)(?::(?<column>\d+))?: (?<message>.+)$/);

const rustc = patternMatcher({
  name: 'rustc',
  begins: { first: 'ew' },
  patterns: [
    { regexp: /^(?<severity>error|warning)(?:\[(?<code>E\d+)\])?: (?<message>.+)$/ },
    { regexp: /^\s*--> (?<file>.+):(?<line>\d+):(?<column>\d+)$/ },
  ],
});

const phpUncaught = oneLine('php', { first: 'PF' }, /^(?:PHP )?Fatal error: +Uncaught (?<message>\S.*) in (?<file>\S.*):(?<line>\d+)$/);

const php = oneLine(
  'php',
  { first: 'PF' },
  /^(?:PHP )?(?:Fatal|Parse|Recoverable fatal) error: +(?<message>\S.*) in (?<file>\S.*) on line (?<line>\d+)$/,
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
