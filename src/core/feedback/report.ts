import type { Confidence, FeedbackPlace, PlacedItem } from './placed-item';
import type { FeedbackKind } from './item';

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
