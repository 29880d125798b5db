import type { Remote } from '../../git/remotes';

/** Defaults for settings that `delivery.yaml` omits. */
export interface SourceDefaults {
  /** The origin of the repository. */
  readonly origin: Remote | undefined;
  /** The current time in milliseconds since 1970. */
  readonly now?: () => number;
}
