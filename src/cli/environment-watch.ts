import { setMaxListeners } from 'node:events';
import { readEnvironments } from '../core/environments/environments';
import { homeFolder } from '../core/support/home';
import { askAll, environmentsHere } from './environment';
import type { Terminal } from './terminal';

/** The minimum interval between queries of an environment. */
const minIntervalMs = 500;
/** The poll interval if no event arrives. */
const pollMs = 15_000;
/** The interval for reading the definitions again, which may have changed. */
const definitionsMs = 60_000;

/**
 * `deliver environment watch`: queries the environments at the start and after each change, records their state for all
 * windows, and prints it if it changed. Ends on a signal or at the end of stdin.
 */
export async function watchEnvironments(terminal: Terminal): Promise<number> {
  const end = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => end.abort());
  // This process ends when its parent, which holds stdin open, ends.
  process.stdin.on('error', () => end.abort());
  process.stdin.on('end', () => end.abort());
  process.stdin.resume();
  let printed = '';
  while (!end.signal.aborted) {
    const environments = await environmentsHere();
    const round = AbortSignal.any([end.signal, AbortSignal.timeout(definitionsMs)]);
    // Each environment and each of its watches listens.
    setMaxListeners(0, round);
    let wake = (): void => {};
    for (const environment of environments) void environment.watch(() => wake(), round);
    while (!round.aborted) {
      const changed = new Promise<void>((resolve) => (wake = resolve));
      await askAll(environments);
      const now = JSON.stringify(readEnvironments(homeFolder()));
      if (now !== printed) terminal.print((printed = now));
      await pause(minIntervalMs, round);
      await Promise.race([changed, pause(pollMs, round)]);
    }
  }
  process.stdin.destroy();
  return 0;
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    if (signal.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}
