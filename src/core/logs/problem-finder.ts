import type { Found, Matcher } from './matchers/matcher';
import { plainLine } from '../support/terminal-text';
import { mayHavePrefixes, prefixOf } from './prefixes';
import { ProblemStream, type Watch } from './problem-stream';

/** The maximum length of a line in bytes. Longer lines are cut: no tool prints a place beyond it. */
const longestLine = 4 * 1024;

/** The maximum length of an unfinished line, which bounds the memory. */
const longestRest = 1 << 20;

/** The maximum number of programs whose lines are kept apart. */
const mostStreams = 200;

const newline = 0x0a;

/**
 * Runs problem matchers over a log that arrives in chunks. A matcher sees only the lines on which a match can start and,
 * while a match is open, the lines that follow. All other lines cost almost nothing.
 */
export class ProblemFinder {
  private readonly main: ProblemStream;
  /** The programs whose lines have a prefix. */
  private readonly streams = new Map<string, ProblemStream>();
  private hasPrefixes = false;
  private readonly scanner: LineScanner;
  private rest: Buffer = Buffer.alloc(0);
  /** The number of complete lines so far. */
  private lines = 0;

  constructor(
    private readonly matchers: readonly Matcher[],
    private readonly found: Found,
    private readonly watch?: Watch,
  ) {
    this.main = new ProblemStream(matchers, found, watch);
    const begins = this.main.beginnings();
    this.scanner = new LineScanner(
      [...new Set(begins.flatMap(({ holds }) => holds ?? []))],
      begins.map(({ first }) => first ?? '').join(''),
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
    for (const stream of [this.main, ...this.streams.values()]) stream.end();
  }

  private wholeLines(bytes: Buffer): void {
    this.hasPrefixes ||= mayHavePrefixes(bytes);
    this.lines += this.scanner.scan(
      bytes,
      () => this.hasPrefixes || this.main.needsAll,
      (from, to, before, holds) => {
        const text = plainLine(bytes.toString('utf8', from, Math.min(to, from + longestLine)));
        this.line(text, this.lines + before + 1, holds);
      },
    );
  }

  private line(text: string, number: number, holds: boolean): void {
    const prefix = this.hasPrefixes ? prefixOf(text) : undefined;
    const stream = prefix && this.stream(prefix.name, prefix.folder);
    if (prefix && stream) stream.line(prefix.text, number, holds);
    else this.main.line(text, number, holds);
  }

  private stream(name: string, folder: string | undefined): ProblemStream | undefined {
    const known = this.streams.get(name);
    if (known || this.streams.size >= mostStreams) return known;
    const stream = new ProblemStream(this.matchers, this.found, this.watch, folder);
    this.streams.set(name, stream);
    return stream;
  }
}

/** Bytes that make a line differ from its display on a terminal: escape, carriage return, backspace. */
const drawing = [0x1b, 0x0d, 0x08];

/**
 * Finds the lines of a log that contain one of many words, start with one of many characters, or contain terminal codes. It
 * costs one table look-up per byte: an automaton matches all words at once (A. Aho, M. Corasick, "Efficient string
 * matching", 1975). A word may end with the end of the line.
 */
export class LineScanner {
  private readonly next: Uint16Array;
  /** This state and all later ones are matches. */
  private readonly firstFound: number;
  private readonly begins = new Uint8Array(256);

  constructor(words: readonly string[], firstCharacters: string) {
    for (const character of firstCharacters) this.begins[Buffer.from(character)[0] ?? 0] = 1;
    const automaton = build([...words.map((word) => Buffer.from(word)), ...drawing.map((byte) => Buffer.of(byte))]);
    this.next = automaton.next;
    this.firstFound = automaton.firstFound;
  }

  /**
   * Scans complete lines. `onLine` is called for each matching line, or for every line while `all` returns true, with its start
   * and end in `bytes`, its index, and true if it contains a word or terminal codes (not only a matching first character).
   */
  scan(bytes: Uint8Array, all: () => boolean, onLine: (from: number, to: number, before: number, holds: boolean) => void): number {
    const { next, firstFound, begins } = this;
    let lines = 0;
    for (let at = 0; at < bytes.length; lines++) {
      const from = at;
      while (bytes[at] === 0x20 || bytes[at] === 0x09) at++;
      const first = begins[bytes[at]!]! > 0;
      let holds = false;
      let state = 0;
      at = from;
      for (;;) {
        const byte = bytes[at++]!;
        state = next[(state << 8) | byte]!;
        if (state >= firstFound) holds = true;
        if (byte === newline || at >= bytes.length) break;
      }
      if (first || holds || all()) onLine(from, bytes[at - 1] === newline ? at - 1 : at, lines, holds);
    }
    return lines;
  }
}

interface Node {
  readonly next: Map<number, Node>;
  found: boolean;
  fail: Node | undefined;
}

/** Numbers the states so that matches come last. A single comparison then recognises them. */
function build(words: readonly Buffer[]): { next: Uint16Array; firstFound: number } {
  const node = (): Node => ({ next: new Map(), found: false, fail: undefined });
  const root = node();
  for (const word of words) {
    let at = root;
    for (const byte of word) {
      const known = at.next.get(byte) ?? node();
      at.next.set(byte, known);
      at = known;
    }
    at.found = true;
  }
  const order = [root];
  for (const at of order) {
    for (const [byte, child] of at.next) {
      let fail = at.fail;
      while (fail && !fail.next.has(byte)) fail = fail.fail;
      child.fail = fail?.next.get(byte) ?? root;
      child.found ||= child.fail.found;
      order.push(child);
    }
  }
  const sorted = [...order.filter((one) => !one.found), ...order.filter((one) => one.found)];
  const numbers = new Map(sorted.map((one, index) => [one, index]));
  const next = new Uint16Array(sorted.length * 256);
  for (const at of order) {
    const own = numbers.get(at) ?? 0;
    const inherited = at.fail ? (numbers.get(at.fail) ?? 0) : 0;
    if (at.fail) next.copyWithin(own * 256, inherited * 256, inherited * 256 + 256);
    for (const [byte, child] of at.next) next[own * 256 + byte] = numbers.get(child) ?? 0;
  }
  return { next, firstFound: sorted.length - order.filter((one) => one.found).length };
}
