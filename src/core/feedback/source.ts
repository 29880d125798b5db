import type { HttpClient } from '../http/http-client';
import type { HttpFailure } from '../http/http-answer';
import type { Remote } from '../git/remotes';
import type { DefinitionKind } from '../model/definition-kind';
import type { Result } from '../model/result';
import type { TokenServer, Tokens } from '../model/tokens';
import type { FeedbackItem } from './item';

/** State that a source keeps from one fetch to the next: an `ETag`, the time of the newest change. Plain JSON. */
export type FetchState = Readonly<Record<string, string>>;

export type Answer =
  | {
      readonly state: 'items';
      readonly items: readonly FeedbackItem[];
      /** The answer holds all items: an item that is missing no longer exists. Otherwise it adds to the items of earlier answers. */
      readonly isComplete: boolean;
      readonly memory?: FetchState;
      /** The parts of the answer that could not be read, in a sentence. */
      readonly warning?: string;
    }
  | { readonly state: 'unchanged' }
  | SourceFailure;

/** The reason why a source returned nothing. Its earlier items stay. */
export type SourceFailure = Omit<HttpFailure, 'status'>;

/** A place that feedback comes from. */
export interface FeedbackSource {
  /** Unique in a service and stable: `file feedback.jsonl`, `github acme/shop`. */
  readonly name: string;
  readonly kind: string;
  /** The host that its token is for, as `https://host[:port]`. Absent for a source without a token. */
  readonly host?: string;
  /** An absolute path to watch instead of polling. */
  readonly watches?: string;
  /** Never throws, and ends within its own time limits or on `signal`. */
  fetch(memory: FetchState, signal: AbortSignal): Promise<Answer>;
  /** Each action returns the answer of the source, in a sentence. */
  readonly actions: SourceActions;
}

export interface SourceActions {
  readonly resolve?: (item: FeedbackItem) => Promise<Result<string>>;
  readonly assignToMe?: (item: FeedbackItem) => Promise<Result<string>>;
  readonly reply?: (item: FeedbackItem, text: string) => Promise<Result<string>>;
}

/** A kind of feedback source: `file`, `sentry` and so on. A descriptor is light: the source itself is loaded when it is used. */
export interface SourceDescriptor<Checked = unknown, Settings = unknown> extends DefinitionKind<Checked, Settings> {
  /** Names such a source at the start of a sentence: `GitHub`, `A file`. */
  readonly label: string;
  /** Absent for a source without a token. */
  readonly tokens?: TokenServer;
  /** Sends no request yet. */
  open(settings: Settings, context: SourceContext): Promise<FeedbackSource>;
}

export interface SourceContext {
  /** The root of the repository, and the service's folder in it. Absolute. */
  readonly root: string;
  readonly folder: string;
  /** Returns where the repository is hosted. */
  origin(): Promise<Remote | undefined>;
  http(): Promise<HttpClient>;
  readonly tokens: Tokens;
}

/** Returns the descriptor. The types of its settings follow from its schema and its `parse`. */
export function describeSource<Checked, Settings>(descriptor: SourceDescriptor<Checked, Settings>): SourceDescriptor<Checked, Settings> {
  return descriptor;
}
