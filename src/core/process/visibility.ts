import { EventEmitter, once } from 'node:events';

/** Whether anyone can see the reports of a process: a hidden window needs no frequent updates. */
export class Visibility {
  private readonly events = new EventEmitter().setMaxListeners(0);

  constructor(private visible = false) {}

  get isVisible(): boolean {
    return this.visible;
  }

  set(isVisible: boolean): void {
    if (this.visible === isVisible) return;
    this.visible = isVisible;
    this.events.emit('change');
    if (isVisible) this.events.emit('visible');
  }

  /** Resolves when it becomes visible, or with the signal. */
  async becomesVisible(signal: AbortSignal): Promise<void> {
    await once(this.events, 'visible', { signal }).catch(() => undefined);
  }

  /** Calls `changed` after each change until the returned function is called. */
  onChange(changed: () => void): () => void {
    this.events.on('change', changed);
    return () => void this.events.off('change', changed);
  }
}

/** For a process whose caller waits for its end. */
export const alwaysVisible = new Visibility(true);
