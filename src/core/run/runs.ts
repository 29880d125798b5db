import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { RepositoryHome } from '../home';
import { journalName, readEvents } from './journal';
import { isAlive } from './process-identity';
import { fold, interrupted, isFinished, type RunState } from './state';

/** A new run's id; ids sort by the time they were made. Shape: `20261123T091604123-4f2a`. */
export function newRunId(now = new Date()): string {
  return `${now.toISOString().replace(/[-:.Z]/g, '')}-${randomBytes(2).toString('hex')}`;
}

/** A run as its folder tells it, `interrupted` if its runner is gone; `undefined` where no run is told. */
export function readRun(folder: string): RunState | undefined {
  const recorded = readRecorded(folder);
  if (!recorded) return undefined;
  return isFinished(recorded.outcome) || isAlive(recorded.runner) ? recorded : interrupted(recorded);
}

/** What the journal itself says, whether or not its runner still lives. */
export function readRecorded(folder: string): RunState | undefined {
  return readEvents(path.join(folder, journalName)).reduce(fold, undefined as RunState | undefined);
}

/** Newest first. */
export function listRuns(home: RepositoryHome, options: { readonly service?: string; readonly limit?: number } = {}): RunState[] {
  const runs: RunState[] = [];
  for (const id of runIds(home)) {
    if (runs.length === options.limit) break;
    const run = readRun(home.run(id));
    if (run && (options.service === undefined || run.service === options.service)) runs.push(run);
  }
  return runs;
}

/** Ids of all runs that have a folder, newest first. */
export function runIds(home: RepositoryHome): string[] {
  try {
    return fs.readdirSync(home.runs).sort().reverse();
  } catch {
    return [];
  }
}
