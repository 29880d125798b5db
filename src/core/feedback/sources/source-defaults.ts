import type { Remote } from '../../git/remotes';

/** What a source takes where `delivery.yaml` is silent. */
export interface SourceDefaults {
  /** Where the repository itself is hosted. */
  readonly origin: Remote | undefined;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}
