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
