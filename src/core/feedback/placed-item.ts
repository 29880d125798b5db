import type { Fix } from './fixes';
import type { KnownItem } from './inbox';
import type { Running, UnknownRelease } from './releases';

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
