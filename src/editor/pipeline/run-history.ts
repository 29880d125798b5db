import * as fs from 'node:fs';
import type { RepositoryHome } from '../../core/support/home';
import { runIds, RunReader } from '../../core/history/runs';
import { isFinished, type RunState } from '../../core/model/run-state';
import { Changes, Paced } from '../app/change-event';

/** How many of a repository's runs are read. */
const kept = 60;
/** How often at most, while a run goes on. */
const paceMs = 100;
/** Of so many runs what they delivered may still be live, and be taken back. */
const watched = 5;
/** Where the file system does not tell, and to notice a runner that died. */
const lookMs = 2000;

/**
 * The runs of one repository as they are on disk, read again as they go on. A finished run is read again where
 * something was added to it: what it delivered may be taken back later. */
export class RunHistory {
  readonly changes = new Changes();
  private readonly known = new Map<string, RunState>();
  private readonly readers = new Map<string, RunReader>();
  private readonly watchers = new Map<string, fs.FSWatcher>();
  private readonly reading = new Paced(() => this.read(), paceMs);
  private poll: NodeJS.Timeout | undefined;

  constructor(readonly home: RepositoryHome) {}

  /** Newest first. */
  get runs(): readonly RunState[] {
    return [...this.known.values()].sort((a, b) => (a.id < b.id ? 1 : -1));
  }

  start(): void {
    fs.mkdirSync(this.home.runs, { recursive: true });
    this.watch(this.home.runs);
    this.read();
  }

  /** Reads soon: something is about to happen there. */
  look(): void {
    this.reading.ask();
  }

  /** Reads now what is on disk. */
  read(): void {
    const ids = runIds(this.home).slice(0, kept);
    const newest = new Set(ids.slice(0, watched));
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
    this.changes.tell();
  }

  private readerOf(id: string): RunReader {
    const reader = this.readers.get(id) ?? new RunReader(this.home.run(id));
    this.readers.set(id, reader);
    return reader;
  }

  private pollWhileLive(): void {
    const live = [...this.known.values()].some((run) => !isFinished(run.outcome));
    if (live) this.poll ??= setInterval(() => this.reading.ask(), lookMs);
    else {
      clearInterval(this.poll);
      this.poll = undefined;
    }
  }

  private watch(folder: string): void {
    if (this.watchers.has(folder)) return;
    try {
      const watcher = fs.watch(folder, (_, file) => {
        if (folder === this.home.runs || file === null || file === 'journal.jsonl') this.reading.ask();
      });
      watcher.on('error', () => this.unwatch(folder));
      this.watchers.set(folder, watcher);
    } catch {
      // The folder is gone, or the system is out of watches: the poll sees to it.
    }
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
