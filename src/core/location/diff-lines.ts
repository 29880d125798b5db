/** A range of lines in each text, from 0, without the end. */
interface Range {
  readonly oldFrom: number;
  readonly oldTo: number;
  readonly newFrom: number;
  readonly newTo: number;
}

/** A larger range without a unique line counts as changed. */
const maxTableCells = 40_000;
const maxDepth = 12;

/**
 * Returns the hunks between two texts, without calling git. A patience diff: lines that occur once in both texts are
 * anchors, and the ranges between anchors are compared recursively. The time grows with the number of lines, not
 * with their product: a range that is too large to compare is one hunk. Line ends are ignored.
 *
 * The package `diff` is not used: its algorithm takes a second for 100,000 lines with 1,000 changes, finds nothing
 * in common beyond its limit, and never matches a block that moved as far as the rest.
 */
export function diffLines(before: readonly string[], after: readonly string[]): Hunk[] {
  const ids = new Map<string, number>();
  const idOf = (line: string): number => {
    const text = line.endsWith('\r') ? line.slice(0, -1) : line;
    const id = ids.get(text) ?? ids.size;
    ids.set(text, id);
    return id;
  };
  return new Comparison(before.map(idOf), after.map(idOf)).hunks();
}

class Comparison {
  private readonly found: Range[] = [];

  constructor(
    private readonly before: readonly number[],
    private readonly after: readonly number[],
  ) {}

  hunks(): Hunk[] {
    this.compare({ oldFrom: 0, oldTo: this.before.length, newFrom: 0, newTo: this.after.length }, 0);
    return this.found.map(({ oldFrom, oldTo, newFrom, newTo }) => ({
      oldStart: oldTo > oldFrom ? oldFrom + 1 : oldFrom,
      oldLines: oldTo - oldFrom,
      newStart: newTo > newFrom ? newFrom + 1 : newFrom,
      newLines: newTo - newFrom,
    }));
  }

  private compare(untrimmed: Range, depth: number): void {
    const range = this.trim(untrimmed);
    const { oldFrom, oldTo, newFrom, newTo } = range;
    if (oldFrom === oldTo || newFrom === newTo) return this.add(range);
    const anchors = depth < maxDepth ? this.anchors(range) : [];
    if (anchors.length > 0) return this.visitGaps(range, anchors, (part) => this.compare(part, depth + 1));
    if ((oldTo - oldFrom) * (newTo - newFrom) > maxTableCells) return this.add(range);
    this.visitGaps(range, this.longestCommon(range), (part) => this.add(part));
  }

  private trim({ oldFrom, oldTo, newFrom, newTo }: Range): Range {
    const { before, after } = this;
    while (oldFrom < oldTo && newFrom < newTo && before[oldFrom] === after[newFrom]) [oldFrom, newFrom] = [oldFrom + 1, newFrom + 1];
    while (oldFrom < oldTo && newFrom < newTo && before[oldTo - 1] === after[newTo - 1]) [oldTo, newTo] = [oldTo - 1, newTo - 1];
    return { oldFrom, oldTo, newFrom, newTo };
  }

  private add(range: Range): void {
    const last = this.found.at(-1);
    if (range.oldFrom === range.oldTo && range.newFrom === range.newTo) return;
    const continues = last && last.oldTo === range.oldFrom && last.newTo === range.newFrom;
    if (continues) this.found[this.found.length - 1] = { ...last, oldTo: range.oldTo, newTo: range.newTo };
    else this.found.push(range);
  }

  /** Visits the ranges before, between and after pairs of equal lines. */
  private visitGaps(range: Range, pairs: readonly Pair[], visit: (part: Range) => void): void {
    let { oldFrom, newFrom } = range;
    for (const [oldTo, newTo] of pairs) {
      visit({ oldFrom, oldTo, newFrom, newTo });
      [oldFrom, newFrom] = [oldTo + 1, newTo + 1];
    }
    visit({ oldFrom, oldTo: range.oldTo, newFrom, newTo: range.newTo });
  }

  /** Returns the longest sequence of lines that occur once on each side and have the same order. */
  private anchors({ oldFrom, oldTo, newFrom, newTo }: Range): Pair[] {
    const once = indexOfUnique(this.before, oldFrom, oldTo);
    const pairs: Pair[] = [];
    for (const [id, newIndex] of indexOfUnique(this.after, newFrom, newTo)) {
      const oldIndex = newIndex < 0 ? undefined : once.get(id);
      if (oldIndex !== undefined && oldIndex >= 0) pairs.push([oldIndex, newIndex]);
    }
    // A map keeps the order of insertion, here the order of the new text.
    return longestRising(pairs);
  }

  /** Returns the longest common subsequence, by dynamic programming. */
  private longestCommon({ oldFrom, oldTo, newFrom, newTo }: Range): Pair[] {
    const width = newTo - newFrom + 1;
    const lengths = new Uint32Array((oldTo - oldFrom + 1) * width);
    const cell = (oldIndex: number, newIndex: number): number => (oldIndex - oldFrom) * width + newIndex - newFrom;
    const at = (index: number): number => lengths[index] ?? 0;
    for (let i = oldTo - 1; i >= oldFrom; i--) {
      for (let j = newTo - 1; j >= newFrom; j--) {
        const here = cell(i, j);
        lengths[here] = this.before[i] === this.after[j] ? at(here + width + 1) + 1 : Math.max(at(here + width), at(here + 1));
      }
    }
    const pairs: Pair[] = [];
    for (let [i, j] = [oldFrom, newFrom]; i < oldTo && j < newTo;) {
      if (this.before[i] === this.after[j]) pairs.push([i++, j++]);
      else if (at(cell(i + 1, j)) >= at(cell(i, j + 1))) i++;
      else j++;
    }
    return pairs;
  }
}

type Pair = readonly [oldIndex: number, newIndex: number];

/** Returns the index of each line of a range, or -1 for a line that occurs more than once. */
function indexOfUnique(ids: readonly number[], from: number, to: number): Map<number, number> {
  const places = new Map<number, number>();
  for (let index = from; index < to; index++) {
    const id = ids[index] ?? -1;
    places.set(id, places.has(id) ? -1 : index);
  }
  return places;
}

/** Returns the longest subsequence of pairs, ordered by their new index, whose old index rises too. */
function longestRising(pairs: readonly Pair[]): Pair[] {
  // `ends[n]` is the pair with the lowest old index that ends a subsequence of length n + 1.
  const ends: number[] = [];
  const previous: (number | undefined)[] = [];
  pairs.forEach(([oldIndex], current) => {
    let [low, high] = [0, ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((pairs[ends[middle] ?? 0]?.[0] ?? 0) < oldIndex) low = middle + 1;
      else high = middle;
    }
    previous[current] = ends[low - 1];
    ends[low] = current;
  });
  const run: Pair[] = [];
  for (let current = ends.at(-1); current !== undefined; current = previous[current]) {
    const pair = pairs[current];
    if (pair) run.push(pair);
  }
  return run.reverse();
}

/**
 * A difference between two texts, as in `@@ -a,b +c,d @@` without context. Lines count from 1. A side without lines
 * starts *after* the line that it names.
 */
export interface Hunk {
  readonly oldStart: number;
  readonly oldLines: number;
  readonly newStart: number;
  readonly newLines: number;
}

/** Parses the output of `git diff -U0` for one pair of texts. */
export function parseHunks(diff: string): Hunk[] {
  return Array.from(diff.matchAll(/^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/gm), ([, oldStart, oldLines, newStart, newLines]) => ({
    oldStart: Number(oldStart),
    oldLines: Number(oldLines ?? 1),
    newStart: Number(newStart),
    newLines: Number(newLines ?? 1),
  }));
}

/** Returns the lines of a text as git counts them, without line ends. A line break at the end begins no line. */
export function splitLines(text: string): string[] {
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  return lines;
}
