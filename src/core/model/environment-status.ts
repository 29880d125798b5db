import type { Release } from './events';

/** The services that are live in an environment. */
export interface EnvironmentStatus {
  readonly environment: string;
  readonly kind: string;
  /** True if the environment keeps its services running. */
  readonly running: boolean;
  readonly services: readonly ServiceStatus[];
  /** The time of the last query (ISO 8601); absent for an environment that needs none. */
  readonly observedAt?: string;
  /** The reason why this status may be outdated. */
  readonly failure?: string;
}

/**
 * `stopped`: on purpose. A service that should run and does not is `unhealthy`. `missing`: somebody removed it. `unknown`: the environment
 * does not answer.
 */
export type ServiceHealth = 'healthy' | 'starting' | 'unhealthy' | 'stopped' | 'missing' | 'unknown';

export interface ServiceStatus {
  readonly service: string;
  readonly state: ServiceHealth;
  /** A sentence that explains the state. */
  readonly reason?: string;
  /** Empty if the service has no known address. */
  readonly url: string;
  readonly release?: Release;
  readonly previous?: Release;
  /** The releases that can be restored, newest first. */
  readonly earlier?: readonly Release[];
  /** The log file of the live release, if it has one. */
  readonly log?: string;
  /** The build of the live release, if it was built on this machine. */
  readonly artifact?: Artifact;
  /** The time when the environment reported this (ISO 8601); absent if it needs no query. */
  readonly observedAt?: string;
  /** The repository that it belongs to; absent if another machine or an earlier version delivered it. */
  readonly owner?: Owner;
  /** The environment is the `release` environment of its pipeline. */
  readonly isProduction?: true;
}

/** The repository that a service of an environment belongs to. Folders are absolute. */
export interface Owner {
  /** The working copy that delivered last. */
  readonly folder: string;
  /** The git folder that all its working copies share. */
  readonly gitFolder: string;
  /** The address of its `origin`, in one spelling. */
  readonly origin?: string;
  /** The commit that was checked out at the last delivery. It identifies a repository that was moved. */
  readonly head?: string;
}

/** The build of a release. Folders are absolute. */
export interface Artifact {
  /** The checkout, and the service's folder in it. */
  readonly slot: string;
  readonly folder: string;
  /** The container image, by an immutable reference. */
  readonly image?: string;
}
