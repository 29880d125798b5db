import type { Frame } from '../../model/problem';
import { block, firstSentence, numbered } from './block';
import type { Matcher } from './matcher';
import { errorEnds, errorHead, nodeFrame } from '../trace-frames';

/** The end of the list of failures in these runners. */
const summary = /^(?:Test Suites:|Tests:|Test Files |ℹ tests |# tests |Snapshots:)/;

/** A title may span several lines, each indented more than the one before. The last ends with a colon. */
const mocha: Matcher = {
  name: 'mocha',
  begins: { holds: numbered, line: /^ {2}\d+\) \S/ },
  start: (found) => {
    let title: string[] = [];
    let began = 0;
    const inner = block({
      name: 'mocha',
      begins: {},
      head: /^\0(?<title>.*)$/,
      frame: nodeFrame,
      needs: 'message',
      words: (lines) => firstSentence(lines.filter((line) => !/^[+-] (?:expected|actual)|^\+ expected - actual$/.test(line))),
    }).start((problem) => found({ ...problem, logLine: began }));
    let inBlock = false;
    return {
      line(text, number) {
        const head = /^ {2}\d+\) (.*)$/.exec(text)?.[1];
        if (head !== undefined) {
          inner.end();
          [title, began, inBlock] = [[head], number, false];
        } else if (inBlock) return inner.line(text, number) || title.length > 0;
        else if (/^ {5,}\S/.test(text) && title.length > 0 && title.length < 20) title.push(text.trim());
        else {
          title = [];
          return false;
        }
        if (!title.at(-1)?.endsWith(':')) return true;
        inBlock = true;
        inner.line(`\0${title.join(' › ').slice(0, -1)}`, number);
        title = [];
        return true;
      },
      end: () => inner.end(),
    };
  },
};

const jest = block({
  name: 'jest',
  begins: { holds: ['  ● '] },
  head: /^ {2}● (?<title>(?!Console$).+)$/,
  frame: nodeFrame,
  ends: summary,
  needs: 'message',
  words: (lines) => {
    const parsed = lines[lines.indexOf('Details:') + 1];
    if (lines.includes('Details:') && parsed !== undefined) return parsed;
    const [first = ''] = lines;
    const details = lines.flatMap((line) => /^(?:Expected|Received)\b.*: .+$/.exec(line)?.[0] ?? []).slice(0, 2);
    return details.length > 0
      ? `${first.replace(/ \/\/ .*$/, '')}: ${details.map((line) => line.replace(/^\w/, (letter) => letter.toLowerCase())).join(', ')}`
      : firstSentence(lines);
  },
});

/** ` ❯ name src/a.test.ts:6:25` */
function vitestFrame(line: string): Frame | undefined {
  const match = /^ ❯ (?:\S.* )?(\S[^:]*):(\d+):(\d+)$/.exec(line.slice(0, 2000));
  return match ? { file: match[1] ?? '', line: Number(match[2]), column: Number(match[3]) } : undefined;
}

const vitest = block({
  name: 'vitest',
  begins: { first: 'F' },
  head: /^ FAIL {2}(?:\|\S+\| )?(?:\S+ > )?(?<title>\S.*?)(?: \[ [^\]]* \])?$/,
  frame: vitestFrame,
  ends: /^⎯{10,}|^ (?:Test Files|Tests) /,
  brokenStack: true,
  needs: 'message',
});

const nodeSpec: Matcher = {
  ...block({
    name: 'node-test',
    begins: { holds: ['✖ '] },
    head: /^\s*✖ (?<title>.+?)(?: \(\d[\d.]*ms\))?$/,
    frame: nodeFrame,
    // A line without an indent does not belong to the failure.
    ends: /^(?=\S)/,
    needs: 'frames',
  }),
};

const tapPlace = /^(?:.* \()?((?:file:\/\/|[A-Za-z]:[\\/])?[^():]+):(\d+):(\d+)\)?$/;

/** TAP with a YAML block (https://testanything.org/tap-version-14-specification.html), as printed by Node. */
const nodeTap = block({
  name: 'node-test',
  begins: { first: 'n' },
  head: /^\s*not ok \d+(?: - (?<title>.*))?$/,
  frame: (line) => {
    const match = tapPlace.exec(line.trim().slice(0, 2000));
    return match ? { file: match[1] ?? '', line: Number(match[2]), column: Number(match[3]) } : undefined;
  },
  ends: /^\s*(?:\.\.\.|failureType: 'subtestsFailed'|(?:not )?ok \d+)/,
  brokenStack: true,
  needs: 'frames',
  words: (lines) => {
    const at = lines.findIndex((line) => line.startsWith('error:'));
    const first = lines[at]?.slice('error:'.length).trim() ?? '';
    return first === '|-' ? firstSentence(lines.slice(at + 1)) : first.replace(/^(['"])(.*)\1$/, '$2').replace(/''/g, "'");
  },
});

/** An error with its stack, anywhere in the log. */
const node = block({
  name: 'node',
  begins: { holds: errorEnds },
  head: new RegExp(`^\\s*(?:Uncaught |Exception during run: )?(?<message>${errorHead}(?:: .*)?)$`),
  frame: nodeFrame,
  needs: 'frames',
});

const thrownAt = /^((?:file:\/\/)?(?:\/|[A-Za-z]:[\\/]).*\.[cm]?[jt]sx?):(\d+)$/;

/** An uncaught error or a syntax error: the place comes before the error, and Node's version after it. */
const nodeUncaught = block({
  name: 'node',
  begins: { first: '/f', holds: [':\\'] },
  head: thrownAt,
  frame: (line) => {
    const match = thrownAt.exec(line.slice(0, 2000));
    return match ? { file: match[1] ?? '', line: Number(match[2]) } : nodeFrame(line);
  },
  message: new RegExp(`^(${errorHead}(?:: .*)?)$`),
  ends: /^Node\.js v\d/,
  brokenStack: true,
  needs: 'message',
  words: ([first = '']) => first,
});

export const javascriptMatchers: readonly Matcher[] = [mocha, jest, vitest, nodeSpec, nodeTap, node, nodeUncaught];
