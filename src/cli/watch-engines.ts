import { EventEmitter, once } from 'node:events';
import { createInterface } from 'node:readline';
import { watchEngines as watch } from '../core/engines/remote/watch-engines';
import { environmentTokens } from '../core/http/environment-tokens';
import { openContext } from './context';
import type { Terminal } from './terminal';

/**
 * Watches the CI services of a repository until the input ends. A line `seen` says that somebody looks at what they tell, `hidden`
 * that nobody does.
 */
export async function watchEngines(terminal: Terminal): Promise<number> {
  const context = await openContext();
  if (!context.ok) return terminal.fail(context.failure);
  const stop = new AbortController();
  let isSeen = true;
  const again = new EventEmitter().setMaxListeners(0);
  const lines = createInterface({ input: process.stdin });
  lines.on('line', (line) => {
    const began = line === 'seen' && !isSeen;
    isSeen = line !== 'hidden';
    if (began) again.emit('seen');
  });
  lines.once('close', () => stop.abort());
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort());
  const seen = async (signal: AbortSignal): Promise<void> => void (await once(again, 'seen', { signal }).catch(() => undefined));
  await watch({ ...context.value, tokens: environmentTokens(process.env), env: process.env, isSeen: () => isSeen, seen }, stop.signal);
  lines.close();
  return 0;
}
