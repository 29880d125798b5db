import { type Bigrams, bigramsOf, similarity } from '../support/similarity';
import type { Hunk } from './diff-lines';

export interface MappedLine {
  /** From 1. */
  readonly line: number;
  /**
   * `exact`: the same line, outside of every change. `edited`: the same text within a changed passage or
   * moved with it. `approximate`: the one line of the passage that reads much like it, or a lone bracket
   * between changes.
   */
  readonly confidence: 'exact' | 'edited' | 'approximate';
}

/** Passages with more lines to choose from are rewritten: what is similar there is so by chance. */
const choiceBound = 200;
const similarEnough = 0.5;
const clearlyBetter = 0.1;

/** Where the lines of a text are in a later one. Built from their hunks; lines within hunks are looked for when first asked for. */
export class LineMap {
  private matches: Matches | undefined;
  private readonly similar = new Map<number, number | undefined>();
  private readonly bigrams = new Map<string, Bigrams>();

  constructor(
    private readonly before: readonly string[],
    private readonly after: readonly string[],
    private readonly hunks: readonly Hunk[],
  ) {}

  /** The line as it is in the later text; undefined when it is gone or nothing tells which one it is. */
  map(line: number): MappedLine | undefined {
    const text = this.before[line - 1];
    if (text === undefined) return undefined;
    const index = this.lastHunkFrom(line);
    const hunk = this.hunks[index];
    if (!hunk || line >= hunk.oldStart + hunk.oldLines) return this.shifted(line, index);
    this.matches ??= new Matches(this.before, this.after, this.hunks);
    const same = this.matches.newLine(line);
    if (same !== undefined) return { line: same, confidence: 'edited' };
    if (!this.similar.has(line)) this.similar.set(line, this.mostSimilar(line, hunk));
    const similar = this.similar.get(line);
    return similar === undefined ? undefined : { line: similar, confidence: 'approximate' };
  }

  /** The index of the hunk that holds the line, or of the last one that ends before it; -1 for none. */
  private lastHunkFrom(line: number): number {
    let [low, high] = [0, this.hunks.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (firstFrom(this.hunks[middle]) <= line) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  private shifted(line: number, index: number): MappedLine | undefined {
    const hunk = this.hunks[index];
    const shift = hunk ? endOf(hunk.newStart, hunk.newLines) - endOf(hunk.oldStart, hunk.oldLines) : 0;
    const now = this.after[line + shift - 1];
    // Hunks of other texts than these would place it wrongly.
    if (now === undefined || withoutEnd(now) !== withoutEnd(this.before[line - 1] ?? '')) return undefined;
    return { line: line + shift, confidence: this.isByChance(line, index) ? 'approximate' : 'exact' };
  }

  /** Between two hunks a diff takes any `}` or blank line for the same: without a word next to it nothing says that it is. */
  private isByChance(line: number, index: number): boolean {
    const [previous, next] = [this.hunks[index], this.hunks[index + 1]];
    if (!previous || !next) return false;
    const hasWord = (at: number): boolean => /[\p{L}\p{N}]/u.test(this.before[at - 1] ?? '');
    const [from, to] = [previous.oldStart + Math.max(previous.oldLines, 1), firstFrom(next)];
    for (let at = line; at >= from; at--) if (hasWord(at)) return false;
    for (let at = line + 1; at < to; at++) if (hasWord(at)) return false;
    return true;
  }

  /** The added line that is clearly the most similar one, if no other removed line is as similar to it. */
  private mostSimilar(line: number, hunk: Hunk): number | undefined {
    const matches = this.matches;
    if (!matches || !isTelling(this.before[line - 1] ?? '')) return undefined;
    const removed = linesOf(hunk.oldStart, hunk.oldLines).filter((each) => matches.newLine(each) === undefined);
    const added = linesOf(hunk.newStart, hunk.newLines).filter((each) => !matches.isTaken(each));
    if (removed.length > choiceBound || added.length > choiceBound) return undefined;
    const likeness = (old: number, now: number): number =>
      similarity(this.bigramsOf(this.before[old - 1] ?? ''), this.bigramsOf(this.after[now - 1] ?? ''));
    const best = clearBest(added, (now) => likeness(line, now));
    if (best === undefined) return undefined;
    return clearBest(removed, (old) => likeness(old, best)) === line ? best : undefined;
  }

  private bigramsOf(text: string): Bigrams {
    const known = this.bigrams.get(text) ?? bigramsOf(text);
    this.bigrams.set(text, known);
    return known;
  }
}

/** One line of {@link LineMap}. */
export function mapLine(line: number, hunks: readonly Hunk[], before: readonly string[], after: readonly string[]): MappedLine | undefined {
  return new LineMap(before, after, hunks).map(line);
}

function clearBest(lines: readonly number[], rate: (line: number) => number): number | undefined {
  const rated = lines.map((line) => ({ line, rating: rate(line) })).sort((a, b) => b.rating - a.rating);
  const [best, second] = rated;
  if (!best || best.rating < similarEnough) return undefined;
  return best.rating - (second?.rating ?? 0) >= clearlyBetter ? best.line : undefined;
}

/** The first old line that a hunk holds, or that comes after the one it names. */
function firstFrom(hunk: Hunk | undefined): number {
  return hunk ? hunk.oldStart + (hunk.oldLines === 0 ? 1 : 0) : 0;
}

/** The last line of one side of a hunk, which is the one it names where it has none. */
function endOf(start: number, count: number): number {
  return count === 0 ? start : start + count - 1;
}

function withoutEnd(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}

/**
 * Which removed line is which added one, blanks aside. A line that occurs once among the removed and once
 * among the added ones of its hunk is the same; so is one that occurs once in the whole of both texts: it
 * was moved. From there on, equal neighbours are the same as well: so also `}` and blank lines are found,
 * but never by their text alone.
 */
export class Matches {
  private readonly newOf = new Map<number, number>();
  private readonly taken = new Set<number>();
  private readonly old: readonly string[];
  private readonly now: readonly string[];

  constructor(before: readonly string[], after: readonly string[], hunks: readonly Hunk[]) {
    this.old = before.map(withoutBlanks);
    this.now = after.map(withoutBlanks);
    const removed = hunks.map(({ oldStart, oldLines }) => linesOf(oldStart, oldLines));
    const added = hunks.map(({ newStart, newLines }) => linesOf(newStart, newLines));
    hunks.forEach((_, index) => this.match(removed[index] ?? [], added[index] ?? []));
    const unique = (texts: readonly string[], lines: readonly number[][]): number[] => {
      const once = onlyOnce(texts, linesOf(1, texts.length));
      return lines.flat().filter((line) => once.get(texts[line - 1] ?? '') === line);
    };
    this.match(unique(this.old, removed), unique(this.now, added), new Set(removed.flat()), new Set(added.flat()));
  }

  newLine(line: number): number | undefined {
    return this.newOf.get(line);
  }

  isTaken(newLine: number): boolean {
    return this.taken.has(newLine);
  }

  private match(removed: readonly number[], added: readonly number[], within = new Set(removed), into = new Set(added)): void {
    const places = onlyOnce(this.now, added);
    const pairs: (readonly [number, number])[] = [];
    for (const [text, line] of onlyOnce(this.old, removed)) {
      const now = places.get(text);
      if (now !== undefined && isTelling(text) && this.take(line, now)) pairs.push([line, now]);
    }
    for (const [line, now] of pairs) {
      for (const step of [1, -1]) {
        for (let [i, j] = [line + step, now + step]; within.has(i) && into.has(j); i += step, j += step) {
          if (this.old[i - 1] !== this.now[j - 1] || !this.take(i, j)) break;
        }
      }
    }
  }

  private take(line: number, now: number): boolean {
    if (this.newOf.has(line) || this.taken.has(now)) return false;
    this.newOf.set(line, now);
    this.taken.add(now);
    return true;
  }
}

/** The texts that occur once in these lines, with the line each is in. */
function onlyOnce(texts: readonly string[], lines: readonly number[]): Map<string, number> {
  const places = new Map<string, number>();
  const often = new Set<string>();
  for (const line of lines) {
    const text = texts[line - 1] ?? '';
    if (places.has(text)) often.add(text);
    places.set(text, line);
  }
  for (const text of often) places.delete(text);
  return places;
}

/** `}` or `});` occur anywhere, `else {` nearly so. */
export function isTelling(text: string): boolean {
  return (text.match(/[\p{L}\p{N}]/gu)?.length ?? 0) > 4;
}

export function linesOf(start: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => start + index);
}

function withoutBlanks(line: string): string {
  return line.trim().replace(/\s+/g, ' ');
}
