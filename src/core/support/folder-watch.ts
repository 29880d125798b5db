import { EventEmitter, once } from 'node:events';
import * as fs from 'node:fs';
import * as path from 'node:path';

/** Not every file system reports changes. */
const pollIntervalMs = 5_000;

/** Watches a few folders, including those that do not exist yet. */
export class FolderWatch {
  /** By path and inode, because a folder may be replaced. */
  private readonly watchers = new Map<string, fs.FSWatcher>();
  private readonly files = new Set<string>();

  constructor(private readonly changed: () => void) {}

  /** Watches only these folders. For a missing one, watches its nearest existing parent. */
  folders(wanted: readonly string[]): void {
    const existing = new Map(wanted.map(nearestExisting).map((folder) => [`${inodeOf(folder)} ${folder}`, folder]));
    for (const key of this.watchers.keys()) if (!existing.has(key)) this.unwatch(key);
    for (const [key, folder] of existing) this.watch(key, folder);
  }

  /** Also polls a file. */
  file(file: string): void {
    if (this.files.has(file)) return;
    this.files.add(file);
    fs.watchFile(file, { interval: pollIntervalMs, persistent: false }, this.changed);
  }

  dispose(): void {
    for (const key of this.watchers.keys()) this.unwatch(key);
    for (const file of this.files) fs.unwatchFile(file, this.changed);
    this.files.clear();
  }

  private watch(key: string, folder: string): void {
    if (this.watchers.has(key)) return;
    try {
      const watcher = fs.watch(folder, { persistent: false }, () => this.changed());
      watcher.on('error', () => this.unwatch(key));
      this.watchers.set(key, watcher);
    } catch {
      // The folder is gone, or the system is out of watches. Polling still works.
    }
  }

  private unwatch(key: string): void {
    this.watchers.get(key)?.close();
    this.watchers.delete(key);
  }
}

function inodeOf(folder: string): number | undefined {
  return fs.statSync(folder, { throwIfNoEntry: false })?.ino;
}

function nearestExisting(folder: string): string {
  for (let each = folder; ; each = path.dirname(each)) {
    if (fs.existsSync(each) || each === path.dirname(each)) return each;
  }
}

/** Waits for changes in folders. A timer is the fallback if the system reports none. */
export class FolderChanges {
  private readonly events = new EventEmitter();
  private readonly watchers: readonly fs.FSWatcher[];

  constructor(
    folders: readonly string[],
    private readonly pollIntervalMs: number,
  ) {
    this.watchers = folders.flatMap((folder) => this.watch(folder) ?? []);
  }

  /** Resolves at the next change, after the interval, or when the signal aborts. */
  async next(signal: AbortSignal): Promise<void> {
    const timer = setTimeout(() => this.events.emit('change'), this.pollIntervalMs);
    await once(this.events, 'change', { signal }).catch(() => undefined);
    clearTimeout(timer);
  }

  close(): void {
    for (const watcher of this.watchers) watcher.close();
  }

  private watch(folder: string): fs.FSWatcher | undefined {
    try {
      const watcher = fs.watch(folder, () => this.events.emit('change'));
      return watcher.on('error', () => watcher.close());
    } catch {
      return undefined;
    }
  }
}
