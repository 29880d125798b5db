import type { Result } from '../model/result';
import type { Release } from '../model/events';
import type { DeployRequest, LogOptions, WriteLine } from './environment';
import type { Artifact, Owner, ServiceHealth } from '../model/environment-status';

/**
 * A container engine, a cluster or scripts that run the releases of one service in one environment. A platform keeps no state:
 * `RecordedEnvironment` keeps the record of deployments.
 */
export interface Platform {
  /** Fails with a hint if the platform cannot work. Changes nothing. `folder` is the service's folder in the slot. */
  check(folder: string, signal: AbortSignal): Promise<Result<void>>;
  /**
   * Makes the release live and resolves when it is healthy. After a failure or an abort the earlier release (`request.current`) is live
   * again, or nothing if there was none.
   */
  deploy(request: PlatformDeploy, log: WriteLine, signal: AbortSignal): Promise<Result<PlatformDeployed>>;
  /** Makes an earlier release live again, and resolves when it is healthy. A failure changes nothing. */
  restore(to: KeptRelease, log: WriteLine, signal: AbortSignal): Promise<Result<{ readonly url: string }>>;
  /** Takes the service down, because there is no earlier release to restore. */
  takeDown(live: KeptRelease, log: WriteLine, signal: AbortSignal): Promise<Result<void>>;
  /**
   * Returns the live services that the platform knows, including those that others delivered. `live` is the recorded release of this
   * service, for platforms that cannot name releases.
   */
  observe(live: KeptRelease | undefined, signal: AbortSignal): Promise<Result<readonly Observed[]>>;
  /** Calls `changed` on every possible change, until the signal or the end of the promise. Absent: the platform reports no changes. */
  watch?(changed: () => void, signal: AbortSignal): Promise<void>;
  logs(live: KeptRelease, options: LogOptions, write: (bytes: Buffer) => void, signal: AbortSignal): Promise<Result<void>>;
  /** Stops the live release, so that `start` can start it again. */
  stop(live: KeptRelease, signal: AbortSignal): Promise<Result<void>>;
  start(live: KeptRelease, signal: AbortSignal): Promise<Result<void>>;
  /** Removes everything of the service but its data. Absent: the service is stopped. */
  remove?(live: KeptRelease, signal: AbortSignal): Promise<Result<void>>;
  /** Removes the data of releases that can never be live again. */
  forget(releases: readonly KeptRelease[], kept: readonly KeptRelease[]): Promise<void>;
}

/** The service and the environment of a platform, and a folder for the platform's own files. */
export interface PlatformPlace {
  readonly environment: string;
  readonly service: string;
  /** Absolute. It exists. */
  readonly folder: string;
}

export interface PlatformDeploy extends DeployRequest {
  /** The recorded live release. */
  readonly current?: KeptRelease;
  /** The addresses of the other services of the environment, by name. */
  readonly addresses: Readonly<Record<string, string>>;
}

export interface PlatformDeployed {
  /** Empty if the service has no address. */
  readonly url: string;
  /** The live image, by a reference that never changes; absent if there is none. */
  readonly image?: string;
  /** Further data to restore the release. JSON, without secrets. */
  readonly details?: Readonly<Record<string, string>>;
}

/** A release in the record. JSON, without secrets. */
export interface KeptRelease extends Artifact {
  /** Absent for a release that was delivered elsewhere or by an earlier version. */
  readonly owner?: Owner;
  readonly isProduction?: true;
  readonly release: Release;
  /** The names of its secrets. Their values are never kept. */
  readonly secrets: readonly string[];
  readonly details: Readonly<Record<string, string>>;
}

/**
 * Returns the mark of the programs that deploy a release. It is not the mark of the run: processes that a run leaves behind are
 * ended, but the processes that a script leaves behind are the release.
 */
export function markOf(releaseId: string): string {
  return `release-${releaseId}`;
}

/** Returns the secrets of a release that are set in the environment. */
export function secretsOf({ secrets }: KeptRelease, env: NodeJS.ProcessEnv): Readonly<Record<string, string>> {
  return Object.fromEntries(secrets.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
}

/** A service as the platform reports it. */
export interface Observed {
  readonly service: string;
  readonly state: ServiceHealth;
  readonly reason?: string;
  readonly url?: string;
  /** Absent if the platform cannot name the release. */
  readonly release?: Release;
  /** The releases that the platform can restore, newest first, if it knows them. */
  readonly earlier?: readonly Release[];
}

/** Returns the label or annotation of a release: the JSON of a {@link Release}. */
export function releaseLabel(release: Release): string {
  return JSON.stringify(release);
}

/** Returns the release in a label, or undefined for the label of another program. */
export function releaseFrom(label: string | undefined): Release | undefined {
  try {
    const release = JSON.parse(label ?? '') as Partial<Release> | null;
    const isRelease = ['id', 'commit', 'tree', 'deployedAt'].every((key) => typeof release?.[key as keyof Release] === 'string');
    return isRelease ? (release as Release) : undefined;
  } catch {
    return undefined;
  }
}
