import * as fs from 'node:fs';
import * as path from 'node:path';
import { environmentsFolder } from '../../support/home';
import type { ProcessIdentity, Release } from '../../model/events';
import { writeAtomically } from '../../support/files';
import type { EnvironmentKind, ServiceStatus } from '../../model/environment-status';
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
const observedName = 'observed.json';

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
  setAside(service: string): string {
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
  kept(): KeptRelease[] {
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
      return readJson<Observation>(path.join(this.folder, observedName));
    } catch {
      return undefined; // the next look writes it anew
    }
  }

  observed(observation: Observation): void {
    writeAtomically(path.join(this.folder, observedName), observation);
  }

  /** What was seen of a service is of a release that is live no more. */
  forgetObserved(service: string): void {
    const before = this.observation();
    if (before) this.observed({ ...before, services: before.services.filter((status) => status.service !== service) });
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
export function isRecord(name: string): boolean {
  return name.endsWith(suffix) || name === observedName;
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
