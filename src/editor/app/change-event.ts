/** Notifies listeners that state has changed. Listeners read the new state from its owner. */
export class ChangeEvent {
  private readonly listeners = new Set<() => void>();

  /** Adds a listener and returns a function that removes it. */
  listen(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  fire(): void {
    for (const listener of this.listeners) listener();
  }
}

/** Calls `work` soon after `schedule`, at most once per interval. */
export class Throttle {
  private timer: NodeJS.Timeout | undefined;
  private last = 0;

  constructor(
    private readonly work: () => void,
    private readonly intervalMs = 200,
  ) {}

  schedule(): void {
    if (this.timer) return;
    const wait = Math.max(10, this.last + this.intervalMs - Date.now());
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.last = Date.now();
      this.work();
    }, wait);
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }
}
