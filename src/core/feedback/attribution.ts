import picomatch from 'picomatch';
import { splitLines } from '../location/diff-lines';
import type { FileNow, PlacesNow } from '../location/places-now';
import type { KnownItem } from './inbox';
import type { Fix } from './fixes';
import type { Owners } from './owners';
import type { DeliveredPlace, Placement } from './placement';
import type { DeliveredChange, RecentDeliveries } from './recent';
import type { PlacementCache, Situation } from './placement-cache';
import type { FeedbackPlace, PlacedItem } from './placed-item';
import type { Releases, Running } from './releases';

export interface FromSource {
  readonly source: string;
  readonly item: KnownItem;
}

export interface AttributionParts {
  /** What was found out before. */
  readonly remembered: PlacementCache;
  readonly releases: Releases;
  readonly placement: Placement;
  readonly placesNow: PlacesNow;
  readonly recent: RecentDeliveries;
  /** The service's folder relative to the root, with `/`; empty for the root. */
  readonly folder: string;
  readonly components: Readonly<Record<string, readonly string[]>>;
  readonly owners: Owners | undefined;
  readonly fixOf: (source: string, item: KnownItem) => Fix | undefined;
  /** The lines of a file as it is now, from 1, that certainly came with a recent change, with its commit. In their order. */
  readonly changedLines: (path: string) => Promise<ReadonlyMap<number, string>>;
}

const mostInferred = 3;
const atOnce = 500;

/** Brings feedback to the code as it is at one time, and the change that it is about. Never to a change that was not running when it was said. */
export class FeedbackAttribution {
  private readonly files = new Map<string, Promise<FileNow | undefined>>();
  private readonly paths = new Map<DeliveredChange, ReadonlySet<string>>();
  private readonly matchers = new Map<string, (path: string) => boolean>();

  private readonly situation: Situation;

  constructor(private readonly parts: AttributionParts) {
    const delivered = parts.recent.changes.filter(({ deliveries }) => deliveries.length > 0);
    this.situation = {
      basis: JSON.stringify(delivered.map(({ commit, deliveries }) => [commit, deliveries])),
      fixOf: parts.fixOf,
      stampOf: async (commit, path) => (await this.fileNow(commit, path))?.stamp,
    };
  }

  async place(all: readonly FromSource[]): Promise<PlacedItem[]> {
    const placed = await this.parts.remembered.recall(all, this.situation);
    const unknown = [...all.entries()].filter(([at]) => placed[at] === undefined);
    // Together, so that git is asked once for many; in portions, so that what they leave behind is soon gone.
    for (let from = 0; from < unknown.length; from += atOnce)
      await Promise.all(unknown.slice(from, from + atOnce).map(async ([at, one]) => (placed[at] = await this.placeOne(one))));
    return placed.flatMap((item) => item ?? []);
  }

  private async placeOne({ source, item }: FromSource): Promise<PlacedItem> {
    const running = await this.parts.releases.running(item);
    const fix = this.parts.fixOf(source, item);
    const told = { source, item, ...(running && { running }), ...(fix && { fix }) };
    if (!running || 'unknown' in running) return { ...told, places: [] };
    const delivered = await this.parts.placement.places(item, running);
    const places = (await Promise.all(delivered.map(async (place) => this.now(place, running)))).flatMap((place) => place ?? []);
    const candidates = this.candidates(item, running);
    const named = await this.changeOfPlaces(places, delivered, candidates);
    if (named || delivered.length > 0) {
      const placed = { ...told, places, ...(named && { change: named }) };
      const paths = delivered.map(({ path }) => path);
      await this.parts.remembered.keep(placed, running.commit, paths, this.situation);
      return placed;
    }
    const owned = await this.ofComponents(item, candidates);
    if (owned) return { ...told, places: owned.places, change: owned.change };
    const [latest] = candidates;
    return { ...told, places: [], ...(latest && { change: { commit: latest.commit, by: 'delivery' } }) };
  }

  /** The changes that were running when it was first said, newest first. */
  private candidates({ createdAt, undated, environment }: KnownItem, { commit }: Running): DeliveredChange[] {
    if (undated) return [];
    return this.parts.recent.changes.filter(
      (change) =>
        this.parts.recent.holds(commit, change.commit) &&
        change.deliveries.some(
          (delivery) => delivery.at <= createdAt && (environment === undefined || delivery.environment === environment),
        ),
    );
  }

  private async now({ path, line, by }: DeliveredPlace, running: Running): Promise<FeedbackPlace | undefined> {
    const delivered = { path, ...(line !== undefined && { line }) };
    const now = (await this.fileNow(running.commit, path))?.line(line ?? 1);
    if (!now) return undefined;
    if (line !== undefined && now.line === undefined && !(await this.hasLine(running.commit, path, line)))
      return this.now({ path, by }, running);
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

  /** What was deployed may not be what was delivered, or the source counts otherwise: such a line was never there. */
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

  private async ofComponents(
    { components = [] }: KnownItem,
    candidates: readonly DeliveredChange[],
  ): Promise<{ readonly places: FeedbackPlace[]; readonly change: NonNullable<PlacedItem['change']> } | undefined> {
    for (const name of components) {
      for (const by of ['component', 'owner'] as const) {
        for (const { commit, files } of candidates) {
          const paths = files.map(({ path }) => path).filter((path) => this.isOf(by, name, path));
          if (paths.length === 0) continue;
          const inferred = paths.slice(0, mostInferred).map(async (path): Promise<FeedbackPlace> => {
            return { path, ...(await this.passageOf(commit, path)), confidence: 'inferred', by, delivered: { path } };
          });
          return { places: await Promise.all(inferred), change: { commit, by } };
        }
      }
    }
    return undefined;
  }

  /** The first lines together that a change made in a file. */
  private async passageOf(commit: string, path: string): Promise<{ line: number; endLine: number } | undefined> {
    const lines = await this.parts.changedLines(path);
    const [line] = [...lines].find(([, made]) => made === commit) ?? [];
    if (line === undefined) return undefined;
    let endLine = line;
    while (lines.get(endLine + 1) === commit) endLine++;
    return { line, endLine };
  }

  private isOf(by: 'component' | 'owner', name: string, path: string): boolean {
    if (by === 'owner') return this.parts.owners?.owns(name, path) ?? false;
    const globs = Object.hasOwn(this.parts.components, name) ? this.parts.components[name] : undefined;
    const { folder } = this.parts;
    const inService = folder === '' ? path : path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : undefined;
    if (!globs || inService === undefined) return false;
    const matches = this.matchers.get(name) ?? picomatch(globs.map(wholeFolder), { dot: true });
    this.matchers.set(name, matches);
    return matches(inService);
  }
}

/** `src/cart/` stands for all that is in it. */
function wholeFolder(glob: string): string {
  const plain = glob.replace(/^\.\//, '');
  return plain.endsWith('/') ? `${plain}**` : plain;
}
