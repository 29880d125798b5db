import type { Frame } from '../../model/problem';
import { javaFrame, errorEnds } from '../trace-frames';
import { block, firstSentence, type Block, numbered } from './block';
import type { Matcher } from './matcher';

function frame(file: string | undefined, line: string | undefined): Frame | undefined {
  return file === undefined || line === undefined ? undefined : { file, line: Number(line) };
}

function matched(pattern: RegExp): (line: string) => Frame | undefined {
  return (line) => {
    const match = pattern.exec(line.slice(0, 2000));
    return frame(match?.[1], match?.[2]);
  };
}

const pytestSection = block({
  name: 'pytest',
  begins: {},
  head: /^_{3,} (?<title>\S.*?) _{3,}$/,
  message: /^E {3}(.+)$/,
  frame: matched(/^(\S[^:]*\.py):(\d+): (?:\w*|in .+)$/),
  ends: /^={3,}|^-{3,} Captured|^!{3,}/,
  brokenStack: true,
  outermostFirst: true,
  needs: 'message',
});

/** The short summary repeats the failures, or is the only output if the sections are disabled. */
const pytest: Matcher = {
  name: 'pytest',
  begins: { first: '_F', line: /^_{3,} \S.* _{3,}$|^FAILED \S+\.py::/ },
  start: (found) => {
    let sections = 0;
    const section = pytestSection.start((problem) => {
      sections += 1;
      found(problem);
    });
    return {
      line(text, number) {
        const [, file, title, message] = /^FAILED (\S+\.py)::(\S+) - (.+)$/.exec(text) ?? [];
        if (file === undefined) return section.line(text, number);
        section.end();
        if (sections === 0) found({ severity: 'error', message: `${title}: ${message}`, source: 'pytest', file, logLine: number });
        return false;
      },
      end: () => section.end(),
    };
  },
};

const traceback: Omit<Block, 'name' | 'begins' | 'head'> = {
  frame: matched(/^\s*File "(.+)", line (\d+)/),
  message: /^\s*([A-Za-z_][\w.]*(?:: .*)?)$/,
  last: /^(?:[A-Za-z_][\w.]*(?:: .*)?|\s*[A-Za-z_][\w.]*(?:Error|Exception|Exit|Interrupt|Warning)(?:: .*)?)$/,
  brokenStack: true,
  outermostFirst: true,
  needs: 'frames',
  words: (lines) => lines.at(-1) ?? '',
};

/** A chain of exceptions prints the cause before its effect. */
const python = block({ ...traceback, name: 'python', begins: { first: 'T' }, head: /^\s*Traceback \(most recent call last\):$/ });

/** A syntax error has no traceback. */
const pythonSyntax = block({
  ...traceback,
  name: 'python',
  begins: { first: 'F' },
  head: /^ {2}File ".+", line \d+$/,
  last: /^\w*(?:Error|Warning): /,
});

const unittest = block({
  ...traceback,
  name: 'unittest',
  begins: { first: 'FE' },
  head: /^(?:FAIL|ERROR): (?<title>\w+) \(/,
  last: /^[A-Za-z_][\w.]*(?:: .*)?$/,
});

/** `    cart_test.go:12: message`, for each report of a test. */
const goTest: Matcher = {
  name: 'go-test',
  begins: { first: '-', line: /^\s*--- FAIL: / },
  start: (found) => {
    let test: { title: string; logLine: number; reported: number } | undefined;
    const close = (): void => {
      if (test && test.reported === 0) found({ severity: 'error', message: test.title, source: 'go-test', logLine: test.logLine });
      test = undefined;
    };
    return {
      line(text, number) {
        const head = /^\s*--- FAIL: (\S+)/.exec(text)?.[1];
        if (head !== undefined) {
          // A test with failed subtests has no message itself.
          if (test && head.startsWith(`${test.title}/`)) test = undefined;
          close();
          test = { title: head, logLine: number, reported: 0 };
          return true;
        }
        if (!test) return false;
        // The panic has more detail and is matched separately.
        if (text.startsWith('panic: ')) test = undefined;
        const [, file, line, message] = /^\s+(\S[^:]*\.go):(\d+): (.*)$/.exec(text) ?? [];
        if (file !== undefined && test) {
          test.reported += 1;
          found({ severity: 'error', message: `${test.title}: ${message}`, source: 'go-test', file, line: Number(line), logLine: number });
          return true;
        }
        if (/^\s/.test(text)) return true;
        close();
        return false;
      },
      end: close,
    };
  },
};

const goPanic = block({
  name: 'go',
  begins: { first: 'p' },
  head: /^(?<message>panic: .*)$/,
  frame: matched(/^\t(\S.*\.go):(\d+)(?: \+0x[\da-f]+)?$/),
  ends: /^(?:FAIL|exit status)\b/,
  brokenStack: true,
  needs: 'frames',
});

const cargoTest: Matcher = {
  name: 'cargo-test',
  begins: { first: 't', line: /^thread '.*' (?:\(\d+\) )?panicked at / },
  start: (found) => {
    let waiting: { title: string; file: string; line: number; column: number; logLine: number } | undefined;
    return {
      line(text, number) {
        const old = /^thread '(.*)' panicked at '(.*)', (.+):(\d+):(\d+)$/.exec(text);
        if (old) {
          const [, title, message, file = '', line, column] = old;
          found({
            severity: 'error',
            message: `${title}: ${message}`,
            source: 'cargo-test',
            file,
            line: Number(line),
            column: Number(column),
            logLine: number,
          });
          return false;
        }
        const head = /^thread '(.*)' (?:\(\d+\) )?panicked at (.+):(\d+):(\d+):$/.exec(text);
        if (head) {
          const [, title = '', file = '', line, column] = head;
          waiting = { title, file, line: Number(line), column: Number(column), logLine: number };
          return true;
        }
        if (!waiting) return false;
        const { title, ...place } = waiting;
        waiting = undefined;
        found({ severity: 'error', message: `${title}: ${text.trim()}`, source: 'cargo-test', ...place });
        return false;
      },
      end: () => {},
    };
  },
};

/** `CartTest.adds:12 expected: <1> but was: <2>`, in the summary that lists every failure once. */
const surefire: Matcher = {
  name: 'maven',
  begins: { first: '[', line: /^\[ERROR\] {2,}[\w.$]+\.\w+:\d/ },
  start: (found) => ({
    line(text, number) {
      const [, type = '', method, line, message] = /^\[ERROR\] {2,}([\w.$]+)\.(\w+):(\d+)(?:->\S+)* ?(.*)$/.exec(text) ?? [];
      if (line === undefined) return false;
      const file = `${type.replace(/\$.*$/, '').replace(/\./g, '/')}.java`;
      found({
        severity: 'error',
        message: `${type}.${method}: ${message}`,
        source: 'maven',
        frames: [{ file, line: Number(line) }],
        logLine: number,
      });
      return false;
    },
    end: () => {},
  }),
};

const java = block({
  name: 'java',
  begins: { holds: errorEnds },
  head: /^(?:Exception in thread ".*" |Caused by: )?(?<message>[a-z][\w.]*\.[A-Z]\w*(?:Exception|Error)\b.*)$/,
  frame: (line) => javaFrame(line) ?? (/^\s+(?:at [\w.$/@-]+\(|\.\.\. \d+ more)/.test(line) ? { file: '<native>' } : undefined),
  needs: 'frames',
});

const gradle = block({
  name: 'gradle',
  begins: { holds: [' FAILED\n'] },
  head: /^(?<title>\S.* > .+) FAILED$/,
  frame: matched(/^\s+(?:\S+ )?at (?:.*\()?([\w$]+\.(?:java|kt|groovy|scala)):(\d+)\)?$/),
  needs: 'frames',
});

const dotnet = block({
  name: 'dotnet',
  begins: { first: 'F' },
  head: /^\s*Failed (?<title>\S.*?) \[[^\]]*\]$/,
  message: /^\s+(?!Error Message:|Stack Trace:|at )(\S.*)$/,
  frame: matched(/^\s+at .* in (.+):line (\d+)$/),
  needs: 'message',
});

const rspec = block({
  name: 'rspec',
  begins: { holds: numbered },
  head: /^ {2}\d+\) (?<title>\S.*)$/,
  frame: matched(/^\s+# (\.{0,2}\/?[^:]+\.rb):(\d+)(?::in .*)?$/),
  ends: /^Finished in /,
  needs: 'frames',
  words: (lines) => {
    const message = lines.filter((line) => !line.startsWith('Failure/Error:'));
    const [first = '', second = ''] = message;
    return first.startsWith('expected') && /^got\b/.test(second) ? `${first}, ${second}` : firstSentence(message);
  },
});

const phpunit = block({
  name: 'phpunit',
  begins: { holds: numbered },
  head: /^\d+\) (?<title>[\w\\]+::\w+.*)$/,
  frame: matched(/^(\S.*\.php):(\d+)$/),
  needs: 'frames',
});

export const testMatchers: readonly Matcher[] = [
  pytest,
  unittest,
  python,
  pythonSyntax,
  goTest,
  goPanic,
  cargoTest,
  surefire,
  java,
  gradle,
  dotnet,
  rspec,
  phpunit,
];
