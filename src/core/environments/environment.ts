import type { ProcessIdentity, Release } from '../run/events';
import type { Result } from '../failure';

/** What every kind of environment answers: deploy, verify, roll back, status, logs, stop. */
export interface Environment {
  readonly name: string;
  readonly kind: 'process' | 'compose' | 'kubernetes' | 'command';
  /**
   * Starts the release beside the live one, waits until it is healthy, then switches. On a failure
   * or an abort the live one was never touched. `log` receives whole lines for the step's log.
   */
  deploy(request: DeployRequest, log: (line: string) => void, signal: AbortSignal): Promise<Result<DeployedRelease>>;
  /** The release was verified: the one it replaced may go. */
  settle(service: string, releaseId: string): Promise<Result<void>>;
  /**
   * Brings back the previous release, or the one named. `to` is absent in the answer where there was
   * no earlier one and the service was taken down. A failure leaves what was live as it was.
   */
  rollBack(service: string, to?: string): Promise<Result<{ from: Release; to?: Release }>>;
  status(): readonly ServiceStatus[];
  /** Brings back what was live, after a stop or a reboot. Does nothing where it is up. */
  start(): Promise<Result<void>>;
  /** Ends the environment and everything that it runs. */
  stop(): Promise<Result<void>>;
}

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
}

export interface DeployedRelease {
  readonly url: string;
  readonly release: Release;
  readonly previous?: Release;
}

export type ServiceHealth = 'healthy' | 'starting' | 'unhealthy' | 'stopped';

export interface ServiceStatus {
  readonly service: string;
  readonly state: ServiceHealth;
  /** In a sentence, where `state` alone does not say it. */
  readonly reason?: string;
  readonly url: string;
  readonly release?: Release;
  readonly previous?: Release;
  /** All that can be brought back, newest first. */
  readonly earlier?: readonly Release[];
  /** The file that holds what the live release prints. */
  readonly log?: string;
  /** Where the files of the live release lie on this machine. */
  readonly artifact?: Artifact;
}

/** What was built for a release. Absolute folders. */
export interface Artifact {
  /** The checkout, and the service's folder in it. */
  readonly slot: string;
  readonly folder: string;
}
