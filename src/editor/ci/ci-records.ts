import * as fs from 'node:fs';
import { ciRecordsFolder, readCiRecord } from '../../core/ci/ci-record';
import { type Watch, watchPath } from '../../core/support/folder-watch';
import { Throttle } from '../app/change-event';
import type { Service } from '../app/state';
import type { Store } from '../app/store';

/** Reads the last known state of CI services, which a watching process writes to disk. */
export class CiRecords {
  private readonly watchers = new Map<string, Watch>();
  private readonly reading = new Throttle(() => this.read());
  private services: readonly Service[] = [];

  constructor(private readonly store: Store) {}

  update(services: readonly Service[]): void {
    const before = this.services.map(({ key }) => key).join();
    this.services = services;
    for (const { home } of services) this.watch(ciRecordsFolder(home));
    if (services.map(({ key }) => key).join() !== before) this.reading.schedule();
  }

  private read(): void {
    for (const service of this.services) {
      const ciRecord = readCiRecord(service.home, service.name);
      const known = this.store.state.services.find(({ key }) => key === service.key)?.ciRecord;
      if (ciRecord && JSON.stringify(ciRecord) !== JSON.stringify(known)) this.store.annotate(service, { ciRecord });
    }
  }

  private watch(folder: string): void {
    if (this.watchers.has(folder)) return;
    try {
      fs.mkdirSync(folder, { recursive: true });
    } catch {
      return; // the disk is full: the next update tries again
    }
    this.watchers.set(
      folder,
      watchPath(folder, () => this.reading.schedule()),
    );
  }

  dispose(): void {
    this.reading.dispose();
    for (const watcher of this.watchers.values()) watcher.close();
  }
}
