/**
 * Everything that happens in a run, as its journal records it: one JSON object a line. Whatever a
 * person sees of a run is derived from these. Readers pass over types they do not know.
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

/** What a delivery carries. `commit` exists in Deliver's own store where the tree was dirty. */
export interface Change {
  readonly commit: string;
  readonly tree: string;
  readonly subject: string;
  readonly dirty: boolean;
  /** The branch that was checked out, where there was one. */
  readonly branch?: string;
  /** The user's commit below a dirty snapshot. */
  readonly base?: string;
}

/** A process named so that a reused pid is not taken for it. `startedAt` is the system's own token. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startedAt: string;
}

/** What the journal says of a step before it runs. */
export interface PlannedStep {
  readonly name: string;
  readonly needs: readonly string[];
  readonly kind: 'run' | 'deploy' | 'verify';
  /** How long it took when it last ran to its end, for estimates. */
  readonly usualMs?: number;
}

/** The run waits for an earlier one of the same service. */
export interface RunQueued extends EventBase {
  readonly type: 'run-queued';
  readonly service: string;
  readonly change: Change;
  readonly steps: readonly PlannedStep[];
  readonly runner: ProcessIdentity;
  /** The run that is waited for. */
  readonly behind?: string;
  /** The CI service that it is being handed to, as people call it. */
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
  /** The user's working copy that the change came from. */
  readonly repository: string;
  /** The run whose passed steps this one goes on from. */
  readonly resumes?: string;
  /** It releases what was delivered to one environment to another, and says nothing of newer changes. */
  readonly promotion?: { readonly from: string; readonly to: string };
  /** The CI service that it runs on; absent: this machine. */
  readonly engine?: CiRun;
  /** When it began, where that was before it was told. */
  readonly since?: string;
}

/** A run of a CI service, as it is called there. */
export interface CiRun {
  readonly name: string;
  /** What people call the engine, and the repository or job in it. */
  readonly label: string;
  readonly place: string;
  /** Its own id for the run, and which attempt of it this is, from 1. */
  readonly id: string;
  readonly attempt: number;
  /** Its page. */
  readonly url?: string;
  /** The branch that it delivers, there. */
  readonly branch: string;
  /** Logs come when their jobs have ended. */
  readonly logsAtEnd?: true;
  /** Who started it, where it was not started from this machine. */
  readonly by?: string;
  /** It was not started from this machine, and on a branch that says nothing of whether the service can be released. */
  readonly isAside?: true;
}

/** Another process tells what goes on in a run on a CI service from now on. */
export interface RunFollowed extends EventBase {
  readonly type: 'run-followed';
  readonly runner: ProcessIdentity;
}

/** Whether the CI service answers. What was told of the run before stands. */
export interface CiConnection extends EventBase {
  readonly type: 'engine-heard';
  /** `slow`: it is asked seldom, as it does not allow more. */
  readonly state: 'answers' | 'slow' | 'away';
  /** `token`: it wants one, or another; `limit`: it was asked too often. */
  readonly reason?: 'offline' | 'token' | 'limit' | 'answer';
  readonly message?: string;
  readonly hint?: string;
  /** Where its token goes. */
  readonly host?: string;
  /** When it will be asked again, where that is known. */
  readonly retryAt?: string;
}

/** The CI service runs a job that is no step of the pipeline, or a step in several ways. */
export interface StepFound extends EventBase {
  readonly type: 'step-found';
  readonly step: PlannedStep;
}

/** Why a step that could run does not. */
export interface StepWaits extends EventBase {
  readonly type: 'step-waits';
  readonly step: string;
  readonly reason: string;
  /** The environment that a person has to let it into. */
  readonly approval?: string;
}

export interface StepStarted extends EventBase {
  readonly type: 'step-started';
  readonly step: string;
  /** From 1. */
  readonly attempt: number;
  /** When it began, where that was before it was told. */
  readonly since?: string;
  /** Where in its log this attempt begins, in bytes; absent: at the start. */
  readonly logFrom?: number;
  /** The leader of the step's process group, where it has one. */
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
  /** It passed, but not at the first attempt. */
  readonly flaky?: boolean;
  /** Why, in a sentence, where the state alone does not say it (timeout, need failed, program missing). */
  readonly reason?: string;
}

/** A failure with its place in the delivered tree, as far as one is known for certain. */
export interface ProblemFound extends EventBase {
  readonly type: 'problem';
  readonly step: string;
  /** Relative to the repository's root, with `/`. Absent: no file of the tree is meant for certain. */
  readonly path?: string;
  /** From 1, in the delivered tree. */
  readonly line?: number;
  readonly column?: number;
  /** Where no file is: the place as it was printed. */
  readonly printed?: string;
  readonly severity: 'error' | 'warning' | 'info';
  readonly message: string;
  /** The problem matcher that found it; `junit` for a report, `deliver` for what the machine did. */
  readonly source: string;
  /** The other files of the tree that its stack names, innermost call first. */
  readonly stack?: readonly string[];
  /** The line of the step's log that tells it, from 1. */
  readonly logLine?: number;
  /** How often it was told, where that is more than once. */
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
  /** Who delivered it. */
  readonly by?: string;
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
  /** Absent: there was no earlier release, the service was taken down. */
  readonly to?: Release;
  readonly reason: string;
  /** It had counted as delivered until now; absent: it never did, and what was there before stayed. */
  readonly delivered?: true;
  /** A person wanted it. */
  readonly byHand?: true;
  /** For how long customers may have seen errors: from the switch, or from the first sign of failure, until `to` was back. */
  readonly errorsMs?: number;
}

/** Something a person should know that is no failure (a submodule that was left out). */
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

/** An event as its maker writes it: the journal adds `at` and `run`. */
export type EventBody = RunEvent extends infer E ? (E extends RunEvent ? Omit<E, 'at' | 'run'> : never) : never;
