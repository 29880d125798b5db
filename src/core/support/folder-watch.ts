import * as fs from 'node:fs';
import * as path from 'node:path';

/** How often a file is looked at where the file system does not tell. */
const lookMs = 5_000;

/** Watches what may come and go in a few folders, also in those that are not there yet. */
export class FolderWatch {
  /** By the folder's place and identity: one that was made anew is another. */
  private readonly watchers = new Map<string, fs.FSWatcher>();
  private readonly files = new Set<string>();

  constructor(private readonly changed: () => void) {}

  /** Watches these folders and no others; of one that is missing, the nearest above. */
  folders(wanted: readonly string[]): void {
    const there = new Map(wanted.map(nearest).map((folder) => [`${inodeOf(folder)} ${folder}`, folder]));
    for (const key of this.watchers.keys()) if (!there.has(key)) this.forget(key);
    for (const [key, folder] of there) this.watch(key, folder);
  }

  /** Looks at a file by itself every now and then: not every file system tells of changes. */
  file(file: string): void {
    if (this.files.has(file)) return;
    this.files.add(file);
    fs.watchFile(file, { interval: lookMs, persistent: false }, this.changed);
  }

  dispose(): void {
    for (const key of this.watchers.keys()) this.forget(key);
    for (const file of this.files) fs.unwatchFile(file, this.changed);
    this.files.clear();
  }

  private watch(key: string, folder: string): void {
    if (this.watchers.has(key)) return;
    try {
      const watcher = fs.watch(folder, { persistent: false }, () => this.changed());
      watcher.on('error', () => this.forget(key));
      this.watchers.set(key, watcher);
    } catch {
      // The folder is gone, or the system is out of watches: the look at the file sees to it.
    }
  }

  private forget(key: string): void {
    this.watchers.get(key)?.close();
    this.watchers.delete(key);
  }
}

function inodeOf(folder: string): number | undefined {
  return fs.statSync(folder, { throwIfNoEntry: false })?.ino;
}

function nearest(folder: string): string {
  for (let there = folder; ; there = path.dirname(there)) {
    if (fs.existsSync(there) || there === path.dirname(there)) return there;
  }
}
