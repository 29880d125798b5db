import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Owner, ServiceStatus } from '../../model/environment-status';
import type { ProcessIdentity, Release } from '../../model/events';
import type { EnvironmentDefinition } from '../../model/pipeline';
import { fileNames, writeAtomically } from '../../support/files';
import { watchPath } from '../../support/folder-watch';
import { environmentsFolder } from '../../support/home';
import {
  isArtifact,
  isIdentity,
  isObject,
  isRelease,
  isText,
  isTime,
  listOf,
  oneOf,
  optional,
  readCached,
  readRecord,
  shape,
} from '../../support/record';
import type { Claim } from '../owner';
import type { KeptRelease } from '../platform';

/** The record of one service in an environment that Deliver does not run itself. */
export interface ServiceRecord {
  readonly service: string;
  /** The definition of the last deployment. */
  readonly definition: EnvironmentDefinition;
  readonly url: string;
  readonly current?: KeptRelease;
  /** The process that has to verify `current`; absent: it is verified. */
  readonly verifier?: ProcessIdentity;
  /** The claim of the repository that delivered `current`, until it is verified. */
  readonly claim?: Claim;
  /** The releases that can be restored, newest first. */
  readonly earlier: readonly KeptRelease[];
  /** A deployment in progress: the live release is uncertain until it ends. */
  readonly deploying?: { readonly release: Release; readonly by: ProcessIdentity };
  readonly stopped?: true;
}

/** The last answer of an environment about its services, including those that others delivered. */
export interface Observation {
  readonly kind: string;
  /** The time of the last answer (ISO 8601); absent: never. */
  readonly at?: string;
  readonly services: readonly ServiceStatus[];
  /** The reason why the last query failed. */
  readonly failure?: string;
  /** The services whose state could not be read at a later time, with the reasons. */
  readonly unknown?: { readonly at: string; readonly reasons: Readonly<Record<string, string>> };
}

const isKept = shape({ release: isRelease, slot: isText, folder: isText, secrets: listOf(isText), details: isObject });
const isServiceRecord = shape({
  service: isText,
  definition: shape({ kind: isText }),
  url: isText,
  current: optional(isKept),
  verifier: optional(isIdentity),
  earlier: listOf(isKept),
  deploying: optional(shape({ release: isRelease, by: isIdentity })),
});
const isObservation = shape({
  kind: isText,
  at: optional(isTime),
  services: listOf(
    shape({
      service: isText,
      state: oneOf('healthy', 'starting', 'unhealthy', 'stopped', 'missing', 'unknown'),
      url: isText,
      release: optional(isRelease),
      artifact: optional(isArtifact),
    }),
  ),
  failure: optional(isText),
});

const suffix = '.service.json';
const observationName = 'observed.json';

/** The records of one environment: one file for each service, so that concurrent deliveries do not conflict. */
export class ServiceRecords {
  readonly folder: string;

  constructor(
    home: string,
    readonly environment: string,
  ) {
    this.folder = path.join(environmentsFolder(home), environment);
  }

  /** Returns the record, or undefined if nothing was deployed. Throws if the record cannot be read. */
  read(service: string): ServiceRecord | undefined {
    const record = readRecord<ServiceRecord>(this.file(service), isServiceRecord);
    return record && { ...record, definition: withSettings(record.definition) };
  }

  write(record: ServiceRecord): void {
    writeAtomically(this.file(record.service), record);
  }

  remove(service: string): void {
    fs.rmSync(this.file(service), { force: true });
  }

  /** Renames a record that cannot be read and returns its new path. */
  moveAside(service: string): string {
    const aside = `${this.file(service)}.damaged`;
    fs.renameSync(this.file(service), aside);
    return aside;
  }

  file(service: string): string {
    return path.join(this.folder, `${service}${suffix}`);
  }

  /** Returns the names of the services that have a record. */
  services(): string[] {
    return fileNames(this.folder)
      .filter((name) => name.endsWith(suffix))
      .map((name) => name.slice(0, -suffix.length));
  }

  /** Returns all releases that are live or can be restored. */
  keptReleases(): KeptRelease[] {
    return this.services().flatMap((service) => {
      try {
        const record = this.read(service);
        return [...(record?.current ? [record.current] : []), ...(record?.earlier ?? [])];
      } catch {
        return [];
      }
    });
  }

  ownerOf(service: string): Owner | undefined {
    try {
      const record = this.read(service);
      return (record?.current ?? record?.earlier[0])?.owner;
    } catch {
      return undefined;
    }
  }

  observation(): Observation | undefined {
    // The next observation replaces a damaged one.
    return readCached<Observation>(path.join(this.folder, observationName), isObservation);
  }

  writeObservation(observation: Observation): void {
    writeAtomically(path.join(this.folder, observationName), observation);
  }

  forgetObservation(): void {
    fs.rmSync(path.join(this.folder, observationName), { force: true });
  }

  /** Removes the observation of a service after its live release has changed. */
  removeObservation(service: string): void {
    const before = this.observation();
    if (before) this.writeObservation({ ...before, services: before.services.filter((status) => status.service !== service) });
  }

  /** Calls `changed` after each deployment from this machine, until the signal aborts. */
  async watch(changed: () => void, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    fs.mkdirSync(this.folder, { recursive: true });
    const watcher = watchPath(this.folder, (name) => (name === undefined || name.endsWith(suffix)) && changed());
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    watcher.close();
  }

  lock(service: string): string {
    return path.join(this.folder, `${service}.lock`);
  }

  /** Returns the folder for the platform's own files about a service. */
  folderOf(service: string): string {
    const folder = path.join(this.folder, service);
    fs.mkdirSync(folder, { recursive: true });
    return folder;
  }
}

/** Returns whether {@link ServiceRecords} writes a file of this name. */
export function isRecordFile(name: string): boolean {
  return name.endsWith(suffix) || name === observationName;
}

/** Earlier versions of Deliver kept the settings under the name of the kind. */
function withSettings(definition: EnvironmentDefinition): EnvironmentDefinition {
  if (definition.settings !== undefined) return definition;
  return { ...definition, settings: (definition as unknown as Readonly<Record<string, unknown>>)[definition.kind] };
}

/** Returns the status of all services of an environment, from its records and its last observation. */
export function recordedStatus(records: ServiceRecords): ServiceStatus[] {
  const observation = records.observation();
  const observed = new Map(observation?.services.map((status) => [status.service, status]));
  const { at: failedAt = '', reasons = {} } = observation?.unknown ?? {};
  const doubted = (status: ServiceStatus): ServiceStatus => {
    const reason = reasons[status.service] ?? (known.has(status.service) ? undefined : observation?.failure);
    // A later deployment knows the state better.
    return reason === undefined || (status.release?.deployedAt ?? '') > failedAt ? status : { ...status, state: 'unknown', reason };
  };
  const recorded = records.services().flatMap((service) => statusOf(service, records, observed.get(service), observation?.at) ?? []);
  const known = new Set(recorded.map(({ service }) => service));
  const others = [...observed.values()]
    .filter(({ service }) => !known.has(service))
    .map((status) => ({ ...status, observedAt: observation?.at }));
  return [...recorded, ...others].map(doubted).sort((a, b) => (a.service < b.service ? -1 : 1));
}

function statusOf(
  service: string,
  records: ServiceRecords,
  observed: ServiceStatus | undefined,
  at: string | undefined,
): ServiceStatus | undefined {
  let record: ServiceRecord | undefined;
  try {
    record = records.read(service);
  } catch {
    const reason = 'its record cannot be read: the next delivery creates a new one';
    return observed ? { ...observed, observedAt: at, reason } : { service, state: 'stopped', url: '', reason };
  }
  const { current, earlier = [], url = '', stopped } = record ?? {};
  if (!record || (!current && earlier.length === 0 && !observed)) return undefined;
  const ownership = { owner: (current ?? earlier[0])?.owner, isProduction: current?.isProduction };
  // Each deployment removes the observation, so an observation is newer than the deployment.
  const isNewer = observed && at !== undefined;
  if (observed?.release && isNewer && observed.release.id !== current?.release.id) return { ...observed, ...ownership, observedAt: at };
  const releases = earlier.map((kept): Release => kept.release);
  const health: Pick<ServiceStatus, 'state' | 'reason'> = stopped
    ? { state: 'stopped', reason: 'it was stopped' }
    : isNewer
      ? { state: observed.state, reason: observed.reason }
      : { state: current ? 'healthy' : 'stopped' };
  return {
    service,
    ...health,
    url: (isNewer && observed.url) || url,
    release: current?.release,
    artifact: current && { slot: current.slot, folder: current.folder, image: current.image },
    previous: releases[0],
    earlier: releases.length > 0 ? releases : undefined,
    ...ownership,
    observedAt: isNewer ? at : undefined,
  };
}
