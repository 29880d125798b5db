import { EventEmitter, once } from 'node:events';
import * as fs from 'node:fs';

/** Waits for changes in folders. A timer does where the system reports none: on some file systems, or when it is out of watches. */
export class FolderChanges {
  private readonly events = new EventEmitter();
  private readonly watchers: readonly fs.FSWatcher[];

  constructor(
    folders: readonly string[],
    private readonly everyMs: number,
  ) {
    this.watchers = folders.flatMap((folder) => this.watch(folder) ?? []);
  }

  /** Resolves at the next change, after a while without one, or with the signal. */
  async next(signal: AbortSignal): Promise<void> {
    const timer = setTimeout(() => this.events.emit('change'), this.everyMs);
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
