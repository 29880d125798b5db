import type { Hunk } from './hunks';

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
