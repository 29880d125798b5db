import type { FeedbackState } from '../../core/feedback/service-feedback';
import type { SourceActions } from '../../core/feedback/source';
import type { ServiceState } from '../app/state';

/** What is new about a service: its recent changes and what customers say of them. */
export interface ServiceNews {
  readonly service: ServiceState;
  /** Absent while it is not known yet. */
  readonly feedback?: FeedbackState;
  /** Why nothing is known, in a sentence. */
  readonly problem?: string;
  /** The commits of whoever uses this window. */
  readonly mine: ReadonlySet<string>;
  /** The keys of items that were not looked at yet. */
  readonly unread: ReadonlySet<string>;
  /** What can be done with the items of each source. */
  readonly actions: ReadonlyMap<string, SourceActions>;
}
