/** Longer lines are compared by their beginning. */
const maxLength = 400;

/** Counts of each pair of adjacent characters in a line, without white space. */
export type Bigrams = ReadonlyMap<string, number>;

export function bigramsOf(line: string): Bigrams {
  const text = line.slice(0, maxLength).replace(/\s+/g, '');
  const bigrams = new Map<string, number>();
  for (let index = 0; index < text.length - 1; index++) {
    const bigram = text.slice(index, index + 2);
    bigrams.set(bigram, (bigrams.get(bigram) ?? 0) + 1);
  }
  return bigrams;
}

/** Returns Dice's coefficient of two lines, from 0 to 1. */
export function similarity(first: Bigrams, second: Bigrams): number {
  let common = 0;
  for (const [bigram, count] of first) common += Math.min(count, second.get(bigram) ?? 0);
  const all = total(first) + total(second);
  return all === 0 ? 0 : (2 * common) / all;
}

function total(bigrams: Bigrams): number {
  let sum = 0;
  for (const count of bigrams.values()) sum += count;
  return sum;
}

/** Returns the known word that is most similar to a misspelt one, if at most a third of the letters differ. */
export function closest(word: string, known: readonly string[]): string | undefined {
  if (word.length > 100) return undefined;
  const ranked = known
    .slice(0, 200)
    .map((candidate) => ({ candidate, distance: distance(word.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ candidate, distance: edits }) => edits <= Math.floor((Math.max(word.length, candidate.length) + 1) / 3))
    .sort((a, b) => a.distance - b.distance);
  return ranked[0]?.candidate;
}

/** Returns the number of edits from one word to the other. A swap of adjacent letters is one edit. */
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
