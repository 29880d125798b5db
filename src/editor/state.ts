import type { ServiceStatus } from '../core/environments/environment';
import type { RepositoryHome } from '../core/home';
import type { RunState } from '../core/run/state';
import { isFinished } from '../core/run/state';

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
export interface ByItself {
  readonly on: 'commit' | 'push';
  /** The newest commit that is not delivered yet, and why, as in `a rebase is under way`. */
  readonly waiting?: { readonly commit: string; readonly why: string };
}

/** What other parts of the window know of a service. */
export interface Noted {
  /** Absent: nothing is delivered without a click. */
  readonly byItself?: ByItself | undefined;
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

/** The run that a service is about: the one that goes on, else the newest. */
export function currentRun(service: ServiceState): RunState | undefined {
  return service.runs.find((run) => run.outcome === 'running') ?? service.runs[0];
}

export function isLive(service: ServiceState): boolean {
  return service.starting || service.runs.some((run) => !isFinished(run.outcome));
}
