import type { CiRecord } from '../../core/ci/follow/ci-record';
import type { ServiceStatus } from '../../core/model/environment-status';
import type { RepositoryHome } from '../../core/support/home';
import type { ManualApproval } from '../../core/pipeline/handovers';
import { isFinished, type RunState } from '../../core/model/run-state';

/** A service of this window: a folder with a `delivery.yaml`. */
export interface Service {
  /** Unique in the window: the path of its `delivery.yaml`. */
  readonly key: string;
  readonly name: string;
  readonly folder: string;
  readonly file: string;
  /** The repository's root, and Deliver's folder for it. */
  readonly root: string;
  readonly home: RepositoryHome;
}

/** What is delivered without a click. */
export interface AutoDeliveryState {
  readonly on: 'commit' | 'push';
  /** The newest commit that is not delivered yet, and why, as in `a rebase is under way`. */
  readonly waiting?: { readonly commit: string; readonly why: string };
}

/** What other parts of the window know of a service. */
export interface Noted {
  /** Absent: nothing is delivered without a click. */
  readonly autoDelivery?: AutoDeliveryState | undefined;
  /** Absent while nobody has looked for them. */
  readonly handovers?: readonly ManualApproval[];
  /** What its CI service said last. */
  readonly engine?: CiRecord;
}

export interface ServiceState extends Service, Noted {
  /** Newest first, as many as are shown. */
  readonly runs: readonly RunState[];
  /** A delivery was asked for and has not written its first event. */
  readonly starting: boolean;
  /** Something was saved since the latest delivery began. */
  readonly changed: boolean;
}

export interface LiveEnvironment {
  readonly name: string;
  readonly kind: string;
  /** Something keeps its services up. */
  readonly running: boolean;
  readonly services: readonly ServiceStatus[];
  /** When it was last asked what is live (ISO 8601), where it has to be asked. */
  readonly observedAt?: string;
  /** Why what is known of it may be wrong. */
  readonly failure?: string;
}

/** Why there is nothing to show, or that there is. */
export type Situation = 'looking' | 'ready' | 'no-folder' | 'no-definition' | 'no-repository' | 'no-git';

/** All that the surfaces are drawn from. */
export interface WindowState {
  readonly situation: Situation;
  readonly trusted: boolean;
  readonly services: readonly ServiceState[];
  readonly environments: readonly LiveEnvironment[];
}

/** The run that a service is about: the own one that goes on, else the newest that says something of the service. */
export function currentRun(service: ServiceState): RunState | undefined {
  const { runs } = service;
  return runs.find((run) => run.outcome === 'running' && isOwn(run)) ?? runs.find((run) => isOwn(run) || !run.engine?.isAside) ?? runs[0];
}

/** Whether it was started from this machine. */
export function isOwn({ engine }: RunState): boolean {
  return engine?.by === undefined;
}

export function isLive(service: ServiceState): boolean {
  return service.starting || service.runs.some((run) => !isFinished(run.outcome) && isOwn(run));
}
