import { errorEnds, javaFrame } from '../trace-frames';
import { matchers, numbered } from './format';
import type { Matcher } from './matcher';
import { sentence } from './sentence';

/** `    cart_test.go:12: message`, for each report of a test. With `-v`, the reports come before the verdict. */
const goTest = matchers('go-test', [
  {
    begins: { first: '-=' },
    before: /^=== (?:RUN|CONT|NAME|PAUSE) +(?<title>\S+)$/,
    group: /^\s*(?:--- FAIL: |=== FAIL: (?<folder>\S+) )(?<title>\S+) \(/,
    groupEnds: /^\S/,
    groupFails: true,
    // The panic says more and is matched separately.
    not: /^panic: /,
    head: /^\s+(?<file>\S[^:]*\.go):(?<line>\d+): ?(?<message>.*)$/,
    ends: /^\S/,
    words: (lines, title) => {
      const said = lines.map((line) => line.trim()).filter((line) => !/^(?:Error Trace|Test):/.test(line));
      const own = said.find((line) => line.startsWith('Messages:'))?.replace(/^Messages:\s*/, '');
      const whole = sentence(said.filter((line) => !line.startsWith('Messages:')).map((line) => line.replace(/^Error:\s+/, '')));
      return [title, own, whole].filter(Boolean).join(': ');
    },
    footer: /^(?:FAIL|ok)[ \t]+(?<folder>[^\s(]+)(?=\s)/,
  },
]);

const goPanic = matchers('go', [
  {
    isStack: true,
    begins: { first: 'p' },
    head: /^(?<message>panic: .*)$/,
    frame: /^\t(?<file>\S.*\.go):(?<line>\d+)(?: \+0x[\da-f]+)?$/,
    ends: /^(?:FAIL|exit status)\b/,
    brokenStack: true,
    needs: 'frames',
    words: ([first = '']) => first,
  },
]);

/** The details of each failure, and the summary: `CartTest.adds:12 expected: <1> but was: <2>`. */
const maven = matchers('maven', [
  {
    begins: { first: '[' },
    head: /^\[(?:ERROR|WARNING)\] (?<title>[\w.$]+\.[\w$]+(?:\(.*?\))?(?:\[.*?\])?|[\w$]+\([\w.$]+\))(?: --)? +Time elapsed: .* <<< (?:FAILURE|ERROR)!$/,
    frame: (line) =>
      javaFrame(line) ?? (/^\s+(?:at [\w.$/@-]+\(|\.\.\. \d+ more)|^Caused by: /.test(line) ? { file: '<native>' } : undefined),
    ends: /^\[(?:ERROR|INFO|WARNING)\] /,
    needs: 'message',
    summary: {
      regexp: /^\[ERROR\] {2,}(?<type>[\w.$]+)\.(?<method>\w+):(?<line>\d+)(?:->\S+)* ?(?:» )?(?<message>.*)$/,
      read: ({ type = '', method, line, message }) => ({
        file: `${type.replace(/\$.*$/, '').replace(/\./g, '/')}.java`,
        line,
        title: `${type}.${method}`,
        message,
      }),
    },
  },
]);

const java = matchers('java', [
  {
    isStack: true,
    begins: { holds: errorEnds },
    head: /^(?:Exception in thread ".*" |Caused by: )?(?<message>[a-z][\w.]*\.[A-Z]\w*(?:Exception|Error)\b.*)$/,
    frame: (line) => javaFrame(line) ?? (/^\s+(?:at [\w.$/@-]+\(|\.\.\. \d+ more)/.test(line) ? { file: '<native>' } : undefined),
    needs: 'frames',
  },
]);

const gradle = matchers('gradle', [
  {
    begins: { holds: [' FAILED\n'] },
    head: /^(?<title>\S.* > .+) FAILED$/,
    frame: /^\s+(?:\S+ )?at (?:.*\()?(?<file>[\w$]+\.(?:java|kt|groovy|scala)):(?<line>\d+)\)?$/,
    needs: 'frames',
  },
]);

const dotnet = matchers('dotnet', [
  {
    begins: { first: 'F' },
    head: /^\s*Failed (?<title>\S.*?) \[[^\]]*\]$/,
    message: /^\s+(?!Error Message:|Stack Trace:|at )(\S.*)$/,
    frame: /^\s+at .* in (?<file>.+):line (?<line>\d+)$/,
    needs: 'message',
  },
]);

const rspec = matchers('rspec', [
  {
    begins: { holds: numbered },
    head: /^ {2}\d+\) (?<title>\S.*)$/,
    message: /^(?!\s+Failure\/Error:)(.*)$/,
    frame: /^\s+# (?<file>\.{0,2}\/?[^:]+\.rb):(?<line>\d+)(?::in .*)?$/,
    ends: /^Finished in /,
    needs: 'frames',
  },
]);

const minitest = matchers('minitest', [
  {
    begins: { first: 'EF', holds: numbered },
    head: [/^\s*(?:\d+\) )?(?:Error|Failure):$/, /^(?<title>[\w:]+#.+?)(?: \[(?<file>.+):(?<line>\d+)\])?:$/],
    frame: /^\s+(?<file>\S.*\.rb):(?<line>\d+):in /,
    brokenStack: true,
    ends: /^(?:\s+\d+\) |\d+ (?:runs|tests), |(?:bin\/)?rails test )/,
    needs: 'message',
  },
]);

const phpunit = matchers('phpunit', [
  {
    begins: { holds: numbered },
    head: /^\d+\) (?<title>[\w\\]+::\w+.*)$/,
    frame: /^(?<file>\S.*\.php):(?<line>\d+)$/,
    needs: 'frames',
  },
]);

const perl = matchers('perl', [
  {
    begins: { first: '#' },
    head: /^\s*# +Failed (?:test|subtest)(?: '(?<title>.*)')?(?: at (?<file>\S.*) line (?<line>\d+)\.)?$/,
    message: /^\s*# {2,}(?!at \S+ line )(.*)$/,
    frame: /^\s*# +at (?<file>\S.*) line (?<line>\d+)\.$/,
    brokenStack: true,
    ends: /^\s*(?:[^#\s]|# Looks like )/,
    needs: 'frames',
    words: (lines, title) => [title, sentence(lines)].filter(Boolean).join(': ') || 'Failed test',
  },
  {
    begins: { holds: [' line '] },
    head: /^(?<message>[^#\s].*) at (?<file>\S+\.(?:pl|pm|t|PL)) line (?<line>\d+)[.,]/,
  },
]);

const bats = matchers('bats', [
  {
    begins: { first: 'n✗' },
    head: /^\s*(?:not ok \d+|✗) (?<title>.*?)(?: in \d+ms| # in \d+ ms)?$/,
    not: /# (?:TODO|SKIP)\b/i,
    message: /^[#\s]+(?!\(from function |\(in test file | in test file )(\S.*)$/,
    frame: /\bin (?:test )?file (?<file>\S.*?), line (?<line>\d+)/,
    brokenStack: true,
    ends: /^(?:not )?ok \d+|^\s*[✓✗] |^\d+ tests?, /,
    needs: 'frames',
  },
]);

export const testMatchers: readonly Matcher[] = [
  ...goTest,
  ...goPanic,
  ...maven,
  ...java,
  ...gradle,
  ...dotnet,
  ...rspec,
  ...minitest,
  ...phpunit,
  ...perl,
  ...bats,
];
