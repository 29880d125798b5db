import picomatch from 'picomatch';
import { splitLines } from '../changes/hunks';
import type { PlacesNow } from '../changes/places-now';
import type { KnownItem } from './inbox';
import type { Fix } from './fixes';
import type { Owners } from './owners';
import type { DeliveredPlace, Placement } from './placement';
import type { DeliveredChange, Recent } from './recent';
import type { Releases, Running, UnknownRelease } from './releases';

/** How certain a place is; `inferred`: nothing names it, but something speaks for it. */
export type Confidence = 'exact' | 'edited' | 'approximate' | 'inferred';

/** A place of feedback as it is now. */
export interface FeedbackPlace {
  /** Relative to the root of the repository, with `/`. */
  readonly path: string;
  /** From 1; absent where only the file is meant, or the line is gone. */
  readonly line?: number;
  readonly confidence: Confidence;
  readonly by: 'frame' | 'text' | 'component' | 'owner';
  /** Where it was in the delivered change. */
  readonly delivered: { readonly path: string; readonly line?: number };
}

/** An item with all that it belongs to. */
export interface PlacedItem {
  readonly source: string;
  readonly item: KnownItem;
  /** What was running; absent: nothing tells. */
  readonly running?: Running | UnknownRelease;
  readonly places: readonly FeedbackPlace[];
  /** The change that it is feedback on. */
  readonly change?: { readonly commit: string; readonly by: 'line' | 'file' | 'component' | 'owner' | 'delivery' };
  readonly fix?: Fix;
}

export interface FromSource {
  readonly source: string;
  readonly item: KnownItem;
}

export interface BelongingParts {
  readonly releases: Releases;
  readonly placement: Placement;
  readonly placesNow: PlacesNow;
  readonly recent: Recent;
  /** The service's folder relative to the root, with `/`; empty for the root. */
  readonly folder: string;
  readonly components: Readonly<Record<string, readonly string[]>>;
  readonly owners: Owners | undefined;
  readonly fixOf: (source: string, item: KnownItem) => Fix | undefined;
  /** Which change certainly made a line of a file as it is now. */
  readonly changeOfLine: (path: string, line: number) => Promise<string | undefined>;
}

const mostInferred = 3;

/** Brings feedback to the code and the change that it is about. Never to a change that was not running when it was said. */
export class Belonging {
  private readonly matchers = new Map<string, (path: string) => boolean>();

  constructor(private readonly parts: BelongingParts) {}

  async place(all: readonly FromSource[]): Promise<PlacedItem[]> {
    return Promise.all(all.map(async (one) => this.placeOne(one)));
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
    if (named || delivered.length > 0) return { ...told, places, ...(named && { change: named }) };
    const owned = this.ofComponents(item, candidates);
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
    const now = await this.parts.placesNow.lineNow(running.commit, path, line ?? 1);
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
      if (line === undefined || (confidence !== 'exact' && confidence !== 'edited') || !touches(candidates, path)) continue;
      const commit = await this.parts.changeOfLine(path, line);
      if (commit !== undefined && candidates.some((change) => change.commit === commit)) return { commit, by: 'line' };
    }
    const files = new Set([...places, ...delivered].map(({ path }) => path));
    const touching = candidates.find((change) => change.files.some(({ path }) => files.has(path)));
    return touching && { commit: touching.commit, by: 'file' };
  }

  private ofComponents(
    { components = [] }: KnownItem,
    candidates: readonly DeliveredChange[],
  ): { readonly places: FeedbackPlace[]; readonly change: NonNullable<PlacedItem['change']> } | undefined {
    for (const name of components) {
      for (const by of ['component', 'owner'] as const) {
        for (const change of candidates) {
          const paths = change.files.map(({ path }) => path).filter((path) => this.isOf(by, name, path));
          if (paths.length === 0) continue;
          const places = paths.slice(0, mostInferred).map((path) => ({ path, confidence: 'inferred', by, delivered: { path } }) as const);
          return { places, change: { commit: change.commit, by } };
        }
      }
    }
    return undefined;
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

function touches(candidates: readonly DeliveredChange[], path: string): boolean {
  return candidates.some((change) => change.files.some((file) => file.path === path));
}

/** `src/cart/` stands for all that is in it. */
function wholeFolder(glob: string): string {
  const plain = glob.replace(/^\.\//, '');
  return plain.endsWith('/') ? `${plain}**` : plain;
}
