/** A step for a first `delivery.yaml`. `comment` is written above it. */
export interface FoundStep {
  readonly name: string;
  readonly comment?: string;
  readonly needs?: readonly string[];
  readonly run: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly inputs?: readonly string[];
  readonly outputs?: readonly string[];
  readonly reports?: readonly string[];
  readonly secrets?: readonly string[];
  /** A duration as in delivery.yaml: `5m`. */
  readonly timeout?: string;
  readonly retries?: number;
}

/** A service that can be started and reads its port from PORT. `health` is a path that it answers. */
export interface FoundServer {
  readonly command: string;
  readonly health?: string | undefined;
  readonly env?: Readonly<Record<string, string>>;
}

/** The findings of one ecosystem in a folder. */
export interface Found {
  /** The display name: `npm`, `Go`. */
  readonly label: string;
  /** The prefix for step names that two ecosystems share. */
  readonly prefix: string;
  readonly steps: readonly FoundStep[];
  readonly server?: FoundServer | undefined;
  /** Suggestions, written as commented YAML lines at the end. */
  readonly suggestion?: readonly string[];
  /** Set for tools that wrap any language: they count only if no language was found. */
  readonly general?: boolean;
}
