import * as path from 'node:path';
import { createInterface } from 'node:readline';
import { environmentTokens } from '../core/pipeline/environment-tokens';
import { readPipeline, readServices } from '../core/pipeline/read-pipeline';
import { runAsLeader } from '../core/process/leader';
import { Visibility } from '../core/process/visibility';
import { openContext } from './context';
import type { Terminal } from './terminal';

/**
 * Monitors the CI services of a repository until the input ends. Of several such processes, only the leader polls. The input's lines
 * `seen` and `hidden` report whether the window is visible. `news`: this process has a newer token or definition than the leader.
 */
export async function watchEngines(options: { readonly news?: true }, terminal: Terminal): Promise<number> {
  const context = await openContext();
  if (!context.ok) return terminal.fail(context.failure);
  const stop = new AbortController();
  const window = new Visibility();
  const lines = createInterface({ input: process.stdin });
  lines.on('line', (line) => window.set(line === 'seen'));
  lines.once('close', () => stop.abort());
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort());
  const { repository } = context.value;
  const watched = { ...context.value, readPipeline, tokens: environmentTokens(process.env), env: process.env };
  await runAsLeader(
    {
      ...{ lock: path.join(context.value.home.locks, 'engine-watch.lock'), window, isNews: options.news === true },
      // Only the leader loads it: the processes that wait stay small.
      lead: async (visibility, signal) => {
        const { watchRuns } = await import('../core/ci/follow/run-watcher');
        const services = await readServices(repository.root);
        if (services.ok && !signal.aborted) await watchRuns({ ...watched, visibility, services: services.value }, signal);
      },
    },
    stop.signal,
  );
  lines.close();
  return 0;
}
