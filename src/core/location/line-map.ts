import { type Bigrams, bigramsOf, similarity } from '../support/similarity';
import type { Hunk } from './diff-lines';

export interface MappedLine {
  /** From 1. */
  readonly line: number;
  /**
   * `exact`: the same line, outside of every hunk. `edited`: the same text inside a hunk, or moved. `approximate`: the
   * only similar line of the hunk, or a lone bracket between hunks.
   */
  readonly confidence: 'exact' | 'edited' | 'approximate';
}

/** In a larger hunk, lines are similar by chance. */
const maxCandidates = 200;
const minSimilarity = 0.5;
const minLead = 0.1;

/** Maps the lines of a text to a later text by their hunks. Lines inside hunks are matched on demand. */
export class LineMap {
  private matches: Matches | undefined;
  private readonly similar = new Map<number, number | undefined>();
  private readonly bigrams = new Map<string, Bigrams>();

  constructor(
    private readonly before: readonly string[],
    private readonly after: readonly string[],
    private readonly hunks: readonly Hunk[],
  ) {}

  /** Returns the line in the later text, or undefined if it is gone or ambiguous. */
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

  /** Returns the index of the hunk that contains the line or is the last before it, or -1. */
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
    // The hunks may belong to other texts.
    if (now === undefined || withoutEnd(now) !== withoutEnd(this.before[line - 1] ?? '')) return undefined;
    return { line: line + shift, confidence: this.isUnconfirmed(line, index) ? 'approximate' : 'exact' };
  }

  /** Between two hunks, a diff matches any `}` or blank line. Only a neighbour with a word confirms it. */
  private isUnconfirmed(line: number, index: number): boolean {
    const [previous, next] = [this.hunks[index], this.hunks[index + 1]];
    if (!previous || !next) return false;
    const hasWord = (at: number): boolean => /[\p{L}\p{N}]/u.test(this.before[at - 1] ?? '');
    const [from, to] = [previous.oldStart + Math.max(previous.oldLines, 1), firstFrom(next)];
    for (let at = line; at >= from; at--) if (hasWord(at)) return false;
    for (let at = line + 1; at < to; at++) if (hasWord(at)) return false;
    return true;
  }

  /** Returns the most similar added line, if it leads clearly and no other removed line is as similar to it. */
  private mostSimilar(line: number, hunk: Hunk): number | undefined {
    const matches = this.matches;
    if (!matches || !isDistinctive(this.before[line - 1] ?? '')) return undefined;
    const removed = linesOf(hunk.oldStart, hunk.oldLines).filter((each) => matches.newLine(each) === undefined);
    const added = linesOf(hunk.newStart, hunk.newLines).filter((each) => !matches.isTaken(each));
    if (removed.length > maxCandidates || added.length > maxCandidates) return undefined;
    const similarityOf = (old: number, now: number): number =>
      similarity(this.bigramsOf(this.before[old - 1] ?? ''), this.bigramsOf(this.after[now - 1] ?? ''));
    const best = bestOf(added, (now) => similarityOf(line, now));
    if (best === undefined) return undefined;
    return bestOf(removed, (old) => similarityOf(old, best)) === line ? best : undefined;
  }

  private bigramsOf(text: string): Bigrams {
    const known = this.bigrams.get(text) ?? bigramsOf(text);
    this.bigrams.set(text, known);
    return known;
  }
}

function bestOf(lines: readonly number[], rate: (line: number) => number): number | undefined {
  const rated = lines.map((line) => ({ line, rating: rate(line) })).sort((a, b) => b.rating - a.rating);
  const [best, second] = rated;
  if (!best || best.rating < minSimilarity) return undefined;
  return best.rating - (second?.rating ?? 0) >= minLead ? best.line : undefined;
}

/** Returns the first old line of a hunk, or the line after its position if it only adds lines. */
function firstFrom(hunk: Hunk | undefined): number {
  return hunk ? hunk.oldStart + (hunk.oldLines === 0 ? 1 : 0) : 0;
}

/** Returns the last line of one side of a hunk, or its position if that side is empty. */
function endOf(start: number, count: number): number {
  return count === 0 ? start : start + count - 1;
}

function withoutEnd(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}

/**
 * Matches removed lines to added lines, ignoring white space. A line matches if it occurs once among the removed and
 * once among the added lines of its hunk, or once in each text: then it was moved. Equal neighbours of a match
 * match too. So a `}` or a blank line is matched, but never by its text alone.
 */
class Matches {
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
      if (now !== undefined && isDistinctive(text) && this.take(line, now)) pairs.push([line, now]);
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

/** Returns the texts that occur once in these lines, each with its line. */
function onlyOnce(texts: readonly string[], lines: readonly number[]): Map<string, number> {
  const places = new Map<string, number>();
  const repeated = new Set<string>();
  for (const line of lines) {
    const text = texts[line - 1] ?? '';
    if (places.has(text)) repeated.add(text);
    places.set(text, line);
  }
  for (const text of repeated) places.delete(text);
  return places;
}

/** Whether a line is more than `}`, `});` or `else {`, which occur anywhere. */
export function isDistinctive(text: string): boolean {
  return (text.match(/[\p{L}\p{N}]/gu)?.length ?? 0) > 4;
}

function linesOf(start: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => start + index);
}

function withoutBlanks(line: string): string {
  return line.trim().replace(/\s+/g, ' ');
}
