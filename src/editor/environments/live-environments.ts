import * as fs from 'node:fs';
import * as path from 'node:path';
import { readEnvironments } from '../../core/environments/environments';
import { isRecordFile } from '../../core/environments/recorded/service-record';
import { type Watch, watchPath } from '../../core/support/folder-watch';
import { environmentsFolder } from '../../core/support/home';
import { ChangeEvent, Throttle } from '../app/change-event';
import type { LiveEnvironment } from '../app/state';

/** A killed supervisor writes no event, so running environments are also polled. */
const pollIntervalMs = 5000;

/** The environments of this machine, read from their folders. */
export class LiveEnvironments {
  readonly changed = new ChangeEvent();
  environments: readonly LiveEnvironment[] = [];
  private readonly folder: string;
  private readonly watchers = new Map<string, Watch>();
  private readonly reading = new Throttle(() => this.read());
  private poll: NodeJS.Timeout | undefined;
  private started = false;

  constructor(private readonly home: string) {
    this.folder = environmentsFolder(home);
  }

  /** Starts to read and watch. Further calls do nothing. */
  start(): void {
    if (this.started) return;
    this.started = true;
    fs.mkdirSync(this.folder, { recursive: true });
    this.read();
  }

  private read(): void {
    this.watchAll();
    const before = JSON.stringify(this.environments);
    const all = readEnvironments(this.home).map(({ environment, ...rest }): LiveEnvironment => ({ name: environment, ...rest }));
    this.environments = all.filter((environment) => environment.services.length > 0 || environment.failure !== undefined);
    if (this.environments.some((environment) => environment.running))
      this.poll ??= setInterval(() => this.reading.schedule(), pollIntervalMs);
    else {
      clearInterval(this.poll);
      this.poll = undefined;
    }
    if (JSON.stringify(this.environments) !== before) this.changed.fire();
  }

  private watchAll(): void {
    this.watch(this.folder);
    for (const entry of fs.readdirSync(this.folder, { withFileTypes: true }))
      if (entry.isDirectory()) this.watch(path.join(this.folder, entry.name));
  }

  private watch(folder: string): void {
    if (this.watchers.has(folder)) return;
    const changed = (file?: string): void => {
      if (folder === this.folder || file === undefined || file.startsWith('state.json') || isRecordFile(file)) this.reading.schedule();
    };
    this.watchers.set(folder, watchPath(folder, changed));
  }

  dispose(): void {
    clearInterval(this.poll);
    this.reading.dispose();
    for (const watcher of this.watchers.values()) watcher.close();
  }
}
