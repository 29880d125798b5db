import type { Release } from './events';

/** What is live in an environment, as anyone may read it. */
export interface EnvironmentStatus {
  readonly environment: string;
  readonly kind: string;
  /** Whether something keeps its services up. */
  readonly running: boolean;
  readonly services: readonly ServiceStatus[];
  /** When it was last asked what is live (ISO 8601), where it has to be asked. */
  readonly observedAt?: string;
  /** Why what is known of it may be wrong. */
  readonly failure?: string;
}

/** `stopped`: on purpose. What runs no more though it should is `unhealthy`. */
export type ServiceHealth = 'healthy' | 'starting' | 'unhealthy' | 'stopped';

export interface ServiceStatus {
  readonly service: string;
  readonly state: ServiceHealth;
  /** In a sentence, where `state` alone does not say it. */
  readonly reason?: string;
  /** Empty where it has none, or none is known. */
  readonly url: string;
  readonly release?: Release;
  readonly previous?: Release;
  /** All that can be brought back, newest first. */
  readonly earlier?: readonly Release[];
  /** The file that holds what the live release prints, where there is one. */
  readonly log?: string;
  /** What was built for the live release, where it was built on this machine. */
  readonly artifact?: Artifact;
  /** When the environment itself last said so (ISO 8601); absent: it is known without asking. */
  readonly observedAt?: string;
}

/** What was built for a release. Absolute folders. */
export interface Artifact {
  /** The checkout, and the service's folder in it. */
  readonly slot: string;
  readonly folder: string;
  /** The container image, by a reference that means this one for ever. */
  readonly image?: string;
}
