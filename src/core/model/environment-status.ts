import type { Environment, ServiceStatus } from '../environments/environment';

/** What is live in an environment, as anyone may read it. */
export interface EnvironmentStatus {
  readonly environment: string;
  readonly kind: Environment['kind'];
  /** Whether something keeps its services up. */
  readonly running: boolean;
  readonly services: readonly ServiceStatus[];
  /** When it was last asked what is live (ISO 8601), where it has to be asked. */
  readonly observedAt?: string;
  /** Why what is known of it may be wrong. */
  readonly failure?: string;
}
