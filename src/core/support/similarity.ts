/** Longer lines are compared by their beginning: beyond it nobody would tell them apart either. */
const lengthBound = 400;

/** How often each pair of neighbouring letters occurs in a line; blanks do not count. */
export type Bigrams = ReadonlyMap<string, number>;

export function bigramsOf(line: string): Bigrams {
  const text = line.slice(0, lengthBound).replace(/\s+/g, '');
  const bigrams = new Map<string, number>();
  for (let index = 0; index < text.length - 1; index++) {
    const bigram = text.slice(index, index + 2);
    bigrams.set(bigram, (bigrams.get(bigram) ?? 0) + 1);
  }
  return bigrams;
}

/** Dice's coefficient: the share of what two lines have in common, from 0 to 1. */
export function similarity(one: Bigrams, other: Bigrams): number {
  let common = 0;
  for (const [bigram, count] of one) common += Math.min(count, other.get(bigram) ?? 0);
  const all = total(one) + total(other);
  return all === 0 ? 0 : (2 * common) / all;
}

function total(bigrams: Bigrams): number {
  let sum = 0;
  for (const count of bigrams.values()) sum += count;
  return sum;
}

/** The known word that was probably meant, where one is close enough: at most a third of its letters differ. */
export function closest(word: string, known: readonly string[]): string | undefined {
  if (word.length > 100) return undefined;
  const ranked = known
    .slice(0, 200)
    .map((candidate) => ({ candidate, distance: distance(word.toLowerCase(), candidate.toLowerCase()) }))
    .filter((one) => one.distance <= Math.floor((Math.max(word.length, one.candidate.length) + 1) / 3))
    .sort((a, b) => a.distance - b.distance);
  return ranked[0]?.candidate;
}

/** Edits from one word to the other, a swap of neighbours counted as one. */
function distance(from: string, to: string): number {
  if (Math.abs(from.length - to.length) > 4) return Infinity;
  let before: number[] = [];
  let above = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    for (let j = 1; j <= to.length; j++) {
      const change = (above[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      const swap = from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1] ? (before[j - 2] ?? Infinity) + 1 : Infinity;
      row.push(Math.min(change, swap, (above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    before = above;
    above = row;
  }
  return above[to.length] ?? Infinity;
}
