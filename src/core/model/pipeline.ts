/** The name of the file that defines how a service is delivered. */
export const definitionName = 'delivery.yaml';

/**
 * A valid `delivery.yaml` as the rest of Deliver sees it: defaults filled in, durations in
 * milliseconds, `needs` always a list. The parser makes it; nothing else does.
 */
export interface Pipeline {
  readonly service: string;
  /** In the file's order. */
  readonly steps: readonly Step[];
  readonly environments: Readonly<Record<string, EnvironmentDefinition>>;
  /** The environment that "Release to Customers" promotes to. */
  readonly release?: string;
  readonly feedback?: Feedback;
  /** The CI service that runs the steps; absent: this machine. */
  readonly engine?: CiDefinition;
}

export interface Step {
  readonly name: string;
  readonly needs: readonly string[];
  /** Exactly one of `run` and `deploy`. */
  readonly run?: string;
  /** The environment that this step deploys the snapshot to. */
  readonly deploy?: string;
  /** The environment that this step verifies: its failure brings the previous release back. */
  readonly verifies?: string;
  /** Globs relative to the service's folder. Absent: the step runs every time. */
  readonly inputs?: readonly string[];
  readonly outputs: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** The variables that the step takes from the environment: `env` lists them without a value. Their values are part of the key. */
  readonly inherits?: readonly string[];
  readonly secrets: readonly string[];
  readonly reports: readonly string[];
  /** Names of problem matchers, or matchers in the format of VS Code. */
  readonly problems?: readonly (string | Readonly<Record<string, unknown>>)[];
  readonly timeoutMs?: number;
  readonly retries: number;
}

/** The settings are those of the kind: see the descriptor in its folder. */
export interface EnvironmentDefinition<Settings = unknown> {
  readonly kind: string;
  readonly settings: Settings;
  /** How long a release is watched after it went live; 0: not at all. */
  readonly watchMs: number;
}

/** No probe named: the port accepts connections. */
export interface HealthDefinition {
  readonly probe: { readonly http: string } | { readonly command: string } | { readonly tcp: true };
  readonly timeoutMs: number;
}

/** A CI service. Settings that are absent follow from the git remote that changes are pushed to. */
export interface CiDefinition {
  readonly kind: string;
  /** The address of the server. */
  readonly url?: string;
  /** The repository, project or job on it. */
  readonly place?: string;
  readonly remote?: string;
}

export interface Feedback {
  readonly sources: readonly SourceDefinition[];
  /** Globs by component, for feedback that names no line. */
  readonly components: Readonly<Record<string, readonly string[]>>;
  /** Folders where the service runs, and the folder of the service that each contains. */
  readonly paths: Readonly<Record<string, string>>;
}

/** A place that feedback comes from. The settings are those of the kind: see the descriptor in its folder. */
export interface SourceDefinition {
  readonly kind: string;
  readonly settings: unknown;
}
