import type { PlacedItem } from './placed-item';
import { isBack } from './fixes';
import { lastOf } from './inbox';

const dayMs = 86_400_000;
const mineWeight = 3;

/** Fresh × mine × how many people: what most deserves a look comes first. `mine` are the commits of whoever looks. */
export function ranked(items: readonly PlacedItem[], mine: ReadonlySet<string>, now: number): PlacedItem[] {
  const rank = (placed: PlacedItem): number => {
    const { item, change, fix } = placed;
    const fresh = 1 / (1 + Math.max(0, now - Date.parse(lastOf(item))) / dayMs);
    const isMine = change !== undefined && mine.has(change.commit);
    const people = 1 + Math.log2(Math.max(1, item.people ?? 1));
    // What is mended needs no look, unless it came back.
    const isMended = fix !== undefined && !isBack(item, fix);
    return fresh * (isMine ? mineWeight : 1) * people * (isMended ? 0.01 : 1);
  };
  return items
    .map((item) => ({ item, rank: rank(item) }))
    .sort((a, b) => b.rank - a.rank)
    .map(({ item }) => item);
}
