import { afterColon, matchers } from './format';
import type { Matcher } from './matcher';

const tscBegins = { holds: ['error TS', 'warning TS', 'info TS'] };

const tsc = matchers('tsc', [
  {
    begins: tscBegins,
    head: /^\s*(?<file>\S.*?)\((?<line>\d+),(?<column>\d+)\): (?<severity>error|warning|info) (?<code>TS\d+): (?<message>.*)$/,
  },
  {
    begins: tscBegins,
    head: /^(?<file>\S.*?):(?<line>\d+):(?<column>\d+) - (?<severity>error|warning|info) (?<code>TS\d+): (?<message>.*)$/,
  },
  // Errors without a file: wrong options, or nothing to compile.
  { begins: tscBegins, head: /^(?<severity>error) (?<code>TS\d+): (?<message>.*)$/ },
]);

/** The format of gcc and clang, which many tools use. Templates are in headers, and the code that requires them is the own one. */
const gcc = matchers('gcc', [
  {
    begins: { holds: [...afterColon, ' required from ', ' required by '] },
    before: /^\S.*?:\d+:(?:\d+:)? +required (?:from|by) /,
    head: /^(?!.*\.(?:pyi?|java|go|kt|sh):\d)(?<file>\S.*?):(?<line>\d+):(?<column>\d+): (?<severity>fatal error|error|warning): (?<message>.+)$/,
    message: /(?!)/,
    frame: /^(?<file>\S.*?):(?<line>\d+):(?:(?<column>\d+):)? (?: *required (?:from|by) |note: in instantiation of .* requested here)/,
    brokenStack: true,
    ends: /^(?!\s|\S.*?:\d+:|In file included from |\S+: In )/,
  },
  {
    begins: { holds: ['undefined reference to '] },
    head: /^(?:\S*ld: )?(?<file>[^:\s][^:]*?)(?::(?<line>\d+))?:(?:\(\.\w[^)]*\): |\s*)(?<message>undefined reference to .+)$/,
  },
]);

const javac = matchers('javac', [
  { begins: { holds: afterColon }, head: /^\s*(?<file>\S.*?\.java):(?<line>\d+): (?<severity>error|warning): (?<message>.+)$/ },
]);

const maven = matchers('maven', [
  {
    begins: { first: '[' },
    head: /^\[(?<severity>ERROR|WARNING)\] (?<file>.+?):\[(?<line>\d+),(?<column>\d+)\] (?:error: )?(?<message>.+)$/,
  },
]);

const kotlin = matchers('gradle', [
  { begins: { first: 'e' }, head: /^e: (?<file>\S.*?\.kts?):(?: \()?(?<line>\d+)[:,] ?(?<column>\d+)\)?:? (?<message>.+)$/ },
]);

const dotnet = matchers('dotnet', [
  {
    begins: { holds: ['): error ', '): warning '] },
    head: /^\s*(?<file>\S.*?)\((?<line>\d+),(?<column>\d+)\): (?<severity>error|warning) (?!TS)(?<code>[A-Z]+\d+): (?<message>.+?)(?: \[[^\]]+proj(?:::[^\]]*)?\])?$/,
  },
]);

/** `go build` and `go vet`. Output of `go test` is indented. */
const go = matchers('go', [
  { begins: { holds: ['.go:'] }, head: /^(?:vet: )?(?<file>[^\s:][^:]*\.go):(?<line>\d+)(?::(?<column>\d+))?: (?<message>.+)$/ },
]);

const rustc = matchers('rustc', [
  {
    begins: { first: 'ew' },
    head: [/^(?<severity>error|warning)(?:\[(?<code>E\d+)\])?: (?<message>.+)$/, /^\s*--> (?<file>.+):(?<line>\d+):(?<column>\d+)$/],
  },
]);

const php = matchers('php', [
  { begins: { first: 'PF' }, head: /^(?:PHP )?Fatal error: +Uncaught (?<message>\S.*) in (?<file>\S.*):(?<line>\d+)$/ },
  {
    begins: { first: 'PF' },
    head: /^(?:PHP )?(?:Fatal|Parse|Recoverable fatal) error: +(?<message>\S.*) in (?<file>\S.*) on line (?<line>\d+)$/,
  },
]);

const esbuild = matchers('esbuild', [
  {
    columnsFrom0: true,
    begins: { first: '✘▲' },
    head: [
      /^(?<severity>[✘▲]) \[(?:ERROR|WARNING)\] (?<message>.+?)(?: \[[\w-]+\])?$/,
      /^$/,
      /^ {4}(?<file>\S.*):(?<line>\d+):(?<column>\d+):$/,
    ],
  },
]);

const script = '\\S.*\\.(?:[cm]?[jt]sx?|vue|svelte|css|s[ac]ss|less|html|json)';

/** Rollup, Vite, and Rolldown, which Vite uses since version 8. */
const rollup = matchers('rollup', [
  {
    columnsFrom0: true,
    begins: { first: '[' },
    head: new RegExp(`^\\[!\\] (?:\\(.*\\) )?(?:\\w*Error: )?(?<file>${script}) \\((?<line>\\d+):(?<column>\\d+)\\): (?<message>.+)$`),
  },
  {
    begins: { first: '[' },
    head: [/^\[!\] (?:\(.*\) )?\w*Error: (?<message>(?!.*\(\d+:\d+\): ).+)$/, new RegExp(`^(?<file>${script})$`)],
  },
]);

const vite = matchers('vite', [
  {
    begins: { first: '[' },
    head: [/^\[(?<code>[A-Z][A-Z_]+)\] (?<message>.+)$/, /^ *╭─\[ (?<file>.+):(?<line>\d+):(?<column>\d+) \]$/],
  },
  {
    columnsFrom0: true,
    begins: { first: 'e' },
    group: /^error during build:$/,
    groupEnds: /^(?:file: .*|\s*|\s+at .*)$/,
    head: [/^(?:.* \(\d+:\d+\): )?(?<message>(?!Build failed with)\S.*)$/, /^file: (?<file>\S.*?)(?::(?<line>\d+):(?<column>\d+))?$/],
  },
]);

const webpack = matchers('webpack', [
  {
    columnsFrom0: true,
    begins: { first: 'EW' },
    head: [
      /^(?<severity>ERROR|WARNING) in (?<file>\.{0,2}\/\S+?)(?: (?<line>\d+):(?<column>\d+)(?:-[\d:]+)?)?$/,
      /^(?!\[tsl\] )(?<message>\S.*)$/,
    ],
  },
  // ts-loader and fork-ts-checker-webpack-plugin
  {
    begins: { first: '[' },
    head: [/^\[tsl\] (?<severity>ERROR|WARNING) in (?<file>\S.*)\((?<line>\d+),(?<column>\d+)\)$/, /^\s+(?<code>TS\d+): (?<message>.*)$/],
  },
  {
    begins: { first: 'EW' },
    head: [/^(?<severity>ERROR|WARNING) in (?<file>\S.*?\.\w+):(?<line>\d+):(?<column>\d+)$/, /^(?:(?<code>TS\d+): )?(?<message>\S.*)$/],
  },
]);

export const compilerMatchers: readonly Matcher[] = [
  ...tsc,
  ...gcc,
  ...javac,
  ...maven,
  ...kotlin,
  ...dotnet,
  ...go,
  ...rustc,
  ...php,
  ...esbuild,
  ...rollup,
  ...vite,
  ...webpack,
];
