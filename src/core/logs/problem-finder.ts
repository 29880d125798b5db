import { LineScanner } from './line-scanner';
import type { Matcher, Search } from './matchers/matcher';
import type { FoundProblem } from '../model/problem';
import { plainLine } from '../support/terminal-text';

/** Called before and after a matcher reads a line, so that a matcher that never returns can be named. */
export interface Watch {
  reading(matcher: string, line: number): void;
  done(): void;
}

interface Running {
  readonly matcher: Matcher;
  readonly search: Search;
  waiting: boolean;
  /** The number of the line that it read last. */
  read: number;
}

/** The maximum length of a line in bytes. Longer lines are cut: no tool prints a place beyond it. */
const longestLine = 4 * 1024;

/** The maximum length of an unfinished line, which bounds the memory. */
const longestRest = 1 << 20;

const newline = 0x0a;

/**
 * Runs problem matchers over a log that arrives in chunks. A matcher sees only the lines on which a match can start and,
 * while a match is open, the lines that follow. All other lines cost almost nothing.
 */
export class ProblemFinder {
  private readonly running: readonly Running[];
  /** Matchers that can start on any line, on a line with a word, and on a line with a first character. */
  private readonly always: readonly Running[];
  private readonly byWord: readonly Running[];
  private readonly byFirst = new Map<string, Running[]>();
  private readonly scanner: LineScanner;
  private waiting = 0;
  private rest: Buffer = Buffer.alloc(0);
  /** The number of complete lines so far, and the number of the current line. */
  private lines = 0;
  private number = 0;

  constructor(
    matchers: readonly Matcher[],
    found: (problem: FoundProblem) => void,
    private readonly watch?: Watch,
  ) {
    this.running = matchers.map((matcher) => ({ matcher, search: matcher.start(found), waiting: false, read: 0 }));
    this.always = this.running.filter((one) => !one.matcher.begins);
    this.byWord = this.running.filter((one) => one.matcher.begins?.holds);
    for (const one of this.running) {
      for (const first of one.matcher.begins?.first ?? '') this.byFirst.set(first, [...(this.byFirst.get(first) ?? []), one]);
    }
    this.scanner = new LineScanner(
      [...new Set(matchers.flatMap((matcher) => matcher.begins?.holds ?? []))],
      matchers.map((matcher) => matcher.begins?.first ?? '').join(''),
    );
  }

  /** Takes the next chunk, cut anywhere. The caller may reuse the buffer afterwards. */
  take(bytes: Buffer): void {
    const end = bytes.lastIndexOf(newline) + 1;
    if (end === 0) {
      if (this.rest.length < longestRest) this.rest = Buffer.concat([this.rest, bytes]);
      return;
    }
    const first = this.rest.length === 0 ? 0 : bytes.indexOf(newline) + 1;
    if (first > 0) this.wholeLines(Buffer.concat([this.rest, bytes.subarray(0, first)]));
    this.wholeLines(bytes.subarray(first, end));
    this.rest = Buffer.from(bytes.subarray(end));
  }

  end(): void {
    if (this.rest.length > 0) this.wholeLines(Buffer.concat([this.rest, Buffer.of(newline)]));
    this.rest = Buffer.alloc(0);
    for (const { search, matcher } of this.running) this.watched(matcher, () => search.end());
  }

  private wholeLines(bytes: Buffer): void {
    this.lines += this.scanner.scan(
      bytes,
      () => this.waiting > 0 || this.always.length > 0,
      (from, to, before, holds) => {
        this.number = this.lines + before + 1;
        this.line(plainLine(bytes.toString('utf8', from, Math.min(to, from + longestLine))), holds);
      },
    );
  }

  private line(text: string, holds: boolean): void {
    if (this.waiting > 0) for (const one of this.running) if (one.waiting) this.read(one, text);
    this.begin(this.byFirst.get(/[^ \t]/.exec(text)?.[0] ?? ''), text);
    if (holds) this.begin(this.byWord, text);
    this.begin(this.always, text);
  }

  private begin(these: readonly Running[] | undefined, text: string): void {
    if (!these) return;
    for (const one of these) {
      const { begins } = one.matcher;
      if (one.read < this.number && (!begins || begins.line.test(text))) this.read(one, text);
    }
  }

  private read(one: Running, text: string): void {
    const before = one.waiting;
    one.read = this.number;
    this.watched(one.matcher, () => (one.waiting = one.search.line(text, this.number)));
    if (one.waiting !== before) this.waiting += one.waiting ? 1 : -1;
  }

  private watched(matcher: Matcher, work: () => void): void {
    this.watch?.reading(matcher.name, this.number);
    work();
    this.watch?.done();
  }
}
