import { errorEnds, errorHead, nodeFrame } from '../trace-frames';
import { matchers, numbered, type Format } from './format';
import type { Matcher } from './matcher';
import { sentence } from './sentence';

/** Source lines with numbers, which test runners print below a message. */
const excerpt = /^\s*(?:>? *\d+ \||\|)/;

/** A title may span several lines, each indented more than the one before. The last ends with a colon. */
const mocha = matchers('mocha', [
  {
    begins: { holds: numbered },
    head: /^ {2}\d+\) (?!(?:Error|Failure):$)(?<title>\S.*)$/,
    frame: nodeFrame,
    place: /^\s*Error: Timeout of \d+ms exceeded\..* \((?<file>[^()]+)\)$/,
    needs: 'message',
    words: (lines, title = '') => {
      const last = title.endsWith(':') ? -1 : lines.findIndex((line) => !/^ {5,}\S/.test(line) || line.endsWith(':'));
      const titles = [title, ...lines.slice(0, last + 1)].map((line) => line.trim());
      const said = sentence(lines.slice(last + 1));
      if (!titles.at(-1)?.endsWith(':') || titles[1]?.startsWith('Failure/Error:') || said === '') return undefined;
      return `${titles.join(' › ').slice(0, -1)}: ${said}`;
    },
  },
]);

/** Composes the message of an assertion of Jest, which Playwright also uses. */
function jestWords(lines: readonly string[], title?: string): string {
  const trimmed = lines.filter((line) => !excerpt.test(line)).map((line) => line.trim());
  const details = trimmed[trimmed.indexOf('Details:') + 2];
  const isParsing = trimmed.includes('Details:') && details !== undefined;
  const said = isParsing ? details : sentence(trimmed.map((line) => line.replace(/ \/\/ .* equality$/, '')));
  return [title, said.replace(/\b(?:Expected|Received)(?=[^:]*: )/g, (word) => word.toLowerCase())].filter(Boolean).join(': ');
}

const jest = matchers('jest', [
  {
    begins: { holds: ['  ● ', 'FAIL '] },
    group: /^\s*FAIL +(?:\S+ +)?(?<file>\S+\.[cm]?[jt]sx?)(?: \(\d[\d.]* m?s\))?$/,
    groupEnds: /^(?:Test Suites:|PASS |FAIL )/,
    groupIsOptional: true,
    head: /^ {2}● (?<title>(?!Console$).+)$/,
    frame: nodeFrame,
    brokenStack: true,
    place: /^\s*SyntaxError: (?<file>\/.*\.\w+): .* \((?<line>\d+):\d+\)$/,
    ends: /^(?:Test Suites:|Tests:|Snapshots:|\s*(?:PASS|FAIL|RUNS) | {2}console\.)/,
    needs: 'message',
    words: jestWords,
  },
]);

const vitestBody: Pick<Format, 'frame' | 'ends' | 'brokenStack' | 'needs'> = {
  frame: /^ ❯ (?:\S.* )?(?<file>\S[^:]*):(?<line>\d+):(?<column>\d+)$/,
  ends: /^⎯{10,}|^ (?:Test Files|Tests) |^This error originated in /,
  brokenStack: true,
  needs: 'message',
};

const vitest = matchers('vitest', [
  {
    ...vitestBody,
    begins: { first: 'F' },
    head: {
      regexp: /^ FAIL {2}(?=.* > |.* \[ )(?:\|\S+\| )?(?<file>\S+)(?: > (?<title>\S.*?))?(?: \[ [^\]]* \])?$/,
      read: ({ file, title }) => ({ file, title: title ?? file }),
    },
  },
  { ...vitestBody, begins: { first: '⎯' }, head: /^⎯+ (?<title>Unhandled Rejection|Uncaught Exception) ⎯+$/ },
]);

/** TAP with a YAML block (https://testanything.org/tap-version-14-specification.html), as printed by Node and tape. */
const tap: Omit<Format, 'name'> = {
  begins: { first: 'n' },
  head: /^\s*not ok \d+(?: -)?(?: (?<title>.*?)(?: # time=.*)?)?$/,
  not: /# (?:TODO|SKIP)\b/i,
  frame: /^\s*(?:.* \()?(?<file>(?:file:\/\/|[A-Za-z]:[\\/])?[^():']+):(?<line>\d+):(?<column>\d+)\)?'?$/,
  place: /^\s*(?:location|at): ['"](?<file>.+):(?<line>\d+):(?<column>\d+)['"]$/,
  ends: /^\s*(?:\.\.\.$|(?:not )?ok \d+)/,
  brokenStack: true,
  needs: 'frames',
  words: (lines, title) => {
    const trimmed = lines.map((line) => line.trim());
    if (trimmed.includes("failureType: 'subtestsFailed'")) return undefined;
    const at = trimmed.findIndex((line) => /^(?:error|message): *\S/.test(line));
    const first = trimmed[at]?.replace(/^\w+:/, '').trim() ?? '';
    const value = first.replace(/^(['"])(.*)\1$/, '$2').replace(/''/g, "'");
    const rest = trimmed.slice(at + 1).filter((line) => line !== '---');
    return [title, sentence(at < 0 || first === '|-' ? rest : [value, ...rest])].filter(Boolean).join(': ');
  },
};

const nodeTest = matchers('node-test', [
  {
    begins: { holds: ['✖ '], first: 't' },
    before: /^test at \S.*:\d+:\d+$/,
    head: /^\s*✖ (?<title>.+?)(?: \(\d[\d.]*ms\))?$/,
    mayFail: /# (?:TODO|SKIP)\b/i,
    repeats: /^✖ failing tests:$/,
    message: /^(?!test at )(.*)$/,
    place: /^test at (?<file>\S.*):(?<line>\d+):(?<column>\d+)$/,
    frame: nodeFrame,
    // A line without an indent does not belong to the failure.
    ends: /^(?!test at )(?=\S)/,
    needs: 'frames',
  },
  tap,
]);

const playwright = matchers('playwright', [
  {
    begins: { holds: numbered },
    group: /^\s*\d+\) (?:\[[^\]]*\] › )?(?<file>\S.*?):(?<line>\d+):(?<column>\d+) › (?<title>.*?)[ ─]*$/,
    groupEnds: /^ {2}\d+ (?:failed|flaky|interrupted|did not run|skipped|passed)/,
    head: /^ {4}(?<message>(?:[A-Za-z_$][\w.$]*)?(?:Error|Exception)\b.*|Test timeout of .*)$/,
    not: /^ {4}Error Context:/,
    message: /^ {4}(?!\s*(?:>? *\d+ \||\||at |[-─]{3}))(.*)$/,
    frame: nodeFrame,
    brokenStack: true,
    ends: /^ {4}(?:Error Context:|attachment #|Retry #|Usage:)|^ {0,3}\S/,
    words: jestWords,
  },
]);

const ava = matchers('ava', [
  {
    begins: { first: '─' },
    group: /^ {2}─$/,
    groupEnds: /^ {2}(?:─|\d+ (?:tests?|uncaught|unhandled|known)\b.*)$/,
    head: [/^ {2}(?!\w*Error\b)(?<title>\S.*)$/, /^$/, /^ {2}(?:\S.*\.[cm]?[jt]sx?:\d+|Error thrown in test:|\w*Error\b.*)$/, /^$/],
    message: /^ {2}(?! *\d+: )(.*)$/,
    frame: (line) => nodeFrame(line.replace(/^ {2}› (?:file:\/\/(?!\/))?/, '  at ')),
    brokenStack: true,
    ends: /^ {2}(?:─|\d+ (?:tests?|uncaught|unhandled|known)\b.*)$/,
    words: (lines, title) => `${title}: ${/ \{$/.test(lines[0] ?? '') ? lines.find((line) => /^\w*Error: /.test(line)) : sentence(lines)}`,
  },
]);

const jasmine = matchers('jasmine', [
  {
    begins: { holds: numbered },
    head: /^\d+\) (?<title>\S.*)$/,
    message: /^ {2}(?! +at |Message:$|Stack:$)(.*)$/,
    frame: nodeFrame,
    needs: 'frames',
  },
]);

const thrownAt = /^(?: ?Exception during run: )?(?<file>(?:file:\/\/)?(?:\/|[A-Za-z]:[\\/]).*\.[cm]?[jt]sx?):(?<line>\d+)$/;

/** An error with its stack, anywhere in the log, and an uncaught error or a syntax error, whose place comes first. */
const node = matchers('node', [
  {
    isStack: true,
    begins: { holds: errorEnds },
    head: new RegExp(
      `^\\s*(?:Uncaught |Exception during run: |cause: )?(?!Error \\[ERR_TEST_FAILURE\\])(?<message>${errorHead}(?:: .*)?)$`,
    ),
    frame: nodeFrame,
    needs: 'frames',
  },
  {
    begins: { first: '/fE', holds: [':\\'] },
    head: thrownAt,
    frame: nodeFrame,
    message: new RegExp(`^(${errorHead}(?:: .*)?)$`),
    ends: /^Node\.js v\d/,
    brokenStack: true,
    needs: 'message',
    words: ([first = '']) => first,
  },
]);

export const javascriptMatchers: readonly Matcher[] = [
  ...mocha,
  ...jest,
  ...vitest,
  ...nodeTest,
  ...playwright,
  ...ava,
  ...jasmine,
  ...node,
];
