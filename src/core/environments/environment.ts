import type { ProcessIdentity, Release } from '../model/events';
import type { Artifact, ServiceStatus } from '../model/environment-status';
import type { Result } from '../model/result';
import type { Claim } from './owner';

/** An environment of any kind, as the runner and the command line use it. */
export interface Environment {
  readonly name: string;
  readonly kind: string;
  /**
   * Fails if a deployment is impossible: a missing program, sign-in or permission, or a wrong place. Runs before the first step, and
   * changes nothing. `folder` is the service's folder in the slot.
   */
  check(service: string, folder: string, signal: AbortSignal): Promise<Result<void>>;
  /**
   * Starts the release, beside the live one if the kind can, and switches when it is healthy. After a failure or an abort, the earlier
   * release is live. `log` receives whole lines for the step's log.
   */
  deploy(request: DeployRequest, log: WriteLine, signal: AbortSignal): Promise<Result<DeployedRelease>>;
  /** Marks the release as verified: the release that it replaced may be removed. */
  settle(service: string, releaseId: string): Promise<Result<void>>;
  /**
   * Restores the previous release, or another one. `to` is absent in the answer if there is no earlier release: the service is then
   * taken down. A failure changes nothing.
   */
  rollBack(service: string, options?: RollbackOptions, log?: WriteLine): Promise<Result<RolledBackRelease>>;
  /** Returns the last known state. Fast, and sends no query. */
  status(): readonly ServiceStatus[];
  /** Queries the environment, so that `status` includes the deliveries of others and the current health. */
  observe(signal: AbortSignal): Promise<Result<void>>;
  /** Writes the last lines of the live release's output and, with `follow`, all further output until the signal. */
  logs(service: string, options: LogOptions, write: (bytes: Buffer) => void, signal: AbortSignal): Promise<Result<void>>;
  /** Starts the live releases of the services again after a stop or a reboot. Does nothing for a release that runs. */
  start(services?: readonly string[]): Promise<Result<void>>;
  /** Stops the services, or the environment and everything that it runs. */
  stop(services?: readonly string[]): Promise<Result<void>>;
  /** Stops the services and deletes their records. */
  remove(services: readonly string[]): Promise<Result<void>>;
}

/** Receives whole lines. */
export type WriteLine = (line: string) => void;

export interface DeployRequest {
  readonly service: string;
  readonly release: Release;
  /** The service's folder in the slot. */
  readonly folder: string;
  /** The checkout that contains `folder`. It is not rebuilt while the release may still be needed. */
  readonly slot: string;
  /** Services of the same repository that may be deployed later. The release gets their future addresses. */
  readonly siblings: readonly string[];
  /** The process that verifies the release. If it dies before that, the previous release is restored. */
  readonly owner?: ProcessIdentity;
  /** The folder of the run's journal, which records whether the release was verified. */
  readonly journal?: string;
  /** The repository that delivers. Absent: the service keeps its owner. */
  readonly claim?: Claim;
  /** The environment is the `release` environment of the pipeline. */
  readonly isProduction?: true;
  /** Secrets to hand to the release, by name. */
  readonly secrets: Readonly<Record<string, string>>;
  /** The verified release of another environment. It is deployed as it is, and nothing is built. */
  readonly promotes?: Promoted;
}

/** A release of another environment that is promoted. */
export interface Promoted {
  readonly environment: string;
  readonly kind: string;
  readonly artifact: Artifact;
}

export interface DeployedRelease {
  readonly url: string;
  readonly release: Release;
  readonly previous?: Release;
}

export interface RollbackOptions {
  /** The release to restore, by its id or the start of its commit; absent: the previous release. */
  readonly to?: string;
  /** Rolls back only while the release with this id is live. */
  readonly only?: string;
}

export interface RolledBackRelease {
  readonly from: Release;
  readonly to?: Release;
}

export interface LogOptions {
  /** The number of last lines. */
  readonly lines: number;
  readonly follow?: boolean;
}
