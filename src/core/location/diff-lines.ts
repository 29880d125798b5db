/** A stretch of each text, from 0, the ends excluded. */
interface Range {
  readonly oldFrom: number;
  readonly oldTo: number;
  readonly newFrom: number;
  readonly newTo: number;
}

/** How much is compared cell by cell between two lines that are the same; beyond it all counts as changed. */
const tableBound = 40_000;
const depthBound = 12;

/**
 * What changed between two texts, without calling git. A patience diff: lines that occur once in both
 * hold the texts together, what lies between them is compared on its own. The effort grows with the
 * lines, not with their product: a stretch too large to compare is one hunk. Line ends do not count.
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

  private compare(whole: Range, depth: number): void {
    const range = this.trimmed(whole);
    const { oldFrom, oldTo, newFrom, newTo } = range;
    if (oldFrom === oldTo || newFrom === newTo) return this.add(range);
    const anchors = depth < depthBound ? this.anchors(range) : [];
    if (anchors.length > 0) return this.between(range, anchors, (part) => this.compare(part, depth + 1));
    if ((oldTo - oldFrom) * (newTo - newFrom) > tableBound) return this.add(range);
    this.between(range, this.longestCommon(range), (part) => this.add(part));
  }

  private trimmed({ oldFrom, oldTo, newFrom, newTo }: Range): Range {
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

  /** What lies before, between and after pairs of lines that are the same, in order. */
  private between(range: Range, pairs: readonly Pair[], visit: (part: Range) => void): void {
    let { oldFrom, newFrom } = range;
    for (const [oldTo, newTo] of pairs) {
      visit({ oldFrom, oldTo, newFrom, newTo });
      [oldFrom, newFrom] = [oldTo + 1, newTo + 1];
    }
    visit({ oldFrom, oldTo: range.oldTo, newFrom, newTo: range.newTo });
  }

  /** The most lines that occur once on either side and are in the same order on both. */
  private anchors({ oldFrom, oldTo, newFrom, newTo }: Range): Pair[] {
    const once = onlyOnce(this.before, oldFrom, oldTo);
    const pairs: Pair[] = [];
    for (const [id, newIndex] of onlyOnce(this.after, newFrom, newTo)) {
      const oldIndex = newIndex < 0 ? undefined : once.get(id);
      if (oldIndex !== undefined && oldIndex >= 0) pairs.push([oldIndex, newIndex]);
    }
    // A map keeps the order in which a line was first met: that of the new text.
    return longestRising(pairs);
  }

  /** The longest common subsequence, by the table in which every book has it. */
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

/** Where each line of a stretch is, -1 for one that occurs more often. */
function onlyOnce(ids: readonly number[], from: number, to: number): Map<number, number> {
  const places = new Map<number, number>();
  for (let index = from; index < to; index++) {
    const id = ids[index] ?? -1;
    places.set(id, places.has(id) ? -1 : index);
  }
  return places;
}

/** The longest run of pairs, ordered by their new side, whose old side rises as well. */
function longestRising(pairs: readonly Pair[]): Pair[] {
  // For each length, which pair ends the run of that length that ends lowest; and what came before each pair.
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
 * One place where two texts differ, as in `@@ -a,b +c,d @@` without context. Lines count from 1; a side
 * of no lines starts *after* the line that it names.
 */
export interface Hunk {
  readonly oldStart: number;
  readonly oldLines: number;
  readonly newStart: number;
  readonly newLines: number;
}

/** The hunks of what `git diff -U0` prints for one pair of texts, in order. */
export function parseHunks(diff: string): Hunk[] {
  return Array.from(diff.matchAll(/^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/gm), ([, oldStart, oldLines, newStart, newLines]) => ({
    oldStart: Number(oldStart),
    oldLines: Number(oldLines ?? 1),
    newStart: Number(newStart),
    newLines: Number(newLines ?? 1),
  }));
}

/** The lines of a text as git counts them, without their ends: a last line break begins no further line. */
export function splitLines(text: string): string[] {
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  return lines;
}
