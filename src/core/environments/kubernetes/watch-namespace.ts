import { setTimeout as wait } from 'node:timers/promises';
import type { Kubectl } from './kubectl';

const firstMs = 1_000;
const mostMs = 60_000;
/** A watch that lasted so long was a good one. */
const goodMs = 10_000;

/** Calls `changed` whenever pods of the namespace or what makes them change, until the signal. */
export async function watchNamespace(kubectl: Kubectl, changed: () => void, signal: AbortSignal): Promise<void> {
  const kinds = ['deployments.apps', 'statefulsets.apps', 'daemonsets.apps', 'pods'];
  await Promise.all(kinds.map((kind) => watchKind(kubectl, kind, changed, signal)));
}

async function watchKind(kubectl: Kubectl, kind: string, changed: () => void, signal: AbortSignal): Promise<void> {
  for (let pauseMs = firstMs; !signal.aborted;) {
    const began = Date.now();
    // A line an object: what it is now is asked by who looks.
    await kubectl.run(['get', kind, '--watch-only', '--output=name'], { signal, endless: true, stdout: changed });
    pauseMs = Date.now() - began > goodMs ? firstMs : Math.min(pauseMs * 2, mostMs);
    await wait(pauseMs, undefined, { signal }).catch(() => {});
  }
}
