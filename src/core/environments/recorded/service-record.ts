import * as fs from 'node:fs';
import * as path from 'node:path';
import type { EnvironmentKind, ServiceStatus } from '../../model/environment-status';
import type { ProcessIdentity, Release } from '../../model/events';
import { environmentsFolder } from '../../support/home';
import { writeAtomically } from '../../support/write-atomically';
import type { KeptRelease, PlatformDefinition } from '../platform';

/** What Deliver did with one service in an environment that it does not run itself. */
export interface ServiceRecord {
  readonly service: string;
  /** By what it was deployed last. */
  readonly definition: PlatformDefinition;
  readonly url: string;
  readonly current?: KeptRelease;
  /** `current` is live, and who has to verify it has not done so; absent: it is verified. */
  readonly verifier?: ProcessIdentity;
  /** What can be brought back, newest first. */
  readonly earlier: readonly KeptRelease[];
  /** A deployment that has begun: what is live is not certain until it ends. */
  readonly deploying?: { readonly release: Release; readonly by: ProcessIdentity };
  /** It was stopped on purpose. */
  readonly stopped?: true;
}

/** What an environment itself last said of its services, whoever delivered them. */
export interface Observation {
  readonly kind: Exclude<EnvironmentKind, 'process'>;
  /** When it last answered (ISO 8601); absent: never. */
  readonly at?: string;
  readonly services: readonly ServiceStatus[];
  /** Why it did not answer when it was last asked. */
  readonly failure?: string;
}

const suffix = '.service.json';
const observationName = 'observed.json';

/** The records of one environment: a file a service, so that two deliveries of two services never meet. */
export class ServiceRecords {
  readonly folder: string;

  constructor(
    home: string,
    readonly environment: string,
  ) {
    this.folder = path.join(environmentsFolder(home), environment);
  }

  /** `undefined` where nothing was deployed; throws where it was and cannot be read. */
  read(service: string): ServiceRecord | undefined {
    return readJson<ServiceRecord>(this.file(service));
  }

  write(record: ServiceRecord): void {
    writeAtomically(this.file(record.service), record);
  }

  remove(service: string): void {
    fs.rmSync(this.file(service), { force: true });
  }

  /** Keeps a record that cannot be read under another name, and answers it. */
  moveAside(service: string): string {
    const aside = `${this.file(service)}.damaged`;
    fs.renameSync(this.file(service), aside);
    return aside;
  }

  file(service: string): string {
    return path.join(this.folder, `${service}${suffix}`);
  }

  /** The services that have a record, by name. */
  services(): string[] {
    return readNames(this.folder)
      .filter((name) => name.endsWith(suffix))
      .map((name) => name.slice(0, -suffix.length));
  }

  /** All releases that are live or can be brought back. */
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

  observation(): Observation | undefined {
    try {
      return readJson<Observation>(path.join(this.folder, observationName));
    } catch {
      return undefined; // the next look writes it anew
    }
  }

  writeObservation(observation: Observation): void {
    writeAtomically(path.join(this.folder, observationName), observation);
  }

  /** What was withObservedAt of a service is of a release that is live no more. */
  removeObservation(service: string): void {
    const before = this.observation();
    if (before) this.writeObservation({ ...before, services: before.services.filter((status) => status.service !== service) });
  }

  /** Calls `changed` when something was delivered from here, until the signal. */
  async watch(changed: () => void, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    fs.mkdirSync(this.folder, { recursive: true });
    const watcher = fs.watch(this.folder, (_, name) => name?.endsWith(suffix) && changed());
    watcher.on('error', () => {}); // the folder went: there is nothing to tell
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    watcher.close();
  }

  lock(service: string): string {
    return path.join(this.folder, `${service}.lock`);
  }

  /** For files of the platform about a service. */
  folderOf(service: string): string {
    const folder = path.join(this.folder, service);
    fs.mkdirSync(folder, { recursive: true });
    return folder;
  }
}

/** Whether a file of an environment's folder is one that {@link ServiceRecords} writes. */
export function isRecordFile(name: string): boolean {
  return name.endsWith(suffix) || name === observationName;
}

function readNames(folder: string): string[] {
  try {
    return fs.readdirSync(folder).sort();
  } catch {
    return [];
  }
}

function readJson<T>(file: string): T | undefined {
  let text: string;
  try {
    text = fs.readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  return JSON.parse(text) as T;
}

/** What is known of the services of an environment: what was delivered from here, and what it said itself when it was last asked. */
export function recordedStatus(records: ServiceRecords): ServiceStatus[] {
  const observation = records.observation();
  const observed = new Map(observation?.services.map((status) => [status.service, status]));
  const own = records.services().flatMap((service) => statusOf(service, records, observed.get(service), observation?.at) ?? []);
  const known = new Set(own.map(({ service }) => service));
  const others = [...observed.values()]
    .filter(({ service }) => !known.has(service))
    .map((status) => withObservedAt(status, observation?.at));
  return [...own, ...others].sort((a, b) => (a.service < b.service ? -1 : 1));
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
    const reason = 'what was written down of it cannot be read: the next delivery begins it anew';
    return observed ? { ...withObservedAt(observed, at), reason } : { service, state: 'stopped', url: '', reason };
  }
  const { current, earlier = [], url = '', stopped } = record ?? {};
  if (!record || (!current && earlier.length === 0 && !observed)) return undefined;
  // What was deployed since it was last asked is known better here.
  const isNewer = observed && at !== undefined && (!current || at > current.release.deployedAt);
  if (observed?.release && isNewer && observed.release.id !== current?.release.id) return withObservedAt(observed, at);
  const releases = earlier.map((kept): Release => kept.release);
  const health: Pick<ServiceStatus, 'state' | 'reason'> = stopped
    ? { state: 'stopped', reason: 'it was stopped' }
    : isNewer
      ? { state: observed.state, ...(observed.reason !== undefined && { reason: observed.reason }) }
      : { state: current ? 'healthy' : 'stopped' };
  return {
    service,
    ...health,
    url: (isNewer && observed.url) || url,
    ...(current && { release: current.release, artifact: artifactOf(current) }),
    ...(releases[0] && { previous: releases[0], earlier: releases }),
    ...(isNewer && { observedAt: at }),
  };
}

function artifactOf({ slot, folder, image }: NonNullable<ServiceRecord['current']>): NonNullable<ServiceStatus['artifact']> {
  return { slot, folder, ...(image !== undefined && { image }) };
}

function withObservedAt(status: ServiceStatus, at: string | undefined): ServiceStatus {
  return { ...status, ...(at !== undefined && { observedAt: at }) };
}
