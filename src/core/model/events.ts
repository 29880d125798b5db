/**
 * The events of a run, as its journal records them: one JSON object a line. Every view of a run is derived from them.
 * Readers skip types that they do not know.
 */
export type RunEvent =
  | RunQueued
  | RunStarted
  | RunFollowed
  | CiConnection
  | StepFound
  | StepWaits
  | StepStarted
  | StepFinished
  | ProblemFound
  | Deployed
  | Verified
  | RolledBack
  | Notice
  | RunFinished;

interface EventBase {
  /** ISO 8601, UTC. */
  readonly at: string;
  /** The run's id. */
  readonly run: string;
}

export type StepState = 'waiting' | 'running' | 'passed' | 'failed' | 'cached' | 'skipped' | 'cancelled' | 'interrupted';
export type Outcome = 'waiting' | 'running' | 'passed' | 'failed' | 'cancelled' | 'interrupted' | 'superseded';

/** The change that a delivery carries. The `commit` of a dirty tree exists only in Deliver's object store. */
export interface Change {
  readonly commit: string;
  readonly tree: string;
  readonly subject: string;
  readonly dirty: boolean;
  /** The branch that was checked out; absent for a detached HEAD. */
  readonly branch?: string;
  /** The commit that a dirty snapshot is based on. */
  readonly base?: string;
}

/** Identifies a process even after its pid is reused. `startedAt` is the start time in the system's own format. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startedAt: string;
}

/** A step as announced before it runs. */
export interface PlannedStep {
  readonly name: string;
  readonly needs: readonly string[];
  readonly kind: 'run' | 'deploy' | 'verify';
  /** The environment that the step deploys to. */
  readonly deploys?: string;
  /** The environment that the step verifies. */
  readonly verifies?: string;
  /** The median duration of recent passes, for estimates. */
  readonly usualMs?: number;
}

/** The run waits for an earlier run of the same service. */
export interface RunQueued extends EventBase {
  readonly type: 'run-queued';
  readonly service: string;
  readonly change: Change;
  readonly steps: readonly PlannedStep[];
  readonly runner: ProcessIdentity;
  /** The id of the run that is executing now. */
  readonly behind?: string;
  /** The label of the CI service that is about to start the run. */
  readonly handedTo?: string;
}

export interface RunStarted extends EventBase {
  readonly type: 'run-started';
  readonly service: string;
  readonly change: Change;
  readonly steps: readonly PlannedStep[];
  readonly runner: ProcessIdentity;
  /** The slot's checkout of the repository; absent for a run on a CI service. */
  readonly slot?: string;
  /** The service's folder relative to the repository's root, with `/`; empty for the root. */
  readonly folder: string;
  /** The working copy that the change came from. */
  readonly repository: string;
  /** The run whose passed steps this run reuses. */
  readonly resumes?: string;
  /** Set for a release from one environment to another, which says nothing about newer changes. */
  readonly promotion?: { readonly from: string; readonly to: string };
  /** The run on a CI service; absent: the run executes on this machine. */
  readonly engine?: CiRun;
  /** The start time, if the run began before this event. */
  readonly since?: string;
}

/** A run on a CI service. */
export interface CiRun {
  readonly name: string;
  /** The display name of the CI service, and the repository or job in it. */
  readonly label: string;
  readonly place: string;
  /** The CI service's id of the run. Attempts count from 1. */
  readonly id: string;
  readonly attempt: number;
  /** The web page of the run. */
  readonly url?: string;
  /** The branch that the CI service builds. */
  readonly branch: string;
  /** Logs are available only after their jobs end. */
  readonly logsAtEnd?: true;
  /** The person that started the run; absent if it was started from this machine. */
  readonly by?: string;
  /** Set for a run of another person on a branch other than the default branch: it does not decide whether the service is releasable. */
  readonly isAside?: true;
}

/** Another process follows the run on the CI service from now on. */
export interface RunFollowed extends EventBase {
  readonly type: 'run-followed';
  readonly runner: ProcessIdentity;
}

/** The connection to the CI service changed. The last known state of the run stays valid. */
export interface CiConnection extends EventBase {
  readonly type: 'engine-heard';
  /** `slow`: the rate limit allows few requests. */
  readonly state: 'answers' | 'slow' | 'away';
  /** `token`: a token is missing or invalid; `limit`: the rate limit is used up. */
  readonly reason?: 'offline' | 'token' | 'limit' | 'answer';
  readonly message?: string;
  readonly hint?: string;
  /** The host that the token is for. */
  readonly host?: string;
  /** The time of the next request, if known. */
  readonly retryAt?: string;
}

/** The CI service runs a job that is not a step of the pipeline, or several jobs for one step. */
export interface StepFound extends EventBase {
  readonly type: 'step-found';
  readonly step: PlannedStep;
}

/** A step that is ready to run waits. */
export interface StepWaits extends EventBase {
  readonly type: 'step-waits';
  readonly step: string;
  readonly reason: string;
  /** The environment that needs an approval. */
  readonly approval?: string;
}

export interface StepStarted extends EventBase {
  readonly type: 'step-started';
  readonly step: string;
  /** From 1. */
  readonly attempt: number;
  /** The start time, if the run began before this event. */
  readonly since?: string;
  /** The offset of this attempt in the log, in bytes; absent: 0. */
  readonly logFrom?: number;
  /** The leader of the step's process group. */
  readonly process?: ProcessIdentity;
}

export interface StepFinished extends EventBase {
  readonly type: 'step-finished';
  readonly step: string;
  readonly state: StepState;
  readonly exitCode?: number;
  readonly signal?: string;
  readonly durationMs: number;
  /** The log's absolute path; absent for a step that never ran. */
  readonly log?: string;
  /** The step passed on a retry. */
  readonly flaky?: boolean;
  /** A sentence that explains the state (timeout, need failed, program missing). */
  readonly reason?: string;
}

/** A failure with its place in the delivered tree, if the place is certain. */
export interface ProblemFound extends EventBase {
  readonly type: 'problem';
  readonly step: string;
  /** Relative to the repository's root, with `/`. Absent: no file of the tree is certain. */
  readonly path?: string;
  /** From 1, in the delivered tree. */
  readonly line?: number;
  readonly column?: number;
  /** The place as printed, if it is not a file of the tree. */
  readonly printed?: string;
  readonly severity: 'error' | 'warning' | 'info';
  readonly message: string;
  /** The problem matcher that found it; `junit` for a report, `deliver` for a failure of the machine. */
  readonly source: string;
  /** The other files of the tree in the stack trace, innermost call first. */
  readonly stack?: readonly string[];
  /** The line of the step's log that reports it, from 1. */
  readonly logLine?: number;
  /** The number of reports, if more than one. */
  readonly count?: number;
}

/** A snapshot as deployed in an environment. */
export interface Release {
  /** The id of the run that deployed it. */
  readonly id: string;
  readonly commit: string;
  readonly tree: string;
  readonly deployedAt: string;
  readonly subject?: string;
  readonly dirty?: boolean;
  readonly verified?: boolean;
  /** The person that delivered it. */
  readonly by?: string;
  /** The last rollback to it. */
  readonly restored?: { readonly at: string; readonly by: string };
}

export interface Deployed extends EventBase {
  readonly type: 'deployed';
  readonly environment: string;
  readonly service: string;
  readonly url: string;
  readonly release: Release;
  readonly previous?: Release;
}

export interface Verified extends EventBase {
  readonly type: 'verified';
  readonly environment: string;
  readonly step: string;
}

export interface RolledBack extends EventBase {
  readonly type: 'rolled-back';
  readonly environment: string;
  readonly from: Release;
  /** Absent: there was no earlier release, so the service was stopped. */
  readonly to?: Release;
  readonly reason: string;
  /** The release counted as delivered before; absent: it never did, and the previous release stayed live. */
  readonly delivered?: true;
  /** A person requested the rollback. */
  readonly byHand?: true;
  /** The time in which customers may have seen errors: from the switch or the first failed check until `to` was live again. */
  readonly errorsMs?: number;
}

/** A message that is not a failure (a submodule that was left out). */
export interface Notice extends EventBase {
  readonly type: 'notice';
  readonly step?: string;
  readonly message: string;
}

export interface RunFinished extends EventBase {
  readonly type: 'run-finished';
  readonly outcome: Outcome;
  readonly reason?: string;
}

/** An event before the journal adds `at` and `run`. */
export type EventBody = RunEvent extends infer E ? (E extends RunEvent ? Omit<E, 'at' | 'run'> : never) : never;
