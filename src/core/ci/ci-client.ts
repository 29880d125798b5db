import type { HttpFailure } from '../http/http-answer';
import type { FoundProblem } from '../model/problem';
import type { CiName } from './ci-service';

/** A client for one CI service. Each kind of service has its own folder. */
export interface CiClient {
  readonly name: CiName;
  /** The display name. */
  readonly label: string;
  /** The host that its token is sent to: `https://host[:port]`. */
  readonly host: string;
  /** The repository, project or job: `acme/shop`. */
  readonly place: string;
  /** Whether a log is available while its job is running. */
  readonly logs: 'live' | 'when the job has ended';
  /** The jobs of a failed run that a rerun includes. */
  readonly reruns: 'failed jobs' | 'everything';
  /** The rate limit of the last answers. */
  readonly allowance: Allowance | undefined;

  /** Checks whether the token is accepted and has the needed permissions. Returns its owner. Changes nothing. */
  check(signal: AbortSignal): Promise<CiResult<string>>;
  /** Starts a run of a service's pipeline at a ref that was pushed for it alone. Returns the run, never a guess. */
  start(request: StartRequest, signal: AbortSignal): Promise<CiResult<Started>>;
  /**
   * Returns the current state of a run with all its jobs. `gone`: it was deleted. `attempt`: the followed attempt, for services that do not
   * count attempts.
   */
  read(run: string, signal: AbortSignal, attempt?: number): Promise<CiResult<RemoteRun>>;
  /** Returns the latest runs of the service, newest first, without their jobs. */
  list(service: string, signal: AbortSignal): Promise<CiResult<readonly RemoteRun[]>>;
  /**
   * Passes the log of a job from byte `from` to `write` as it arrives. Written bytes stay valid when the connection breaks: continue from
   * there. Bytes are counted as the service counts them; `plain` converts them to readable text.
   */
  readLog(run: RemoteRun, job: RemoteJob, from: number, write: (bytes: Buffer) => void, signal: AbortSignal): Promise<CiResult<LogEnd>>;
  /** Returns a converter for one log from its first byte on. */
  plain(): PlainLog;
  /** Returns the problems that the service itself reports for a job: failing tests, annotations. */
  problems(run: RemoteRun, job: RemoteJob, signal: AbortSignal): Promise<CiResult<readonly FoundProblem[]>>;
  cancel(run: string, signal: AbortSignal): Promise<CiResult<void>>;
  /** Runs a run again. Returns the run that continues it: the same with another attempt, or another one. */
  rerun(run: RemoteRun, signal: AbortSignal): Promise<CiResult<Started>>;
  /** Approves a deployment that waits for approval. */
  approve(run: RemoteRun, environment: string, signal: AbortSignal): Promise<CiResult<void>>;
  /** Returns the last deployment to each environment; empty if the service keeps no records. */
  deployments(signal: AbortSignal): Promise<CiResult<readonly RemoteDeployment[]>>;
  /**
   * Returns the deployments to an environment since a time, and the last one before it. Takes a request or more for each, so it is not for
   * polling. Absent: the service keeps no records.
   */
  deploymentHistory?(environment: string, since: string, signal: AbortSignal): Promise<CiResult<DeploymentHistory>>;
  /** Records a deployment that was made elsewhere. Absent: the service keeps no records. */
  reportDeployment?(deployment: DeploymentRecord, signal: AbortSignal): Promise<CiResult<void>>;
  /** Closes the temporary files that hold logs. Absent: the service needs none. */
  close?(): void;
}

/** A value, or the failure. `gone`: the requested object does not exist (any more). */
export type CiResult<T> = { readonly state: 'ok'; readonly value: T } | CiFailure;
export type CiFailure = HttpFailure & { readonly gone?: true };

export function ok<T>(value: T): CiResult<T> {
  return { state: 'ok', value };
}

/** Returns whether text is a full git commit id: answers of servers become arguments of commands. */
export function isCommit(text: string | undefined): text is string {
  return text !== undefined && /^[0-9a-f]{40,64}$/.test(text);
}

export interface StartRequest {
  readonly service: string;
  /** The exported pipeline file, relative to the repository's root, with `/`. */
  readonly file: string;
  /** The branch that holds exactly the delivered change, without `refs/heads/`. */
  readonly branch: string;
  readonly commit: string;
}

export interface Started {
  /** The id on the CI service. */
  readonly id: string;
  /** From 1. */
  readonly attempt: number;
  /** The address of its page; absent while unknown. */
  readonly url?: string;
}

/** A run. Times are ISO 8601 by the local clock: the difference to the service's clock is corrected. */
export interface RemoteRun extends Started {
  readonly url: string;
  readonly branch: string;
  readonly commit: string;
  /** Empty if the service does not report it. */
  readonly subject: string;
  readonly state: 'waiting' | 'running' | 'passed' | 'failed' | 'cancelled';
  /** A reason that its jobs do not give: an invalid pipeline file, no runner, a startup failure. */
  readonly reason?: string;
  readonly createdAt: string;
  readonly finishedAt?: string;
  /** The person or app that started it. */
  readonly by?: string;
  /** Whether it ran on the default branch. */
  readonly isDefaultBranch?: boolean;
  /** In the order of the pipeline, if the service reports it. Empty in a list. */
  readonly jobs: readonly RemoteJob[];
}

export interface RemoteJob {
  readonly id: string;
  /** The step of `delivery.yaml`, or the job's name on the service if it is not a step. */
  readonly name: string;
  /** From 1. */
  readonly attempt: number;
  /** `kept`: it passed in an earlier attempt of the run, and was not run again. */
  readonly state: 'waiting' | 'running' | 'passed' | 'kept' | 'failed' | 'cancelled' | 'skipped';
  readonly startedAt?: string;
  readonly finishedAt?: string;
  /** Why it waits or ended so, in a sentence. */
  readonly reason?: string;
  /** The environment whose deployment waits for approval. */
  readonly approval?: string;
  readonly exitCode?: number;
  readonly url?: string;
  /** The address of its deployment. */
  readonly deployedTo?: string;
  readonly hasLog: boolean;
}

export interface LogEnd {
  /** The log is complete. */
  readonly isWhole: boolean;
}

/** Removes the service's own marks from a log: times, colours of sections. All output of the step stays. */
export interface PlainLog {
  push(bytes: Buffer): Buffer;
  /** Returns the bytes that were held back, at the end of the log. */
  flush(): Buffer;
}

export interface RemoteDeployment {
  readonly environment: string;
  readonly state: 'live' | 'going on' | 'failed' | 'gone';
  /** Empty if unknown. */
  readonly url: string;
  readonly commit: string;
  readonly ref?: string;
  /** ISO 8601. */
  readonly deployedAt: string;
  readonly by?: string;
  /** The page of the deployment. */
  readonly page?: string;
}

export interface DeploymentHistory {
  /** Oldest first. */
  readonly deployments: readonly PastDeployment[];
  /** The history is incomplete before this time (ISO 8601), because it is too long to be read at once. */
  readonly wholeSince?: string;
}

export interface PastDeployment {
  readonly commit: string;
  /** `gone`: it is no longer live, and was never recorded as live. */
  readonly state: 'live' | 'gone';
  /** When it went live or, if it is gone, when it was recorded. ISO 8601. */
  readonly at: string;
  /** When it failed after it had been live. ISO 8601. */
  readonly failedAt?: string;
}

export interface DeploymentRecord {
  readonly environment: string;
  readonly commit: string;
  readonly url: string;
  readonly state: 'live' | 'failed' | 'gone';
  readonly subject: string;
}

/** The rate limit of a server. */
export interface Allowance {
  readonly limit: number;
  readonly remaining: number;
  /** ISO 8601, by the local clock. */
  readonly resetAt: string;
}
