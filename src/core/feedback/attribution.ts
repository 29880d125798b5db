import picomatch from 'picomatch';
import { splitLines } from '../location/diff-lines';
import type { FileNow, PlacesNow } from '../location/places-now';
import type { KnownItem } from './item';
import type { Fix } from './fixes';
import type { Owners } from './owners';
import type { DeliveredPlace, Placement, Releases, Running } from './placement';
import type { DeliveredChange, RecentDeliveries } from './recent';
import type { FeedbackPlace, PlacedItem } from './placed-item';

export interface SourcedItem {
  readonly source: string;
  readonly item: KnownItem;
}

export interface AttributionParts {
  readonly cache: PlacementCache;
  readonly releases: Releases;
  readonly placement: Placement;
  readonly placesNow: PlacesNow;
  readonly recent: RecentDeliveries;
  /** The service's folder relative to the root, with `/`; empty for the root. */
  readonly folder: string;
  readonly components: Readonly<Record<string, readonly string[]>>;
  readonly owners: Owners | undefined;
  readonly fixOf: (source: string, item: KnownItem) => Fix | undefined;
  /** Returns the commit of each line of a current file that a recent change certainly wrote. Lines count from 1, in order. */
  readonly changedLines: (path: string) => Promise<ReadonlyMap<number, string>>;
}

const maxInferredPlaces = 3;
const batchSize = 500;

/** Maps feedback to the current code and to the change that it is about. Only a change that ran when the feedback arrived qualifies. */
export class FeedbackAttribution {
  private readonly files = new Map<string, Promise<FileNow | undefined>>();
  private readonly paths = new Map<DeliveredChange, ReadonlySet<string>>();
  private readonly matchers = new Map<string, (path: string) => boolean>();

  private readonly inputs: PlacementInputs;

  constructor(private readonly parts: AttributionParts) {
    const delivered = parts.recent.changes.filter(({ deliveries }) => deliveries.length > 0);
    this.inputs = {
      basis: JSON.stringify(delivered.map(({ commit, deliveries }) => [commit, deliveries])),
      fixOf: parts.fixOf,
      stampOf: async (commit, path) => (await this.fileNow(commit, path))?.stamp,
    };
  }

  async place(all: readonly SourcedItem[]): Promise<PlacedItem[]> {
    const placed = await this.parts.cache.recall(all, this.inputs);
    const unknown = [...all.entries()].filter(([index]) => placed[index] === undefined);
    // Batches share one git call; a limited size frees memory early.
    for (let from = 0; from < unknown.length; from += batchSize)
      await Promise.all(
        unknown.slice(from, from + batchSize).map(async ([index, sourced]) => (placed[index] = await this.placeItem(sourced))),
      );
    return placed.flatMap((item) => item ?? []);
  }

  private async placeItem({ source, item }: SourcedItem): Promise<PlacedItem> {
    const running = await this.parts.releases.running(item);
    const fix = this.parts.fixOf(source, item);
    const base = { source, item, ...(running && { running }), ...(fix && { fix }) };
    if (!running || 'unknown' in running) return { ...base, places: [] };
    const delivered = await this.parts.placement.places(item, running);
    const places = (await Promise.all(delivered.map(async (place) => this.currentPlace(place, running)))).flatMap((place) => place ?? []);
    const candidates = this.candidates(item, running);
    const named = await this.changeOfPlaces(places, delivered, candidates);
    if (named || delivered.length > 0) {
      const placed = { ...base, places, ...(named && { change: named }) };
      const paths = delivered.map(({ path }) => path);
      await this.parts.cache.keep(placed, running.commit, paths, this.inputs);
      return placed;
    }
    const owned = await this.placeByComponent(item, candidates);
    if (owned) return { ...base, places: owned.places, change: owned.change };
    const [latest] = candidates;
    return { ...base, places: [], ...(latest && { change: { commit: latest.commit, by: 'delivery' } }) };
  }

  /** Returns the changes that ran when the item was first reported, newest first. */
  private candidates({ createdAt, undated, environment }: KnownItem, { commit }: Running): DeliveredChange[] {
    if (undated) return [];
    return this.parts.recent.changes.filter(
      (change) =>
        this.parts.recent.contains(commit, change.commit) &&
        change.deliveries.some(
          (delivery) => delivery.at <= createdAt && (environment === undefined || delivery.environment === environment),
        ),
    );
  }

  private async currentPlace({ path, line, by }: DeliveredPlace, running: Running): Promise<FeedbackPlace | undefined> {
    const delivered = { path, ...(line !== undefined && { line }) };
    const now = (await this.fileNow(running.commit, path))?.line(line ?? 1);
    if (!now) return undefined;
    if (line !== undefined && now.line === undefined && !(await this.hasLine(running.commit, path, line)))
      return this.currentPlace({ path, by }, running);
    const isGuessed = running.by === 'time';
    if (line === undefined) return { path: now.path, confidence: isGuessed ? 'inferred' : 'exact', by, delivered };
    const confidence = now.confidence === 'file' ? 'edited' : now.confidence;
    return {
      path: now.path,
      ...(now.line !== undefined && { line: now.line }),
      confidence: isGuessed ? 'inferred' : confidence,
      by,
      delivered,
    };
  }

  private async fileNow(commit: string, path: string): Promise<FileNow | undefined> {
    const key = `${commit}:${path}`;
    const known = this.files.get(key) ?? this.parts.placesNow.fileNow(commit, path);
    this.files.set(key, known);
    return known;
  }

  /**
   * Returns false for lines past the end of the file: the deployed build may differ from the commit, or the source counts lines
   * differently.
   */
  private async hasLine(commit: string, path: string, line: number): Promise<boolean> {
    const text = await this.parts.placesNow.textAt(commit, path);
    return text === undefined || line <= splitLines(text).length;
  }

  private async changeOfPlaces(
    places: readonly FeedbackPlace[],
    delivered: readonly DeliveredPlace[],
    candidates: readonly DeliveredChange[],
  ): Promise<PlacedItem['change']> {
    for (const { path, line, confidence } of places) {
      if (
        line === undefined ||
        (confidence !== 'exact' && confidence !== 'edited') ||
        !candidates.some((change) => this.touches(change, path))
      )
        continue;
      const commit = (await this.parts.changedLines(path)).get(line);
      if (commit !== undefined && candidates.some((change) => change.commit === commit)) return { commit, by: 'line' };
    }
    const isTouching = (change: DeliveredChange): boolean => [...places, ...delivered].some(({ path }) => this.touches(change, path));
    const touching = candidates.find(isTouching);
    return touching && { commit: touching.commit, by: 'file' };
  }

  private touches(change: DeliveredChange, path: string): boolean {
    const paths = this.paths.get(change) ?? new Set(change.files.map((file) => file.path));
    this.paths.set(change, paths);
    return paths.has(path);
  }

  private async placeByComponent(
    { components = [] }: KnownItem,
    candidates: readonly DeliveredChange[],
  ): Promise<{ readonly places: FeedbackPlace[]; readonly change: NonNullable<PlacedItem['change']> } | undefined> {
    for (const name of components) {
      for (const by of ['component', 'owner'] as const) {
        for (const { commit, files } of candidates) {
          const paths = files.map(({ path }) => path).filter((path) => this.matchesComponent(by, name, path));
          if (paths.length === 0) continue;
          const inferred = paths.slice(0, maxInferredPlaces).map(async (path): Promise<FeedbackPlace> => {
            return { path, ...(await this.firstBlock(commit, path)), confidence: 'inferred', by, delivered: { path } };
          });
          return { places: await Promise.all(inferred), change: { commit, by } };
        }
      }
    }
    return undefined;
  }

  /** Returns the first block of adjacent lines that a change wrote in a file. */
  private async firstBlock(commit: string, path: string): Promise<{ line: number; endLine: number } | undefined> {
    const lines = await this.parts.changedLines(path);
    const [line] = [...lines].find(([, made]) => made === commit) ?? [];
    if (line === undefined) return undefined;
    let endLine = line;
    while (lines.get(endLine + 1) === commit) endLine++;
    return { line, endLine };
  }

  private matchesComponent(by: 'component' | 'owner', name: string, path: string): boolean {
    if (by === 'owner') return this.parts.owners?.owns(name, path) ?? false;
    const globs = Object.hasOwn(this.parts.components, name) ? this.parts.components[name] : undefined;
    const { folder } = this.parts;
    const inService = folder === '' ? path : path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : undefined;
    if (!globs || inService === undefined) return false;
    const matches = this.matchers.get(name) ?? picomatch(globs.map(expandFolder), { dot: true });
    this.matchers.set(name, matches);
    return matches(inService);
  }
}

/** Expands `src/cart/` to all files below it. */
function expandFolder(glob: string): string {
  const plain = glob.replace(/^\.\//, '');
  return plain.endsWith('/') ? `${plain}**` : plain;
}

interface Known {
  /** Everything besides the files that decides the placement. */
  readonly basis: string;
  readonly commit: string;
  readonly files: readonly DeliveredFile[];
  readonly placed: PlacedItem;
}

interface DeliveredFile {
  readonly path: string;
  /** Changes when the current version of the file changes. */
  readonly stamp: string;
}

/** The inputs that a cached placement depends on. */
export interface PlacementInputs {
  readonly basis: string;
  readonly fixOf: (source: string, item: KnownItem) => Fix | undefined;
  /** Returns the stamp of the current version of a committed file; undefined while it is unknown. */
  readonly stampOf: (commit: string, path: string) => Promise<string | undefined>;
}

/** Caches placements until their inputs change. */
export class PlacementCache {
  private readonly known = new WeakMap<KnownItem, Known>();

  /** Returns the placement of each item if it is still valid. */
  async recall(all: readonly Pick<PlacedItem, 'source' | 'item'>[], inputs: PlacementInputs): Promise<(PlacedItem | undefined)[]> {
    const known = all.map(({ source, item }) => {
      const one = this.known.get(item);
      return one?.basis === inputs.basis && one.placed.fix === inputs.fixOf(source, item) ? one : undefined;
    });
    const stamps = await stampsOf(known, inputs.stampOf);
    const isTrue = ({ commit, files }: Known): boolean => files.every(({ path, stamp }) => stamps.get(`${commit}:${path}`) === stamp);
    return known.map((one) => (one && isTrue(one) ? one.placed : undefined));
  }

  /** Stores a placement if all of its files have a stamp to compare with later. */
  async keep(placed: PlacedItem, commit: string, paths: readonly string[], { basis, stampOf }: PlacementInputs): Promise<void> {
    const files: DeliveredFile[] = [];
    for (const path of paths) {
      const stamp = await stampOf(commit, path);
      if (stamp === undefined) return;
      files.push({ path, stamp });
    }
    if (files.length > 0) this.known.set(placed.item, { basis, commit, files, placed });
  }
}

/** Many items name the same files, so each file is checked once. */
async function stampsOf(
  all: readonly (Known | undefined)[],
  stampOf: PlacementInputs['stampOf'],
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
