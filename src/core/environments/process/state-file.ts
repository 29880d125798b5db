import { createHash } from 'node:crypto';
import * as path from 'node:path';
import type { EnvironmentStatus, Owner, ServiceHealth, ServiceStatus } from '../../model/environment-status';
import type { ProcessIdentity, Release } from '../../model/events';
import type { ProcessDefinition } from './descriptor';
import { isAlive } from '../../process/process-identity';
import { fileNames } from '../../support/files';
import { environmentsFolder } from '../../support/home';
import { isIdentity, isNumber, isObject, isRelease, isText, listOf, oneOf, optional, readCached, shape } from '../../support/record';

/** The stored state of an environment: enough to show it, and to restore it after a reboot. */
export interface EnvironmentState {
  readonly environment: string;
  readonly kind: 'process';
  /** The supervisor that wrote the state. The rest is accurate while it runs. */
  readonly supervisor?: ProcessIdentity;
  readonly services: readonly SupervisedService[];
}

export interface SupervisedService {
  readonly service: string;
  /** The port of the proxy, the same for every release. */
  readonly port: number;
  readonly state: ServiceHealth;
  readonly reason?: string;
  readonly current?: RunnableRelease;
  /** `current` is live, and the run that deployed it has not verified it yet. */
  readonly unverified?: true;
  /** The folder of the journal that records whether `current` was verified. */
  readonly journal?: string;
  /** It was stopped on request: only a request or a deployment of its repository starts it again. */
  readonly stopped?: true;
  /** The releases that can be restored, newest first. */
  readonly earlier: readonly RunnableRelease[];
  /** Former releases that still answer requests. Their checkouts must stay. */
  readonly ending?: readonly RunnableRelease[];
}

/** A release with everything that starts it again, except the values of its secrets. */
export interface RunnableRelease {
  readonly release: Release;
  readonly folder: string;
  readonly slot: string;
  readonly definition: ProcessDefinition;
  readonly secrets: readonly string[];
  /** Absent in records of earlier versions. */
  readonly owner?: Owner;
  readonly isProduction?: true;
  /** Set while it runs, so that a later supervisor finds it after a crash. */
  readonly process?: ProcessIdentity;
}

/** The files of one environment. */
export class EnvironmentFiles {
  readonly folder: string;

  constructor(
    readonly home: string,
    readonly name: string,
  ) {
    this.folder = path.join(environmentsFolder(home), name);
  }

  get state(): string {
    return path.join(this.folder, 'state.json');
  }

  /** The supervisor's address and the token for it. Readable for its user only. */
  get control(): string {
    return path.join(this.folder, 'control.json');
  }

  get lock(): string {
    return path.join(this.folder, 'supervisor.lock');
  }

  get supervisorLog(): string {
    return path.join(this.folder, 'supervisor.log');
  }

  releaseLog(service: string, release: string): string {
    return path.join(this.folder, service, `${release}.log`);
  }

  /** The feedback on a service. Its releases write the file, and it outlives them. No service can have this folder's name. */
  feedback(service: string): string {
    return path.join(this.folder, '.feedback', `${service}.jsonl`);
  }

  /** The marker of all processes of this environment, unique even among environments of the same name. */
  get lineage(): string {
    return `environment-${createHash('sha256').update(this.folder).digest('hex').slice(0, 12)}`;
  }
}

/** Returns the names of the environments with a folder. */
export function environmentNames(home: string): string[] {
  return fileNames(environmentsFolder(home));
}

const isRunnable = shape({
  release: isRelease,
  folder: isText,
  slot: isText,
  definition: shape({ command: isText, env: isObject, health: shape({ probe: isObject, timeoutMs: isNumber }) }),
  secrets: listOf(isText),
  process: optional(isIdentity),
});
const isState = shape({
  environment: isText,
  supervisor: optional(isIdentity),
  services: listOf(
    shape({
      service: isText,
      port: isNumber,
      state: oneOf('healthy', 'starting', 'unhealthy', 'stopped'),
      current: optional(isRunnable),
      earlier: listOf(isRunnable),
    }),
  ),
});

/** Returns the stored state, or undefined if it is missing or damaged. */
export function readState(files: EnvironmentFiles): EnvironmentState | undefined {
  return readCached<EnvironmentState>(files.state, isState);
}

/** Returns the status of an environment as the supervisor last recorded it. */
export function processStatus(state: EnvironmentState, files: EnvironmentFiles): EnvironmentStatus {
  const running = state.supervisor !== undefined && isAlive(state.supervisor);
  // A service with a reserved port and no release is not shown.
  const deployed = state.services.filter(({ current, earlier }) => current !== undefined || earlier.length > 0);
  const reason = state.supervisor ? 'its supervisor is not running, possibly after a reboot' : 'the environment was stopped';
  return {
    environment: state.environment,
    kind: state.kind,
    running,
    services: deployed.map((record) => serviceStatus(record, files, running ? undefined : reason)),
  };
}

function serviceStatus(
  { service, port, state, reason, current, earlier, stopped }: SupervisedService,
  files: EnvironmentFiles,
  down: string | undefined,
): ServiceStatus {
  return {
    service,
    state: down === undefined ? state : 'stopped',
    reason: stopped ? 'it was stopped' : (down ?? reason),
    url: `http://127.0.0.1:${port}`,
    release: current?.release,
    log: current && files.releaseLog(service, current.release.id),
    artifact: current && { slot: current.slot, folder: current.folder },
    previous: earlier[0]?.release,
    earlier: earlier.length > 0 ? earlier.map(({ release }) => release) : undefined,
    owner: (current ?? earlier[0])?.owner,
    isProduction: current?.isProduction,
  };
}
