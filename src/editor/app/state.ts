import type { CiRecord } from '../../core/ci/ci-record';
import type { ServiceStatus } from '../../core/model/environment-status';
import type { Failure } from '../../core/model/result';
import type { RepositoryHome } from '../../core/support/home';
import type { ManualApproval } from '../../core/pipeline/handovers';
import { isFinished, type RunState } from '../../core/model/run-state';

/** A service of this window: a folder with a `delivery.yaml`. */
export interface Service {
  /** The path of `delivery.yaml`, unique in the window. */
  readonly key: string;
  readonly name: string;
  readonly folder: string;
  readonly file: string;
  /** The root of the repository. */
  readonly root: string;
  /** Deliver's folder for the repository. */
  readonly home: RepositoryHome;
}

/** Automatic delivery of a service. */
export interface AutoDeliveryState {
  readonly on: 'commit' | 'push';
  /** The newest commit that is not delivered yet, with the reason, such as `a rebase is in progress`. */
  readonly waiting?: { readonly commit: string; readonly reason: string } | undefined;
}

/** Facts about a service that other parts of the window add to the store. */
export interface ServiceAnnotations {
  /** Undefined if the service is delivered only on request. */
  readonly autoDelivery?: AutoDeliveryState | undefined;
  /** Undefined until the repository has been searched. */
  readonly manualApprovals?: readonly ManualApproval[];
  /** The errors of `delivery.yaml` on disk. */
  readonly definitionErrors?: readonly Failure[];
  /** The last state that the CI service reported. */
  readonly ciRecord?: CiRecord;
}

export interface ServiceState extends Service, ServiceAnnotations {
  /** The newest runs, newest first. */
  readonly runs: readonly RunState[];
  /** A delivery was started and has not written its first event. */
  readonly starting: boolean;
  /** A file was saved after the latest delivery started. */
  readonly changed: boolean;
}

export interface LiveEnvironment {
  readonly name: string;
  readonly kind: string;
  /** Its services are kept running. */
  readonly running: boolean;
  readonly services: readonly ServiceStatus[];
  /** The time of the last poll (ISO 8601), for environments that are polled. */
  readonly observedAt?: string;
  /** The reason why the state may be out of date. */
  readonly failure?: string;
}

/** Whether the window has a service to show, or the reason why it has none. */
export type Readiness = 'looking' | 'ready' | 'no-folder' | 'no-definition' | 'no-repository' | 'no-git';

/** The state from which every view is drawn. */
export interface WindowState {
  readonly readiness: Readiness;
  readonly trusted: boolean;
  readonly services: readonly ServiceState[];
  readonly environments: readonly LiveEnvironment[];
}

/** Returns the run to show for a service: a running one from this machine, or else the newest that is not on another branch. */
export function currentRun({ runs }: ServiceState): RunState | undefined {
  return (
    runs.find((run) => run.outcome === 'running' && isStartedHere(run)) ??
    runs.find((run) => isStartedHere(run) || !run.engine?.isAside) ??
    runs[0]
  );
}

/** Returns true if the run was started on this machine. */
export function isStartedHere({ engine }: RunState): boolean {
  return engine?.by === undefined;
}

export function isLive(service: ServiceState): boolean {
  return service.starting || service.runs.some((run) => !isFinished(run.outcome) && isStartedHere(run));
}
