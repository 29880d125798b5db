import { EventEmitter, once } from 'node:events';

/** Whether anybody looks at what is told. */
export interface Seen {
  readonly isSeen: boolean;
  /** Resolves when it begins to be seen, or with the signal. */
  began(signal: AbortSignal): Promise<void>;
}

/** Somebody waits for it to the end. */
export const alwaysSeen: Seen = {
  isSeen: true,
  began: async (signal) => {
    if (!signal.aborted) await once(signal, 'abort');
  },
};

/** All who may look: each says so for itself, and one is enough. */
export class Audience implements Seen {
  private readonly looking = new Set<object>();
  private readonly events = new EventEmitter().setMaxListeners(0);

  get isSeen(): boolean {
    return this.looking.size > 0;
  }

  says(who: object, isLooking: boolean): void {
    const before = this.isSeen;
    if (isLooking) this.looking.add(who);
    else this.looking.delete(who);
    if (before !== this.isSeen) this.events.emit(before ? 'ended' : 'began');
  }

  async began(signal: AbortSignal): Promise<void> {
    await once(this.events, 'began', { signal }).catch(() => undefined);
  }

  /** Until the function that is answered is called. */
  listen(changed: () => void): () => void {
    for (const event of ['began', 'ended']) this.events.on(event, changed);
    return () => void ['began', 'ended'].forEach((event) => this.events.off(event, changed));
  }
}
