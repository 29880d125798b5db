import * as fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { once } from 'node:events';
import { runAsLeader } from '../../src/core/process/leader';
import { Visibility } from '../../src/core/process/visibility';

/** The reports of a process that shares a task. */
export type Report = 'ready' | 'leads' | 'waits' | 'visible' | 'hidden';
export type Option = 'news' | 'out-of-watches';

/** The process of one window: shares a task that only reports, until its parent disconnects or a signal ends it. */
async function share(lock: string, options: readonly string[]): Promise<void> {
  if (options.includes('out-of-watches')) refuseWatches();
  const report = (now: Report): void => void process.send?.(now, undefined, undefined, () => {});
  const window = new Visibility();
  const stop = new AbortController();
  process.on('message', (message) => window.set(message === 'visible'));
  process.on('disconnect', () => stop.abort());
  process.on('SIGTERM', () => stop.abort());
  const lead = async (anyWindow: Visibility, signal: AbortSignal): Promise<void> => {
    const show = (): void => report(anyWindow.isVisible ? 'visible' : 'hidden');
    anyWindow.onChange(show);
    report('leads');
    show();
    if (!signal.aborted) await once(signal, 'abort');
    if (process.connected) report('waits');
  };
  report('ready');
  await runAsLeader({ lock, window, isNews: options.includes('news'), lead }, stop.signal);
  if (process.connected) process.disconnect();
}

function refuseWatches(): void {
  const patched = process.getBuiltinModule('fs');
  patched.watch = () => {
    throw Object.assign(new Error('too many open files'), { code: 'EMFILE' });
  };
  syncBuiltinESMExports();
  if (fs.watch !== patched.watch) throw new Error('watches are not refused');
}

const [lock = '', ...options] = process.argv.slice(2);
void share(lock, options);
