import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { fileNames } from '../support/file-names';
import type { RepositoryHome } from '../support/home';
import { eventsIn, journalName, readEvents } from './journal';
import { isAlive } from '../process/process-identity';
import { foldAll, interrupted, isFinished, unfollowed, type RunState } from '../model/run-state';

/** A new run's id; ids sort by the time they were made. Shape: `20261123T091604123-4f2a`. */
export function newRunId(now = new Date()): string {
  return `${now.toISOString().replace(/[-:.Z]/g, '')}-${randomBytes(2).toString('hex')}`;
}

/** A run as its folder tells it, `interrupted` if its runner is gone; `undefined` where no run is told. */
export function readRun(folder: string): RunState | undefined {
  const recorded = readRecorded(folder);
  return recorded && asItStands(recorded);
}

/** A run that goes on is read again and again: only what was added is read. */
export class RunReader {
  private read = 0;
  private torn: Buffer = Buffer.alloc(0);
  private recorded: RunState | undefined;

  constructor(private readonly folder: string) {}

  /** As {@link readRun}. */
  now(): RunState | undefined {
    const added = this.added();
    const end = added.lastIndexOf(0x0a) + 1;
    this.torn = added.subarray(end);
    this.recorded = foldAll(this.recorded, eventsIn(added.toString('utf8', 0, end)));
    return this.recorded && asItStands(this.recorded);
  }

  private added(): Buffer {
    let file: number;
    try {
      file = fs.openSync(path.join(this.folder, journalName), 'r');
    } catch {
      return this.torn;
    }
    try {
      const { size } = fs.fstatSync(file);
      const more = Buffer.alloc(Math.max(0, size - this.read));
      this.read += fs.readSync(file, more, 0, more.length, this.read);
      return Buffer.concat([this.torn, more]);
    } finally {
      fs.closeSync(file);
    }
  }
}

function asItStands(recorded: RunState): RunState {
  if (isFinished(recorded.outcome) || isAlive(recorded.runner)) return recorded;
  return recorded.engine ? unfollowed(recorded) : interrupted(recorded);
}

/** What the journal itself says, whether or not its runner still lives. */
export function readRecorded(folder: string): RunState | undefined {
  return foldAll(undefined, readEvents(path.join(folder, journalName)));
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
  return fileNames(home.runs).reverse();
}
