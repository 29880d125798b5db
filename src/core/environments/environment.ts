import type { ProcessIdentity, Release } from '../model/events';
import type { Artifact, ServiceStatus } from '../model/environment-status';
import type { Result } from '../model/result';

/** What every kind of environment answers: check, deploy, verify, roll back, status, logs, start, stop. */
export interface Environment {
  readonly name: string;
  readonly kind: string;
  /**
   * Whether it can be deployed to at all: programs, sign-in, permissions, the right place. Asked before the
   * first step; changes nothing. `folder` is the service's folder in the slot.
   */
  check(service: string, folder: string, signal: AbortSignal): Promise<Result<void>>;
  /**
   * Brings the release up, beside the live one where the kind can, and switches when it is healthy. After a
   * failure or an abort, what was live before is live. `log` receives whole lines for the step's log.
   */
  deploy(request: DeployRequest, log: WriteLine, signal: AbortSignal): Promise<Result<DeployedRelease>>;
  /** The release was verified: the one it replaced may go. */
  settle(service: string, releaseId: string): Promise<Result<void>>;
  /**
   * Brings back the previous release, or another one. `to` is absent in the answer where there was
   * no earlier one and the service was taken down. A failure leaves what was live as it was.
   */
  rollBack(service: string, options?: RollbackOptions, log?: WriteLine): Promise<Result<RolledBackRelease>>;
  /** What is live, as far as it is known here: quick, and asks nobody. */
  status(): readonly ServiceStatus[];
  /** Asks the environment itself, so that `status` knows what others delivered and how all is now. */
  observe(signal: AbortSignal): Promise<Result<void>>;
  /** What the live release of a service prints: its last lines and, with `follow`, what comes, until the signal. */
  logs(service: string, options: LogOptions, write: (bytes: Buffer) => void, signal: AbortSignal): Promise<Result<void>>;
  /** Brings back what was live, after a stop or a reboot. Does nothing where it is up. */
  start(): Promise<Result<void>>;
  /** Ends the environment and everything that it runs. */
  stop(): Promise<Result<void>>;
}

/** Takes whole lines. */
export type WriteLine = (line: string) => void;

export interface DeployRequest {
  readonly service: string;
  readonly release: Release;
  /** The service's folder in the slot. */
  readonly folder: string;
  /** The checkout that `folder` lies in. It is not rebuilt while the release may still be needed. */
  readonly slot: string;
  /** Services of the same repository that may be deployed later: their addresses are promised now. */
  readonly siblings: readonly string[];
  /** Who will verify it. When that process dies before it did, the previous release comes back. */
  readonly owner?: ProcessIdentity;
  /** Secrets to hand to the release, by name. */
  readonly secrets: Readonly<Record<string, string>>;
  /** What was built and verified elsewhere: exactly this is deployed, and nothing is built. */
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
  /** The release to go back to, by its id or the beginning of its commit; absent: the previous one. */
  readonly to?: string;
  /** Only if this release, by its id, is still the live one. */
  readonly only?: string;
}

export interface RolledBackRelease {
  readonly from: Release;
  readonly to?: Release;
}

export interface LogOptions {
  /** How many of the last lines. */
  readonly lines: number;
  readonly follow?: boolean;
}
