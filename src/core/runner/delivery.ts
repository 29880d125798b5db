import type { CiName } from '../ci/ci-service';
import type { Tokens } from '../model/tokens';
import type { Contributed } from '../logs/matchers/definition';
import type { Outcome, RunEvent } from '../model/events';

/** What is to be delivered, and how. */
export interface DeliveryRequest {
  /** Any folder of the repository. */
  readonly from: string;
  readonly service?: string;
  /** A revision; absent: the working tree as it is now. */
  readonly commit?: string;
  /** The run whose passed steps need not run again. */
  readonly resume?: string;
  /** How many steps at a time; absent: as many as the machine has processors. */
  readonly width?: number;
  /** Where the steps run; absent: where the pipeline says. */
  readonly engine?: CiName | 'local';
  /** For servers that are asked, as the engine. */
  readonly tokens: Tokens;
  readonly env: NodeJS.ProcessEnv;
  /** The problem matchers that extensions of the editor contribute. */
  readonly contributed: Contributed;
  /** How the command line is called, for what outlives a delivery: supervisors, the watch over a release. */
  readonly program: readonly string[];
  /** Whether it is meant that the change goes to where customers are, by the name of that environment. */
  readonly confirmProduction: (environment: string) => Promise<boolean>;
  readonly signal: AbortSignal;
  readonly onEvent: (event: RunEvent) => void;
}

export interface DeliveryEnd {
  readonly run: string;
  readonly outcome: Outcome;
}
