/** Tells its listeners that something is different; what it is they read where it is kept. */
export class Changes {
  private readonly listeners = new Set<() => void>();

  /** Returns how to stop listening. */
  listen(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  tell(): void {
    for (const listener of this.listeners) listener();
  }
}

/** Calls `work` soon after it was asked for, and never more often than every `everyMs`. */
export class Paced {
  private timer: NodeJS.Timeout | undefined;
  private last = 0;

  constructor(
    private readonly work: () => void,
    private readonly everyMs = 200,
  ) {}

  ask(): void {
    if (this.timer) return;
    const wait = Math.max(10, this.last + this.everyMs - Date.now());
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
