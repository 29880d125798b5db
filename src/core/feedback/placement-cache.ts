import type { PlacedItem } from './placed-item';
import type { Fix } from './fixes';
import type { KnownItem } from './inbox';

interface Known {
  /** What besides the files decided where it belongs. */
  readonly basis: string;
  readonly commit: string;
  readonly files: readonly DeliveredFile[];
  readonly placed: PlacedItem;
}

interface DeliveredFile {
  readonly path: string;
  /** Differs when the file that it is now was changed. */
  readonly stamp: string;
}

/** What the answer is held against. */
export interface Situation {
  readonly basis: string;
  readonly fixOf: (source: string, item: KnownItem) => Fix | undefined;
  /** The stamp of what a file of a commit is now; undefined while it cannot be told. */
  readonly stampOf: (commit: string, path: string) => Promise<string | undefined>;
}

/** Where items belonged when they were last looked at, for as long as nothing speaks against it. */
export class PlacementCache {
  private readonly known = new WeakMap<KnownItem, Known>();

  /** For each item what is remembered of it and still true. */
  async recall(all: readonly Pick<PlacedItem, 'source' | 'item'>[], situation: Situation): Promise<(PlacedItem | undefined)[]> {
    const known = all.map(({ source, item }) => {
      const one = this.known.get(item);
      return one?.basis === situation.basis && one.placed.fix === situation.fixOf(source, item) ? one : undefined;
    });
    const stamps = await stampsOf(known, situation.stampOf);
    const isTrue = ({ commit, files }: Known): boolean => files.every(({ path, stamp }) => stamps.get(`${commit}:${path}`) === stamp);
    return known.map((one) => (one && isTrue(one) ? one.placed : undefined));
  }

  /** Only what a later look can be held against. */
  async keep(placed: PlacedItem, commit: string, paths: readonly string[], { basis, stampOf }: Situation): Promise<void> {
    const files: DeliveredFile[] = [];
    for (const path of paths) {
      const stamp = await stampOf(commit, path);
      if (stamp === undefined) return;
      files.push({ path, stamp });
    }
    if (files.length > 0) this.known.set(placed.item, { basis, commit, files, placed });
  }
}

/** Many items name the same files: each is looked at once. */
async function stampsOf(
  all: readonly (Known | undefined)[],
  stampOf: Situation['stampOf'],
): Promise<ReadonlyMap<string, string | undefined>> {
  const stamps = new Map<string, Promise<string | undefined>>();
  for (const known of all) {
    if (!known) continue;
    for (const { path } of known.files) {
      const key = `${known.commit}:${path}`;
      if (!stamps.has(key)) stamps.set(key, stampOf(known.commit, path));
    }
  }
  return new Map(await Promise.all([...stamps].map(async ([key, stamp]) => [key, await stamp] as const)));
}
