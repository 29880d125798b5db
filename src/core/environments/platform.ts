import type { Result } from '../model/result';
import type { Release } from '../model/events';
import type { DeployRequest, LogOptions, WriteLine } from './environment';
import type { Artifact, ServiceHealth } from '../model/environment-status';

/**
 * A place that runs releases by itself (an engine, a cluster, somebody's scripts), as one service of one environment
 * uses it. It keeps nothing: what was deployed is in the record, which `RecordedEnvironment` keeps, and in the place.
 */
export interface Platform {
  /** Whether it can work at all, with what to do where it cannot. Changes nothing. `folder` as in the slot. */
  check(folder: string, signal: AbortSignal): Promise<Result<void>>;
  /**
   * Makes the release live and resolves when it is healthy. After a failure or an abort the release that was
   * live before (`request.current`) is live again, or nothing where there was none.
   */
  deploy(request: PlatformDeploy, log: WriteLine, signal: AbortSignal): Promise<Result<PlatformDeployed>>;
  /** Makes an earlier release live again, and resolves when it is healthy. A failure leaves what was live. */
  restore(to: KeptRelease, log: WriteLine, signal: AbortSignal): Promise<Result<{ readonly url: string }>>;
  /** Takes the service down: there is no earlier release to go back to. */
  takeDown(live: KeptRelease, log: WriteLine, signal: AbortSignal): Promise<Result<void>>;
  /**
   * What the place itself says is live in the environment: of all services that it can tell, whoever delivered them.
   * `live` is what the record knows of this service, for places that cannot name releases themselves.
   */
  observe(live: KeptRelease | undefined, signal: AbortSignal): Promise<Result<readonly Observed[]>>;
  /** Calls `changed` whenever something may be different, until the signal or the returned promise's end; absent: the place tells nothing by itself. */
  watch?(changed: () => void, signal: AbortSignal): Promise<void>;
  logs(live: KeptRelease, options: LogOptions, write: (bytes: Buffer) => void, signal: AbortSignal): Promise<Result<void>>;
  /** Ends what is live, so that `start` brings it back as it was. */
  stop(live: KeptRelease, signal: AbortSignal): Promise<Result<void>>;
  start(live: KeptRelease, signal: AbortSignal): Promise<Result<void>>;
  /** These can never be live again: what is kept for them alone may go. */
  forget(releases: readonly KeptRelease[], kept: readonly KeptRelease[]): Promise<void>;
}

/** What a platform is made for: a service of an environment, and the folder for files of its own about it. */
export interface PlatformPlace {
  readonly environment: string;
  readonly service: string;
  /** Absolute; there before it is used. */
  readonly folder: string;
}

export interface PlatformDeploy extends DeployRequest {
  /** What is live now, as far as the record knows. */
  readonly current?: KeptRelease;
  /** Where the other services of the environment answer, by name. */
  readonly addresses: Readonly<Record<string, string>>;
}

export interface PlatformDeployed {
  /** Empty where the service has no address. */
  readonly url: string;
  /** The image that is live, for ever the same one; absent where there is none. */
  readonly image?: string;
  /** What else is needed to bring it back. JSON, without secrets. */
  readonly details?: Readonly<Record<string, string>>;
}

/** A release as the record keeps it. JSON, without secrets. */
export interface KeptRelease extends Artifact {
  readonly release: Release;
  /** The names of the secrets that it was handed. Their values are never kept. */
  readonly secrets: readonly string[];
  readonly details: Readonly<Record<string, string>>;
}

/**
 * What the programs that deploy a release are marked with: not as its run's, whose leftovers are ended, for what
 * scripts leave running is the release.
 */
export function markOf(releaseId: string): string {
  return `release-${releaseId}`;
}

/** The values of a kept release's secrets, where whoever called Deliver has them in the environment. */
export function secretsOf({ secrets }: KeptRelease, env: NodeJS.ProcessEnv): Readonly<Record<string, string>> {
  return Object.fromEntries(secrets.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
}

/** A service as the place itself tells it. */
export interface Observed {
  readonly service: string;
  readonly state: ServiceHealth;
  readonly reason?: string;
  readonly url?: string;
  /** Absent where the place cannot say which release it is. */
  readonly release?: Release;
  /** What could be brought back there, newest first, where the place knows that. */
  readonly earlier?: readonly Release[];
}

/** What the place is told of a release, where it keeps labels or annotations: JSON of a {@link Release}. */
export function releaseLabel(release: Release): string {
  return JSON.stringify(release);
}

/** The release that a label tells; `undefined` where somebody else wrote it. */
export function releaseFrom(label: string | undefined): Release | undefined {
  try {
    const release = JSON.parse(label ?? '') as Partial<Release> | null;
    const isRelease = ['id', 'commit', 'tree', 'deployedAt'].every((key) => typeof release?.[key as keyof Release] === 'string');
    return isRelease ? (release as Release) : undefined;
  } catch {
    return undefined;
  }
}
