import * as fs from 'node:fs';
import { engineRecordsFolder, readEngineRecord } from '../../core/ci/follow/ci-record';
import type { Service } from '../app/state';
import type { Store } from '../app/store';
import { Paced } from '../app/change-event';

/** What CI services said last of the window's services, read from the disk as a watching process leaves it there. */
export class CiRecords {
  private readonly watchers = new Map<string, fs.FSWatcher>();
  private readonly reading = new Paced(() => this.read());
  private services: readonly Service[] = [];

  constructor(private readonly store: Store) {}

  update(services: readonly Service[]): void {
    const before = this.services.map(({ key }) => key).join();
    this.services = services;
    for (const { home } of services) this.watch(engineRecordsFolder(home));
    if (services.map(({ key }) => key).join() !== before) this.reading.ask();
  }

  private read(): void {
    for (const service of this.services) {
      const record = readEngineRecord(service.home, service.name);
      const known = this.store.state.services.find(({ key }) => key === service.key)?.engine;
      if (record && JSON.stringify(record) !== JSON.stringify(known)) this.store.note(service, { engine: record });
    }
  }

  private watch(folder: string): void {
    if (this.watchers.has(folder)) return;
    try {
      fs.mkdirSync(folder, { recursive: true });
      const watcher = fs.watch(folder, () => this.reading.ask());
      watcher.on('error', () => this.watchers.delete(folder));
      this.watchers.set(folder, watcher);
    } catch {
      // The system is out of watches: what is kept is read when the window is next opened.
    }
  }

  dispose(): void {
    this.reading.dispose();
    for (const watcher of this.watchers.values()) watcher.close();
  }
}
