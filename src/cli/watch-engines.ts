import * as path from 'node:path';
import { createInterface } from 'node:readline';
import { environmentTokens } from '../core/pipeline/environment-tokens';
import { Audience } from '../core/process/visibility';
import { readPipeline, readServices } from '../core/pipeline/read-pipeline';
import { watchForAll } from '../core/process/leader';
import { openContext } from './context';
import type { Terminal } from './terminal';

/**
 * Watches the CI services of a repository until the input ends; of several that do, one at a time. A line `seen` says that somebody looks
 * at what they tell, `hidden` that nobody does. `news`: it has a token, or there is a definition, that those before do not know.
 */
export async function watchEngines(options: { readonly news?: true }, terminal: Terminal): Promise<number> {
  const context = await openContext();
  if (!context.ok) return terminal.fail(context.failure);
  const stop = new AbortController();
  const audience = new Audience();
  const lines = createInterface({ input: process.stdin });
  lines.on('line', (line) => audience.says(lines, line === 'seen'));
  lines.once('close', () => stop.abort());
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort());
  const { repository } = context.value;
  const watched = { ...context.value, readPipeline, tokens: environmentTokens(process.env), env: process.env, seen: audience };
  await watchForAll(
    {
      ...{ lock: path.join(context.value.home.locks, 'engine-watch.lock'), audience, isNews: options.news === true },
      // Loaded by the one that watches: those that wait stay small.
      watch: async (signal) => {
        const { watchRuns } = await import('../core/ci/follow/run-watcher');
        const services = await readServices(repository.root);
        if (services.ok && !signal.aborted) await watchRuns({ ...watched, services: services.value }, signal);
      },
    },
    stop.signal,
  );
  lines.close();
  return 0;
}
