import { readEnvironments } from '../core/environments/environments';
import { homeFolder } from '../core/support/home';
import { askAll, environmentsHere } from './environments-here';
import type { Terminal } from './terminal';

/** However many events come at once, an environment is not asked more often than this. */
const paceMs = 500;
/** Where no event comes, for whatever reason, what is live is asked for this often. */
const pollMs = 15_000;
/** How often definitions are read again: a new environment, or one that was given up. */
const definitionsMs = 60_000;

/**
 * `deliver environment watch`: asks the environments what is live, at once and whenever they say that something is different,
 * until it is ended or its input is. What they say is kept for every window, and printed where it differs.
 */
export async function watchEnvironments(terminal: Terminal): Promise<number> {
  const end = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => end.abort());
  // Whoever started it holds its input open: with them, it ends.
  process.stdin.on('error', () => end.abort());
  process.stdin.on('end', () => end.abort());
  process.stdin.resume();
  let printed = '';
  while (!end.signal.aborted) {
    const environments = await environmentsHere();
    const round = AbortSignal.any([end.signal, AbortSignal.timeout(definitionsMs)]);
    let wake = (): void => {};
    for (const environment of environments) void environment.watch(() => wake(), round);
    while (!round.aborted) {
      const changed = new Promise<void>((resolve) => (wake = resolve));
      await askAll(environments);
      const now = JSON.stringify(readEnvironments(homeFolder()));
      if (now !== printed) terminal.print((printed = now));
      await pause(paceMs, round);
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
