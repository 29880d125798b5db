import { EventEmitter, once } from 'node:events';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { fileNames } from './files';

/** Not every file system reports changes. */
const pollIntervalMs = 5_000;
/** How often a path is read if the system cannot watch it. */
const fallbackIntervalMs = 1_000;

export interface Watch {
  close(): void;
}

/**
 * Calls `changed` with the name of the file that changed in a folder, or without one if it is unknown. Polls if the system has no free
 * watcher. Keeps no process running.
 */
export function watchPath(target: string, changed: (name?: string) => void, intervalMs = fallbackIntervalMs): Watch {
  let watcher: fs.FSWatcher | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;
  const poll = (): void => {
    watcher?.close();
    watcher = undefined;
    if (isClosed || timer) return;
    let before = contentStamp(target);
    timer = setInterval(() => {
      const now = contentStamp(target);
      if (now === before) return;
      before = now;
      changed();
    }, intervalMs).unref();
  };
  try {
    watcher = fs.watch(target, { persistent: false }, (_, name) => changed(name ?? undefined));
    watcher.on('error', poll);
  } catch {
    poll();
  }
  return {
    close: () => {
      isClosed = true;
      watcher?.close();
      clearInterval(timer);
    },
  };
}

/** Returns a text that changes with the entries of a folder, or with the content of a file. */
function contentStamp(target: string): string {
  const names = fs.statSync(target, { throwIfNoEntry: false })?.isDirectory() ? fileNames(target) : [];
  return ['', ...names]
    .map((name) => {
      const stat = fs.statSync(path.join(target, name), { throwIfNoEntry: false });
      return stat ? `${name} ${stat.ino} ${stat.size} ${stat.mtimeMs}` : name;
    })
    .join('\n');
}

/** Watches a few folders, including those that do not exist yet. */
export class FolderWatch {
  /** By path and inode, because a folder may be replaced. */
  private readonly watchers = new Map<string, Watch>();
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
    if (!this.watchers.has(key)) this.watchers.set(key, watchPath(folder, this.changed));
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
  private readonly watchers: readonly Watch[];

  constructor(
    folders: readonly string[],
    private readonly pollIntervalMs: number,
  ) {
    this.watchers = folders.map((folder) => watchPath(folder, () => this.events.emit('change'), pollIntervalMs));
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
}
