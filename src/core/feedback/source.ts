import type { Result } from '../model/result';
import type { HttpFailure } from '../http/http-answer';
import type { FeedbackItem } from './item';

/** What a source remembers from one fetch to the next: an `ETag`, the newest change it saw. Plain JSON. */
export type FetchState = Readonly<Record<string, string>>;

/** What a source answered. */
export type Answer =
  | {
      readonly state: 'items';
      readonly items: readonly FeedbackItem[];
      /** These are all there are: what is no longer among them is gone. Else they add to what was seen before. */
      readonly isComplete: boolean;
      readonly memory?: FetchState;
      /** What could not be read of an answer that could be read otherwise: in a sentence. */
      readonly warning?: string;
    }
  | { readonly state: 'unchanged' }
  | SourceFailure;

/** Why a source has nothing new to say. What it said before stands. */
export type SourceFailure = Omit<HttpFailure, 'status'>;

/** One place where feedback comes from. Each kind is one file. */
export interface FeedbackSource {
  /** Unique in a service and the same from day to day: `file feedback.jsonl`, `github acme/shop`. */
  readonly name: string;
  readonly kind: 'file' | 'http' | 'sentry' | 'github' | 'gitlab';
  /** Where its token goes, as `https://host[:port]`; absent for a source without one. */
  readonly host?: string;
  /** A file to watch instead of asking again and again. Absolute. */
  readonly watches?: string;
  /** Never throws, and ends within its own time limits or when told to. */
  fetch(memory: FetchState, signal: AbortSignal): Promise<Answer>;
  /** What can be done with an item there; each answers what the source itself said, in a sentence. */
  readonly actions: SourceActions;
}

export interface SourceActions {
  readonly resolve?: (item: FeedbackItem) => Promise<Result<string>>;
  readonly assignToMe?: (item: FeedbackItem) => Promise<Result<string>>;
  readonly reply?: (item: FeedbackItem, text: string) => Promise<Result<string>>;
}
