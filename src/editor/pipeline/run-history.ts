import * as fs from 'node:fs';
import { runIds, RunReader } from '../../core/history/runs';
import { isFinished, type RunState } from '../../core/model/run-state';
import { type Watch, watchPath } from '../../core/support/folder-watch';
import type { RepositoryHome } from '../../core/support/home';
import { ChangeEvent, Throttle } from '../app/change-event';

const maxRuns = 60;
/** The newest runs are watched after their end, because their deployments may be rolled back. */
const watchedRuns = 5;
const readIntervalMs = 100;
/** The poll notices a runner that died, and changes that the file system does not report. */
const pollIntervalMs = 2000;

/** The runs of one repository, read from disk whenever they change. */
export class RunHistory {
  readonly changed = new ChangeEvent();
  private readonly known = new Map<string, RunState>();
  private readonly readers = new Map<string, RunReader>();
  private readonly watchers = new Map<string, Watch>();
  private readonly reading = new Throttle(() => this.read(), readIntervalMs);
  private poll: NodeJS.Timeout | undefined;

  constructor(readonly home: RepositoryHome) {}

  /** The runs, newest first. */
  get runs(): readonly RunState[] {
    return [...this.known.values()].sort((a, b) => (a.id < b.id ? 1 : -1));
  }

  start(): void {
    fs.mkdirSync(this.home.runs, { recursive: true });
    this.watch(this.home.runs);
    this.read();
  }

  readSoon(): void {
    this.reading.schedule();
  }

  read(): void {
    const ids = runIds(this.home).slice(0, maxRuns);
    const newest = new Set(ids.slice(0, watchedRuns));
    const before = new Map(this.known);
    this.known.clear();
    for (const id of ids) {
      const old = before.get(id);
      const mayChange = !old || !isFinished(old.outcome) || newest.has(id);
      const run = mayChange ? this.readerOf(id).now() : old;
      if (run) this.known.set(id, run);
      if (!run || !isFinished(run.outcome) || newest.has(id)) {
        this.watch(this.home.run(id));
        continue;
      }
      this.unwatch(this.home.run(id));
      this.readers.delete(id);
    }
    for (const id of this.readers.keys()) if (!ids.includes(id)) this.readers.delete(id);
    this.pollWhileLive();
    this.changed.fire();
  }

  private readerOf(id: string): RunReader {
    const reader = this.readers.get(id) ?? new RunReader(this.home.run(id));
    this.readers.set(id, reader);
    return reader;
  }

  private pollWhileLive(): void {
    const live = [...this.known.values()].some((run) => !isFinished(run.outcome));
    if (live) this.poll ??= setInterval(() => this.reading.schedule(), pollIntervalMs);
    else {
      clearInterval(this.poll);
      this.poll = undefined;
    }
  }

  private watch(folder: string): void {
    if (this.watchers.has(folder)) return;
    const changed = (file?: string): void => {
      if (folder === this.home.runs || file === undefined || file === 'journal.jsonl') this.reading.schedule();
    };
    this.watchers.set(folder, watchPath(folder, changed));
  }

  private unwatch(folder: string): void {
    this.watchers.get(folder)?.close();
    this.watchers.delete(folder);
  }

  dispose(): void {
    clearInterval(this.poll);
    this.reading.dispose();
    for (const watcher of this.watchers.values()) watcher.close();
    this.watchers.clear();
  }
}
