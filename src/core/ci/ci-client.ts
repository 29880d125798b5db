import type { HttpFailure } from '../http/http-answer';
import type { FoundProblem } from '../model/problem';
import type { CiName } from './ci-service';

/** A CI service that runs pipelines, as it can be asked and told over the network. Each kind is one file. */
export interface CiClient {
  readonly name: CiName;
  /** What people call it. */
  readonly label: string;
  /** Where its token goes: `https://host[:port]`. */
  readonly host: string;
  /** The repository or job there, as people name it: `acme/shop`. */
  readonly place: string;
  /** Whether a log can be read while its job goes on. */
  readonly logs: 'live' | 'when the job has ended';
  /** The jobs of a failed run that run again with it. */
  readonly reruns: 'failed jobs' | 'everything';
  /** What the last answers said of how often it may be asked. */
  readonly allowance: Allowance | undefined;

  /** Whether the token is accepted, and may do what is needed: who asks. Changes nothing. */
  check(signal: AbortSignal): Promise<CiResult<string>>;
  /** Starts a run of the pipeline of a service at a ref that was pushed for it alone, and says which it is: never a guess. */
  start(request: StartRequest, signal: AbortSignal): Promise<CiResult<Started>>;
  /**
   * The run with all its jobs, as they are now. `gone`: it was deleted. `attempt`: the one that is followed, for an engine that does
   * not count them itself.
   */
  read(run: string, signal: AbortSignal, attempt?: number): Promise<CiResult<RemoteRun>>;
  /** The latest runs of the service, newest first, without their jobs. */
  list(service: string, signal: AbortSignal): Promise<CiResult<readonly RemoteRun[]>>;
  /**
   * What the log of a job holds from a byte on, handed to `write` as it arrives. What was written stays valid when the connection
   * breaks: ask again from there. Bytes are counted as the engine counts them; `plain` makes the text that people read of them.
   */
  readLog(run: RemoteRun, job: RemoteJob, from: number, write: (bytes: Buffer) => void, signal: AbortSignal): Promise<CiResult<LogEnd>>;
  /** For one log from its first byte on. */
  plain(): PlainLog;
  /** What the engine itself knows of why a job failed: reports of tests, annotations. */
  problems(run: RemoteRun, job: RemoteJob, signal: AbortSignal): Promise<CiResult<readonly FoundProblem[]>>;
  cancel(run: string, signal: AbortSignal): Promise<CiResult<void>>;
  /** Answers the run that goes on from it: the same with another attempt, or another. */
  rerun(run: RemoteRun, signal: AbortSignal): Promise<CiResult<Started>>;
  /** Lets a deployment go on that waits for a person. */
  approve(run: RemoteRun, environment: string, signal: AbortSignal): Promise<CiResult<void>>;
  /** What was last deployed to each environment, by whomever; empty for an engine that keeps no record of it. */
  deployments(signal: AbortSignal): Promise<CiResult<readonly RemoteDeployment[]>>;
  /**
   * What went live in an environment since then, by whomever, with the last before it. It takes a request or more for each, so that it
   * is not for watching. Absent: the engine keeps no record.
   */
  deploymentHistory?(environment: string, since: string, signal: AbortSignal): Promise<CiResult<DeploymentHistory>>;
  /** Records a deployment that was made elsewhere. Absent: the engine keeps no record. */
  reportDeployment?(deployment: DeploymentRecord, signal: AbortSignal): Promise<CiResult<void>>;
  /** Closes the temporary files that hold logs. Absent: the service needs none. */
  close?(): void;
}

/** An answer, or why there is none. `gone`: what was asked for is not there (any more). */
export type CiResult<T> = { readonly state: 'ok'; readonly value: T } | CiFailure;
export type CiFailure = HttpFailure & { readonly gone?: true };

export function ok<T>(value: T): CiResult<T> {
  return { state: 'ok', value };
}

/** A full id of git's: what a server says becomes an argument of a command. */
export function isCommit(text: string | undefined): text is string {
  return text !== undefined && /^[0-9a-f]{40,64}$/.test(text);
}

export interface StartRequest {
  readonly service: string;
  /** The file of the engine's pipeline, relative to the repository's root, with `/`. */
  readonly file: string;
  /** The branch that holds exactly what is delivered, without `refs/heads/`. */
  readonly branch: string;
  readonly commit: string;
}

export interface Started {
  /** The engine's own id. */
  readonly id: string;
  /** From 1. */
  readonly attempt: number;
  /** Its page; absent where it is not known yet. */
  readonly url?: string;
}

/** Times are ISO 8601, by the clock of this machine: the engine's own are corrected by what its answers say of its clock. */
export interface RemoteRun extends Started {
  readonly url: string;
  readonly branch: string;
  readonly commit: string;
  /** Empty where the engine does not say. */
  readonly subject: string;
  readonly state: 'waiting' | 'running' | 'passed' | 'failed' | 'cancelled';
  /** Why, where its jobs do not say it: a broken pipeline file, no runner, a startup failure. */
  readonly reason?: string;
  readonly createdAt: string;
  readonly finishedAt?: string;
  /** Who started it. */
  readonly by?: string;
  /** On the branch that everybody delivers from. */
  readonly isDefaultBranch?: boolean;
  /** In the order of the pipeline where the engine tells it. Empty in a list. */
  readonly jobs: readonly RemoteJob[];
}

export interface RemoteJob {
  readonly id: string;
  /** The step of `delivery.yaml`, or what the engine calls a job that is none. */
  readonly name: string;
  /** From 1. */
  readonly attempt: number;
  /** `kept`: it passed in an earlier attempt of the run, and was not run again. */
  readonly state: 'waiting' | 'running' | 'passed' | 'kept' | 'failed' | 'cancelled' | 'skipped';
  readonly startedAt?: string;
  readonly finishedAt?: string;
  /** Why it waits or ended so, in a sentence. */
  readonly reason?: string;
  /** The environment whose deployment waits for a person. */
  readonly approval?: string;
  readonly exitCode?: number;
  readonly url?: string;
  /** The address of what it deployed. */
  readonly deployedTo?: string;
  /** Whether there is a log at all. */
  readonly hasLog: boolean;
}

export interface LogEnd {
  /** Nothing will come after what was written. */
  readonly isWhole: boolean;
}

/** Takes the engine's own marks out of a log: times, colours of sections. Every byte that a step printed stays. */
export interface PlainLog {
  push(bytes: Buffer): Buffer;
  /** What was held back, at the end of the log. */
  flush(): Buffer;
}

export interface RemoteDeployment {
  readonly environment: string;
  readonly state: 'live' | 'going on' | 'failed' | 'gone';
  /** Empty where none is known. */
  readonly url: string;
  readonly commit: string;
  readonly ref?: string;
  /** ISO 8601. */
  readonly deployedAt: string;
  readonly by?: string;
  /** The page that tells of it. */
  readonly page?: string;
}

export interface DeploymentHistory {
  /** Oldest first. */
  readonly deployments: readonly PastDeployment[];
  /** There are more than are read at once: before this (ISO 8601) nothing is known. */
  readonly wholeSince?: string;
}

export interface PastDeployment {
  readonly commit: string;
  /** `gone`: it is said not to be live any more, and never was said to be. */
  readonly state: 'live' | 'gone';
  /** When it went live or, of one that is gone, when it was put on record. ISO 8601. */
  readonly at: string;
  /** It was said to have failed after it had been live. ISO 8601. */
  readonly failedAt?: string;
}

export interface DeploymentRecord {
  readonly environment: string;
  readonly commit: string;
  readonly url: string;
  readonly state: 'live' | 'failed' | 'gone';
  readonly subject: string;
}

/** How often a server may still be asked. */
export interface Allowance {
  readonly limit: number;
  readonly remaining: number;
  /** ISO 8601, by the clock of this machine. */
  readonly resetAt: string;
}
