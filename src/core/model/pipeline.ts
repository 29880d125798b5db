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
  /** Where the steps run; absent: on this machine. */
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
  readonly secrets: readonly string[];
  readonly reports: readonly string[];
  /** Names of problem matchers, or matchers in the format of VS Code. */
  readonly problems?: readonly (string | Readonly<Record<string, unknown>>)[];
  readonly timeoutMs?: number;
  readonly retries: number;
}

export type EnvironmentDefinition = {
  /** How long a release is watched after it went live; 0: not at all. */
  readonly watchMs: number;
} & (
  | { readonly kind: 'process'; readonly process: ProcessDefinition }
  | { readonly kind: 'compose'; readonly compose: ComposeDefinition }
  | { readonly kind: 'kubernetes'; readonly kubernetes: KubernetesDefinition }
  | { readonly kind: 'command'; readonly command: CommandDefinition }
);

export interface ProcessDefinition {
  /** Run by the shell in the service's folder of the slot; gets `PORT`. */
  readonly command: string;
  readonly env: Readonly<Record<string, string>>;
  readonly health: HealthDefinition;
}

/** No probe named: the port accepts connections. */
export interface HealthDefinition {
  readonly probe: { readonly http: string } | { readonly command: string } | { readonly tcp: true };
  readonly timeoutMs: number;
}

export interface ComposeDefinition {
  /** Paths or globs relative to the service's folder; empty: what compose finds there. */
  readonly files: readonly string[];
  /** The compose service that is delivered, where it is named. */
  readonly service?: string;
  /** The port that it answers on, inside its container. */
  readonly port?: number;
  readonly env: Readonly<Record<string, string>>;
  /** Absent: the container's own health check. */
  readonly health?: HealthDefinition;
}

export interface KubernetesDefinition {
  readonly context: string;
  readonly namespace?: string;
  /** Exactly one of `manifests` (files, folders or globs) and `chart`, relative to the service's folder. */
  readonly manifests?: readonly string[];
  readonly chart?: { readonly folder: string; readonly values: readonly string[] };
  /** A kind and a name, like `deployment/shop`. */
  readonly workload: string;
  /** A reference that may hold `${DELIVERY_COMMIT}` and the like, or the file that a step wrote it to. */
  readonly image?: string | { readonly file: string };
  readonly url?: string;
  readonly timeoutMs: number;
}

/** Lines for the shell. */
export interface CommandDefinition {
  readonly deploy: string;
  readonly status?: string;
  readonly rollback?: string;
  readonly logs?: string;
  readonly stop?: string;
  readonly env: Readonly<Record<string, string>>;
  readonly url?: string;
  readonly timeoutMs: number;
}

/** A CI service. What is absent is taken from the remote of git that the changes are pushed to. */
export type CiDefinition =
  | { readonly kind: 'github'; readonly url?: string; readonly repository?: string; readonly remote?: string }
  | { readonly kind: 'gitlab'; readonly url?: string; readonly project?: string; readonly remote?: string }
  | { readonly kind: 'jenkins'; readonly url: string; readonly job: string; readonly remote?: string };

export interface Feedback {
  readonly sources: readonly SourceDefinition[];
  /** Globs by component, for feedback that names no line. */
  readonly components: Readonly<Record<string, readonly string[]>>;
}

/** Where feedback comes from. Addresses of servers are absent for the public ones. */
export type SourceDefinition =
  | { readonly kind: 'file'; readonly file: string }
  | ({ readonly kind: 'http' } & HttpSourceDefinition)
  | {
      readonly kind: 'sentry';
      readonly organization: string;
      readonly project: string;
      readonly environment?: string;
      readonly query?: string;
      readonly url?: string;
    }
  | { readonly kind: 'github'; readonly repository?: string; readonly labels: readonly string[]; readonly url?: string }
  | { readonly kind: 'gitlab'; readonly project?: string; readonly labels: readonly string[]; readonly url?: string };

/** Paths into the answer are written with dots. */
export interface HttpSourceDefinition {
  readonly url: string;
  readonly items?: string;
  readonly fields: Readonly<Record<string, string>>;
  readonly itemKind: 'error' | 'comment' | 'rating' | 'ticket';
  readonly next?: string;
  readonly cursor?: string;
  readonly page?: string;
  readonly header?: string;
}
