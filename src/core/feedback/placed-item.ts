import { type Fix, isReportedAgain } from './fixes';
import { type KnownItem, lastSeen, type FeedbackKind } from './item';
import type { Running, UnknownRelease } from './placement';

/** How certain a place is. `inferred`: derived from a component, an owner or the release that was live. */
export type Confidence = 'exact' | 'edited' | 'approximate' | 'inferred';

/** A place of feedback in the current code. */
export interface FeedbackPlace {
  /** Relative to the root of the repository, with `/`. */
  readonly path: string;
  /** Starts at 1; absent if the place is a file or the line no longer exists. */
  readonly line?: number;
  /** Absent for a single line. */
  readonly endLine?: number;
  readonly confidence: Confidence;
  readonly by: 'frame' | 'text' | 'component' | 'owner';
  /** The place in the delivered commit. */
  readonly delivered: { readonly path: string; readonly line?: number };
}

/** A feedback item with its release, places, change and fix. */
export interface PlacedItem {
  readonly source: string;
  readonly item: KnownItem;
  /** The release that was running; absent if unknown. */
  readonly running?: Running | UnknownRelease;
  readonly places: readonly FeedbackPlace[];
  /** The change that the item is about. */
  readonly change?: { readonly commit: string; readonly by: 'line' | 'file' | 'component' | 'owner' | 'delivery' };
  readonly fix?: Fix;
}

/** Returns the certainty of a place in words. */
export function confidenceText({
  confidence,
  line,
  by,
  delivered,
}: Pick<FeedbackPlace, 'confidence' | 'line' | 'by' | 'delivered'>): string {
  const words: Record<Confidence, string> = {
    exact: '',
    edited: line === undefined ? 'edited since delivery: the line is gone' : 'edited since delivery',
    approximate: 'approximate: edited since delivery',
    inferred: by === 'component' ? 'by its component' : by === 'owner' ? 'by its owners' : 'by the release that was live',
  };
  return delivered.line === undefined && confidence === 'edited' ? '' : words[confidence];
}

/** Returns in words why an item is attributed to a change. */
export function attributionText(by: NonNullable<PlacedItem['change']>['by']): string {
  return {
    line: 'this change made the line',
    file: 'this change touched the file',
    component: 'this change touched the component',
    owner: 'this change touched files of the owner',
    delivery: 'reported after this change was delivered',
  }[by];
}

/** Returns `3 people, 12 times`; empty for a single comment. */
export function frequencyText({ people, count, kind }: KnownItem): string {
  const said = [people !== undefined && people > 1 ? `${people} people` : '', count > 1 ? `${count} times` : ''];
  return said.filter((part) => part !== '').join(', ') || (kind === 'error' ? 'once' : '');
}

const dayMs = 86_400_000;
const ownWeight = 3;

/** Sorts items by age, authorship and number of people, most relevant first. `mine` contains the current developer's commits. */
export function sortedByRelevance(items: readonly PlacedItem[], mine: ReadonlySet<string>, now: number): PlacedItem[] {
  const rank = (placed: PlacedItem): number => {
    const { item, change, fix } = placed;
    const recency = 1 / (1 + Math.max(0, now - Date.parse(lastSeen(item))) / dayMs);
    const isMine = change !== undefined && mine.has(change.commit);
    const people = 1 + Math.log2(Math.max(1, item.people ?? 1));
    // A fixed item is irrelevant unless customers report it again.
    const isFixed = fix !== undefined && !isReportedAgain(item, fix);
    return recency * (isMine ? ownWeight : 1) * people * (isFixed ? 0.01 : 1);
  };
  return items
    .map((item) => ({ item, rank: rank(item) }))
    .sort((a, b) => b.rank - a.rank)
    .map(({ item }) => item);
}

/** An item in the output of `deliver feedback --json`. Other tools depend on this format. */
export interface ReportedItem {
  readonly id: string;
  readonly source: string;
  readonly kind: FeedbackKind;
  readonly title: string;
  readonly url?: string;
  readonly createdAt: string;
  readonly lastSeenAt?: string;
  readonly count: number;
  readonly people?: number;
  readonly body?: string;
  readonly author?: string;
  readonly rating?: number;
  readonly environment?: string;
  /** The full id of the commit that was running; absent if unknown. */
  readonly commit?: string;
  /** The release that the source named, if no commit is known for it. */
  readonly unknownRelease?: string;
  /** Places in the current code. */
  readonly places: readonly {
    readonly path: string;
    readonly line?: number;
    readonly endLine?: number;
    readonly confidence: Confidence;
    readonly delivered: FeedbackPlace['delivered'];
  }[];
  /** The change that it is feedback on. */
  readonly change?: { readonly commit: string; readonly by: string };
  /** The commit that names the item and, once live, its environment and time. */
  readonly fix?: { readonly commit: string; readonly environment?: string; readonly deliveredAt?: string };
}

export function reportedItem({ source, item, running, places, change, fix }: PlacedItem): ReportedItem {
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
