import { matchers } from './format';
import type { Matcher } from './matcher';
import { joined, sentence } from './sentence';

const titled = (title: string | undefined, said: string): string => [title, said].filter(Boolean).join(': ');

const googletest = matchers('googletest', [
  {
    begins: { holds: ['[ RUN  ', ': Failure\n'] },
    group: /^\[ RUN +\] (?<title>\S+)/,
    groupEnds: /^\[ +(?:OK|FAILED|SKIPPED) +\]/,
    groupIsOptional: true,
    head: /^(?<file>\S.*?)(?::(?<line>\d+))?: Failure$/,
    ends: /^\[/,
    words: (lines, title) => titled(title, joined(lines)),
  },
]);

const catch2 = matchers('catch2', [
  {
    begins: { first: '-', holds: [': FAILED:\n'] },
    group: [/^-{70,}$/, /^(?!\S+:\d+$)(?<title>\S.*)$/],
    groupEnds: /^={70,}$/,
    groupIsOptional: true,
    head: /^(?<file>\S.*?):(?<line>\d+): FAILED:$/,
    ends: /^\s*$/,
    words: (lines, title) => titled(title, joined(lines)),
  },
  { begins: { holds: [': failed: '] }, head: /^(?<file>\S.*?):(?<line>\d+): failed: (?<message>.+)$/ },
]);

const doctest = matchers('doctest', [
  {
    begins: { first: 'T', holds: [': ERROR: ', ': FATAL ERROR: '] },
    group: /^TEST CASE: +(?<title>\S.*)$/,
    groupEnds: /^={70,}$/,
    groupIsOptional: true,
    head: /^(?<file>\S.*?):(?<line>\d+): (?:FATAL )?ERROR: (?<message>.+)$/,
    ends: /^\s*$/,
    words: (lines, title) => titled(title, joined(lines)),
  },
]);

const first = (lines: readonly string[]): string => lines[0] ?? '';

/** AddressSanitizer, ThreadSanitizer, MemorySanitizer, LeakSanitizer and UndefinedBehaviorSanitizer. Only the first stack counts. */
const sanitizer = matchers('sanitizer', [
  {
    begins: { first: '=W', holds: ['irect leak of '] },
    head: /^(?:==\d+==(?:ERROR|WARNING): |WARNING: )?(?<message>(?:Address|HWAddress|Thread|Memory)Sanitizer: .*?|(?:Direct|Indirect) leak of .*?)(?: on (?:unknown )?address .*| allocated from:)?$/,
    frame: /^\s*#\d+ (?:0x[\da-f]+ )?.*? (?<file>\S+?):(?<line>\d+)(?::(?<column>\d+))?(?: \(.*\))?$/,
    ends: /^\s*$|^SUMMARY: /,
    brokenStack: true,
    needs: 'frames',
    words: first,
  },
  {
    begins: { holds: [': runtime error: '] },
    head: /^(?<file>\S.*?):(?<line>\d+):(?<column>\d+): runtime error: (?<message>.+)$/,
  },
]);

const valgrind = matchers('valgrind', [
  {
    hasBareNames: true,
    begins: { first: '=' },
    head: /^==\d+== {1,2}(?<message>[A-Z\d]\S*(?: \S+)+?)(?: in loss record .*)?$/,
    not: /^==\d+== +(?:Copyright|Using|Command|Memcheck|Helgrind|Address|Access|Process|HEAP SUMMARY|LEAK SUMMARY|For |Use |ERROR SUMMARY|All )/,
    message: /^==\d+== {2}(?! )(?!Address )(.+)$/,
    frame: /^==\d+== {4}(?:at|by) 0x[\dA-F]+: .* \((?<file>[^():]+):(?<line>\d+)\)$/,
    ends: /^(?:==\d+== *$|==\d+== {2}Address |(?!==\d+==))/,
    brokenStack: true,
    needs: 'frames',
    words: first,
  },
]);

const panicked = /^\s*thread '(?<title>.*)' (?:\(\d+\) )?panicked at (?<file>.+):(?<line>\d+):(?<column>\d+):$/;

const cargoTest = matchers('cargo-test', [
  {
    // A documentation test: its panic names a line of a generated program.
    begins: { first: '-' },
    group: /^---- (?<file>\S.*\.rs) - (?<title>.*?) ?\(line (?<line>\d+)\) stdout ----$/,
    groupEnds: /^(?:failures:|---- )/,
    groupFails: true,
    head: /^thread '.*' (?:\(\d+\) )?panicked at .*:\d+:\d+:$/,
    not: /^error(?:\[E\d+\])?: /,
    ends: /^\s*$|^note: /,
  },
  {
    // A failure without a panic.
    begins: { first: '-FT' },
    group: /^\s*(?:---- |(?:TRY \d+ )?FAIL \[[^\]]*\] (?:\([^)]*\) )?\S+ )(?<title>\S+)(?: - .*)?(?: stdout ----)?$/,
    groupEnds: /^\s*(?:test result: |error: |Summary \[)/,
    head: /^\s*(?:note: (?=test did not panic)|Error: )(?<message>test did not panic as expected|.+?)(?: at (?<file>\S.*\.rs):(?<line>\d+):(?<column>\d+))?$/,
  },
  {
    isStack: true,
    begins: { first: 't' },
    head: panicked,
    message: /^(?!stack backtrace:|\s+\d+: |note: )(.*)$/,
    frame: /^\s+at (?<file>\S.*\.rs):(?<line>\d+):(?<column>\d+)$/,
    brokenStack: true,
    ends: /^\s*$|^\s*note: /,
    words: (lines, title) => titled(title, sentence(lines)),
  },
  {
    begins: { first: 't' },
    head: /^thread '(?<title>.*)' panicked at '(?<message>.*)', (?<file>.+):(?<line>\d+):(?<column>\d+)$/,
  },
]);

export const nativeMatchers: readonly Matcher[] = [...googletest, ...catch2, ...doctest, ...sanitizer, ...valgrind, ...cargoTest];
