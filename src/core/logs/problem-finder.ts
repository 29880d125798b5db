import type { Matcher, Search } from './matchers/matcher';
import type { FoundProblem } from './problem';
import { plainLine } from './terminal';

/** Told before and after a matcher reads a line, so that one which never returns can be named. */
export interface Watch {
  reading(matcher: string, line: number): void;
  done(): void;
}

interface Running {
  readonly matcher: Matcher;
  readonly search: Search;
  waiting: boolean;
  /** The line that it read last. */
  read: number;
}

/** What a line is cut to: no tool names a place beyond. */
const longestLine = 16 * 1024;

/** No character that begins something has a higher code. */
const codes = 0x4000;

/**
 * Runs problem matchers over a log that comes in pieces. A matcher sees the lines on which it could begin
 * and, while it waits for more, those that follow; all other lines cost next to nothing.
 */
export class ProblemFinder {
  private readonly running: readonly Running[];
  /** By the code of a line's first character: whose line it could be. */
  private readonly byFirst: (Running[] | undefined)[] = new Array<Running[] | undefined>(codes);
  private readonly byContent: Running[] = [];
  private readonly content: RegExp | undefined;
  private readonly always: Running[] = [];
  private waiting = 0;
  private rest = '';
  private lines = 0;

  constructor(
    matchers: readonly Matcher[],
    found: (problem: FoundProblem) => void,
    private readonly watch?: Watch,
  ) {
    this.running = matchers.map((matcher) => ({ matcher, search: matcher.start(found), waiting: false, read: 0 }));
    const holds: string[] = [];
    for (const one of this.running) {
      const { begins } = one.matcher;
      if (!begins) this.always.push(one);
      for (const character of begins?.first ?? '') (this.byFirst[character.charCodeAt(0)] ??= []).push(one);
      if (begins?.holds === undefined) continue;
      holds.push(begins.holds);
      this.byContent.push(one);
    }
    if (holds.length > 0) this.content = new RegExp([...new Set(holds)].join('|'), 'gm');
  }

  /** The next piece of the log, cut anywhere but inside a character. */
  take(text: string): void {
    const all = this.rest + text;
    const end = all.lastIndexOf('\n') + 1;
    this.rest = all.slice(end);
    if (end > 0) this.wholeLines(all.slice(0, end));
    // A program that never ends its line must not fill the memory.
    if (this.rest.length > 1 << 20) this.rest = this.rest.slice(0, longestLine);
  }

  end(): void {
    if (this.rest !== '') this.wholeLines(`${this.rest}\n`);
    this.rest = '';
    for (const { search, matcher } of this.running) this.watched(matcher, () => search.end());
  }

  private wholeLines(raw: string): void {
    const text = isPlain(raw) ? raw : raw.split('\n').map(plainLine).join('\n');
    let hit = this.contentFrom(text, 0);
    for (let at = 0, end = text.indexOf('\n'); end >= 0; at = end + 1, end = text.indexOf('\n', at)) {
      this.lines += 1;
      if (hit < at) hit = this.contentFrom(text, at);
      const first = this.byFirst[firstCode(text, at, end)];
      const holds = hit < end;
      if (!first && !holds && this.waiting === 0 && this.always.length === 0) continue;
      this.line(text.slice(at, Math.min(end, at + longestLine)), first, holds);
    }
  }

  private contentFrom(text: string, from: number): number {
    if (!this.content) return Infinity;
    this.content.lastIndex = from;
    return this.content.exec(text)?.index ?? Infinity;
  }

  private line(text: string, first: readonly Running[] | undefined, holds: boolean): void {
    if (this.waiting > 0) for (const one of this.running) if (one.waiting) this.read(one, text);
    if (first) for (const one of first) if (one.read < this.lines && one.matcher.begins?.line.test(text)) this.read(one, text);
    if (holds) for (const one of this.byContent) if (one.read < this.lines && one.matcher.begins?.line.test(text)) this.read(one, text);
    for (const one of this.always) if (one.read < this.lines) this.read(one, text);
  }

  private read(one: Running, text: string): void {
    const before = one.waiting;
    one.read = this.lines;
    this.watched(one.matcher, () => (one.waiting = one.search.line(text, this.lines)));
    if (one.waiting !== before) this.waiting += one.waiting ? 1 : -1;
  }

  private watched(matcher: Matcher, work: () => void): void {
    this.watch?.reading(matcher.name, this.lines);
    work();
    this.watch?.done();
  }
}

function firstCode(text: string, from: number, end: number): number {
  for (let at = from; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code !== 0x20 && code !== 0x09) return code;
  }
  return 0;
}

function isPlain(text: string): boolean {
  return !/[\x00-\x08\x0b-\x1f\x7f-\x9f]/.test(text);
}
