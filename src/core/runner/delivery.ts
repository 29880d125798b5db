import type { CiName } from '../ci/ci-service';
import type { Tokens } from '../model/tokens';
import type { Contributed } from '../logs/matchers/definition';
import type { RunEvent } from '../model/events';

/** A request to deliver one change of a service. */
export interface DeliveryRequest {
  /** Any folder of the repository. */
  readonly from: string;
  readonly service?: string;
  /** A revision; absent: a snapshot of the working tree. */
  readonly commit?: string;
  /** The run whose passed steps are not run again. */
  readonly resume?: string;
  /** The maximum number of steps that run at once; absent: the number of processors. */
  readonly width?: number;
  /** The place to run the steps; absent: as the pipeline says. */
  readonly engine?: CiName | 'local';
  /** Access tokens for the CI service. */
  readonly tokens: Tokens;
  readonly env: NodeJS.ProcessEnv;
  /** Problem matchers that other extensions of the editor contribute. */
  readonly contributed: Contributed;
  /** The command that starts this program, for processes that outlive the delivery: supervisors and release watchers. */
  readonly program: readonly string[];
  /** Resolves to true if the deployment to the production environment of this name is confirmed. */
  readonly confirmProduction: (environment: string) => Promise<boolean>;
  readonly signal: AbortSignal;
  readonly onEvent: (event: RunEvent) => void;
}
