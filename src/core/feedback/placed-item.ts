import { type Fix, isBack } from './fixes';
import { type KnownItem, lastOf, type FeedbackKind } from './item';
import type { Running, UnknownRelease } from './placement';

/** How certain a place is; `inferred`: nothing names it, but something speaks for it. */
export type Confidence = 'exact' | 'edited' | 'approximate' | 'inferred';

/** A place of feedback as it is now. */
export interface FeedbackPlace {
  /** Relative to the root of the repository, with `/`. */
  readonly path: string;
  /** From 1; absent where only the file is meant, or the line is gone. */
  readonly line?: number;
  /** Absent: one line. */
  readonly endLine?: number;
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

/** How certain a place is, in words. */
export function confidenceWords({
  confidence,
  line,
  by,
  delivered,
}: Pick<FeedbackPlace, 'confidence' | 'line' | 'by' | 'delivered'>): string {
  const words: Record<Confidence, string> = {
    exact: '',
    edited: line === undefined ? 'edited since delivery: the line is gone' : 'edited since delivery',
    approximate: 'about here: edited since delivery',
    inferred: by === 'component' ? 'by its component' : by === 'owner' ? 'by its owners' : 'by what was live at the time',
  };
  return delivered.line === undefined && confidence === 'edited' ? '' : words[confidence];
}

/** Why an item belongs to a change, in words. */
export function changeWords(by: NonNullable<PlacedItem['change']>['by']): string {
  return {
    line: 'this change made the line',
    file: 'this change touched the file',
    component: 'this change touched the component',
    owner: 'this change touched what they own',
    delivery: 'said after this change was delivered',
  }[by];
}

/** `3 people, 12 times`; what was said once by one says nothing. */
export function crowd({ people, count, kind }: KnownItem): string {
  const said = [people !== undefined && people > 1 ? `${people} people` : '', count > 1 ? `${count} times` : ''];
  return said.filter((part) => part !== '').join(', ') || (kind === 'error' ? 'once' : '');
}

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

/** `deliver feedback --json`: other tools rely on this shape. */
export interface ReportedItem {
  readonly id: string;
  readonly source: string;
  readonly kind: FeedbackKind;
  readonly title: string;
  readonly url?: string;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  readonly lastSeenAt?: string;
  readonly count: number;
  readonly people?: number;
  readonly body?: string;
  readonly author?: string;
  readonly rating?: number;
  readonly environment?: string;
  /** What was running, a full id; absent where nothing tells. */
  readonly commit?: string;
  /** The release that the source named, where nothing here knows it. */
  readonly unknownRelease?: string;
  /** As they are now. */
  readonly places: readonly {
    readonly path: string;
    readonly line?: number;
    readonly endLine?: number;
    readonly confidence: Confidence;
    readonly delivered: FeedbackPlace['delivered'];
  }[];
  /** The change that it is feedback on. */
  readonly change?: { readonly commit: string; readonly by: string };
  /** The commit that names it and, once that is live, where and since when. */
  readonly fix?: { readonly commit: string; readonly environment?: string; readonly deliveredAt?: string };
}

export function reported({ source, item, running, places, change, fix }: PlacedItem): ReportedItem {
  const { id, kind, title, url, createdAt, lastSeenAt, count, people, body, author, rating, environment } = item;
  const optional = { url, lastSeenAt, people, body, author, rating, environment };
  return {
    id,
    source,
    kind,
    title,
    createdAt,
    count,
    ...(Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)) as Partial<ReportedItem>),
    ...(running && ('unknown' in running ? { unknownRelease: running.unknown } : { commit: running.commit })),
    places: places.map(({ path, line, endLine = line, confidence, delivered }) => ({
      path,
      ...(line !== undefined && endLine !== undefined && { line, endLine }),
      confidence,
      delivered,
    })),
    ...(change && { change }),
    ...(fix && {
      fix: {
        commit: fix.commit,
        ...(fix.delivered && { deliveredAt: fix.delivered.at }),
        ...(fix.delivered?.environment !== undefined && { environment: fix.delivered.environment }),
      },
    }),
  };
}
