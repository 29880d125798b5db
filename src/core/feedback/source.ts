import type { Result } from '../model/result';
import type { HttpFailure } from '../http/http-answer';
import type { FeedbackItem } from './item';

/** State that a source passes from one fetch to the next, such as an `ETag` or the newest change. Plain JSON. */
export type FetchState = Readonly<Record<string, string>>;

/** The result of a fetch. */
export type Answer =
  | {
      readonly state: 'items';
      readonly items: readonly FeedbackItem[];
      /** True if items that are missing here no longer exist; false if the items add to earlier ones. */
      readonly isComplete: boolean;
      readonly memory?: FetchState;
      /** Describes the items that could not be read, in a sentence. */
      readonly warning?: string;
    }
  | { readonly state: 'unchanged' }
  | SourceFailure;

/** Why a fetch failed. Earlier items stay valid. */
export type SourceFailure = Omit<HttpFailure, 'status'>;

/** A source of feedback. Each kind has its own file. */
export interface FeedbackSource {
  /** Unique in a service and stable: `file feedback.jsonl`, `github acme/shop`. */
  readonly name: string;
  readonly kind: 'file' | 'http' | 'sentry' | 'github' | 'gitlab';
  /** The host that receives the token, as `https://host[:port]`; absent for a source without a token. */
  readonly host?: string;
  /** An absolute path of a file to watch instead of polling. */
  readonly watches?: string;
  /** Never throws. Ends within its own time limits or when `signal` aborts. */
  fetch(memory: FetchState, signal: AbortSignal): Promise<Answer>;
  /** The actions that the source supports. Each returns the source's response in a sentence. */
  readonly actions: SourceActions;
}

export interface SourceActions {
  readonly resolve?: (item: FeedbackItem) => Promise<Result<string>>;
  readonly assignToMe?: (item: FeedbackItem) => Promise<Result<string>>;
  readonly reply?: (item: FeedbackItem, text: string) => Promise<Result<string>>;
}
