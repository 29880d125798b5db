import { matchers, type Format } from './format';
import { frameOf } from './groups';
import type { Matcher } from './matcher';
import { sentence } from './sentence';

const errorName = '[A-Za-z_][\\w.]*(?:Error|Exception|Failed|Exit|Interrupt|Warning|Group|Fault)';

/** A chain of exceptions prints the cause before its effect. */
const chained = /^(?:The above exception was|During handling of the above)/;

const pytest = matchers('pytest', [
  {
    begins: { first: '_FE' },
    head: /^_{3,} (?<title>\S.*?) _{3,}$/,
    message: new RegExp(`^(?:E {3}|(?: +\\| )?(?=${errorName}: |${errorName}$|Failed: |assert )|(?=${chained.source.slice(1)}))(.+)$`),
    frame: (line) =>
      frameOf(/^(?<file>\S[^:]*\.py):(?<line>\d+): (?:[\w.]*|in .+)$/, line) ??
      frameOf(/^(?:E| {2}\|)? +File "(?<file>.+)", line (?<line>\d+)/, line),
    ends: /^={3,}|^-{3,} Captured|^!{3,}/,
    brokenStack: true,
    outermostFirst: true,
    needs: 'frames',
    words: (lines, title) => {
      if (lines.length === 0) return undefined;
      const said = lines.slice(lines.findLastIndex((line) => chained.test(line)) + 1).map((line) => line.trim());
      const [first = '', second = ''] = said;
      const syntax = said.find((line) => /^(?:Syntax|Indentation|Tab)Error: /.test(line));
      return `${title}: ${syntax ?? (second.startsWith('assert ') ? `${first}: ${second}` : sentence(said))}`;
    },
    summary: {
      regexp: /^(?:FAILED|ERROR) (?<file>\S+\.py)(?:::(?<title>[\w:.]+(?:\[.*?\])?))?(?: - (?<message>.*))?$/,
      read: ({ file, title, message }) => ({
        file,
        title: title ?? file,
        message: message ?? (title === undefined ? 'cannot be collected' : undefined),
      }),
    },
  },
  {
    // `--tb=line`
    begins: { first: '=' },
    group: /^={3,} (?:FAILURES|ERRORS) ={3,}$/,
    groupEnds: /^(?:={3,}|_{3,}) /,
    head: /^(?<file>\S[^:]*\.py):(?<line>\d+): (?!in )(?<message>[A-Za-z_][\w.]*(?:: | ).*)$/,
  },
]);

const frame = /^[\s|]*File "(?<file>.+)", line (?<line>\d+)/;

const traceback: Omit<Format, 'name' | 'head'> = {
  frame,
  message: /^[\s|]*([A-Za-z_][\w.]*(?:: .*)?)$/,
  last: new RegExp(`^(?:(?: +\\| )?[A-Za-z_][\\w.]*(?:: .*)?|\\s*${errorName}(?:: .*)?)$`),
  brokenStack: true,
  outermostFirst: true,
  needs: 'frames',
};

const lastLine = (lines: readonly string[]): string => lines.at(-1) ?? '';

const unittest = matchers('unittest', [
  {
    ...traceback,
    begins: { first: 'FE' },
    head: /^(?:FAIL|ERROR): (?<title>\w+) \(/,
    last: /^[A-Za-z_][\w.]*(?:: .*)?$/,
    words: (lines, title) => `${title}: ${lastLine(lines)}`,
  },
]);

const python = matchers('python', [
  {
    ...traceback,
    isStack: true,
    begins: { first: 'T+|' },
    head: /^[\s|+]*(?:Exception Group )?Traceback \(most recent call last\):$/,
    words: lastLine,
  },
  {
    // A syntax error has no traceback.
    ...traceback,
    isStack: true,
    begins: { first: 'F' },
    head: /^ {2}File "(?<file>.+)", line (?<line>\d+)$/,
    last: /^\w*(?:Error|Warning): /,
    needs: 'message',
    words: (lines) => (/^\w*(?:Error|Warning): /.test(lastLine(lines)) ? lastLine(lines) : undefined),
  },
]);

export const pythonMatchers: readonly Matcher[] = [...pytest, ...unittest, ...python];
