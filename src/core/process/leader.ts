import * as net from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import type { Audience } from './visibility';
import { tryLock, type LockHolder } from './lock';
import { ownIdentity } from './process-identity';
import { WaitingProcesses } from './standby-server';

export interface WatchForAll {
  /** Whoever holds it watches. */
  readonly lock: string;
  /** Who looks in this process's own window; while it watches, also in all others. */
  readonly audience: Audience;
  /** It knows what the one that watches now does not: that one hands over to it. */
  readonly isNews: boolean;
  readonly watch: (signal: AbortSignal) => Promise<void>;
}

/** How long one that is no more, or does not answer, is left alone. */
const againMs = 1000;

/**
 * Of all processes that would watch the same, one for each window, one does. The others are connected to it and say whether their window
 * is seen. The system closes the connection of a process that ends, however it does: nobody's word outlives them, and the next one
 * watches at once. Ends when `watch` does by itself.
 */
export async function watchForAll({ lock: file, audience, watch, isNews }: WatchForAll, signal: AbortSignal): Promise<void> {
  const waiting = await WaitingProcesses.listen(audience);
  const own: LockHolder = { ...ownIdentity(), listens: waiting.address };
  let claims = isNews;
  let leave = (): void => {};
  try {
    while (!signal.aborted) {
      const lock = tryLock(file, own);
      leave();
      if (lock.ok) {
        claims = false;
        const yielding = new AbortController();
        waiting.claimed = () => yielding.abort();
        try {
          await watch(AbortSignal.any([signal, yielding.signal]));
        } finally {
          lock.release();
        }
        if (!yielding.signal.aborted) return;
        await waiting.handOver(signal);
      } else leave = await standBy(lock.holder, audience, claims, signal);
    }
  } finally {
    leave();
    waiting.close();
  }
}

/** Until the one that watches is gone, or hands over: it waits for the answered function to be called, then. */
async function standBy({ listens }: LockHolder, audience: Audience, claims: boolean, signal: AbortSignal): Promise<() => void> {
  let hasAnswered = false;
  const socket = listens && net.connect(listens.port, '127.0.0.1');
  if (socket) {
    const tell = (): void => void socket.write(audience.isSeen ? 'seen\n' : 'hidden\n');
    socket.write(`${listens.token}\n`);
    tell();
    if (claims) socket.write('claim\n');
    const deaf = audience.listen(tell);
    await new Promise<void>((resolve) => {
      socket.once('connect', () => (hasAnswered = true));
      socket.on('error', () => resolve());
      socket.once('close', () => resolve());
      const lines = createInterface({ input: socket });
      for (const event of ['line', 'error']) lines.on(event, () => resolve());
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    deaf();
  }
  if (!hasAnswered) await delay(againMs, undefined, { signal }).catch(() => undefined);
  return () => socket?.destroy();
}
