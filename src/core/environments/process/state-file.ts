import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { environmentsFolder } from '../../support/home';
import type { ProcessDefinition } from './descriptor';
import type { ProcessIdentity, Release } from '../../model/events';
import type { ServiceHealth } from '../../model/environment-status';

/** What an environment is, on disk: enough to show it, and to bring it back after a reboot. */
export interface EnvironmentState {
  readonly environment: string;
  readonly kind: 'process';
  /** The supervisor that wrote this; the rest is true while it lives. */
  readonly supervisor?: ProcessIdentity;
  readonly services: readonly ServiceRecord[];
}

export interface ServiceRecord {
  readonly service: string;
  /** Where customers reach it, whatever release is live. */
  readonly port: number;
  readonly state: ServiceHealth;
  readonly reason?: string;
  readonly current?: ReleaseRecord;
  /** `current` is live and the run that deployed it has not said that it is good. */
  readonly unverified?: true;
  /** What can be brought back, newest first. */
  readonly earlier: readonly ReleaseRecord[];
}

/** A release and all that is needed to start it again, except the values of its secrets. */
export interface ReleaseRecord {
  readonly release: Release;
  readonly folder: string;
  readonly slot: string;
  readonly definition: ProcessDefinition;
  readonly secrets: readonly string[];
  /** While it runs: so that a later supervisor finds what a killed one left. */
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

  /** Where the supervisor listens for commands, with the token that they need; for the user alone. */
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

  /** What customers said of a service: its releases write it, and it outlives them. No service has a name like this folder's. */
  feedback(service: string): string {
    return path.join(this.folder, '.feedback', `${service}.jsonl`);
  }

  /** What all processes of this environment are marked with, and of no other of that name. */
  get lineage(): string {
    return `environment-${createHash('sha256').update(this.folder).digest('hex').slice(0, 12)}`;
  }
}

/** The environments that have ever been deployed to, by name. */
export function environmentNames(home: string): string[] {
  try {
    return fs.readdirSync(environmentsFolder(home)).sort();
  } catch {
    return [];
  }
}

export function readState(files: EnvironmentFiles): EnvironmentState | undefined {
  try {
    return JSON.parse(fs.readFileSync(files.state, 'utf8')) as EnvironmentState;
  } catch {
    return undefined;
  }
}
