/** A step that a first `delivery.yaml` gets; `comment` says why, above it. */
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
  /** As delivery.yaml writes it: `5m`. */
  readonly timeout?: string;
  readonly retries?: number;
}

/** A service that can be started: it takes its port from PORT. `health` is a path that it answers. */
export interface FoundServer {
  readonly command: string;
  readonly health?: string | undefined;
  readonly env?: Readonly<Record<string, string>>;
}

/** What one ecosystem found in a folder. */
export interface Found {
  /** For people: `npm`, `Go`. */
  readonly label: string;
  /** Goes before the names of its steps where two ecosystems have a step of one name. */
  readonly prefix: string;
  readonly steps: readonly FoundStep[];
  readonly server?: FoundServer | undefined;
  /** Lines of YAML that are written as comments at the end: what the user may want next. */
  readonly suggestion?: readonly string[];
  /** Builds of any language: they only count where no language was found. */
  readonly general?: boolean;
}
