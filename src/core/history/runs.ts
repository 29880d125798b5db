import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { type RunState, foldAll, interrupted, isFinished, unfollowed } from '../model/run-state';
import { isAlive } from '../process/process-identity';
import { fileNames } from '../support/files';
import type { RepositoryHome } from '../support/home';
import { isText, isTime, optional, readCached, shape } from '../support/record';
import { eventsIn, journalName, readEvents } from './journal';

/** Returns a new id such as `20261123T091604123-4f2a`, which sorts by time and after `newest`. */
export function newRunId(now = new Date(), newest = ''): string {
  const [, day = '', hour, minute, second, ms] = /^(\d{8})T(\d\d)(\d\d)(\d\d)(\d{3})-/.exec(newest) ?? [];
  const last = Date.parse(`${day.replace(/(....)(..)/, '$1-$2-')}T${hour}:${minute}:${second}.${ms}Z`);
  // The clock may have been set back since the last run.
  const time = last >= now.getTime() ? new Date(last + 1) : now;
  return `${time.toISOString().replace(/[-:.Z]/g, '')}-${randomBytes(2).toString('hex')}`;
}

/** Returns the id of a run that begins now. The newest run is the one that began last, whatever the clock says. */
export function nextRunId(home: RepositoryHome): string {
  return newRunId(new Date(), runIds(home)[0]);
}

/** Returns the run of a folder, `interrupted` if its runner is gone. Undefined without a journal. */
export function readRun(folder: string): RunState | undefined {
  const recorded = readRecorded(folder);
  return recorded && currentState(recorded);
}

/** Reads a run repeatedly. Each call reads only the new events. */
export class RunReader {
  private readBytes = 0;
  private torn: Buffer = Buffer.alloc(0);
  private recorded: RunState | undefined;

  constructor(private readonly folder: string) {}

  /** As {@link readRun}. */
  now(): RunState | undefined {
    const added = this.added();
    const end = added.lastIndexOf(0x0a) + 1;
    this.torn = added.subarray(end);
    this.recorded = foldAll(this.recorded, eventsIn(added.toString('utf8', 0, end)));
    return this.recorded && currentState(this.recorded);
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
      const more = Buffer.alloc(Math.max(0, size - this.readBytes));
      this.readBytes += fs.readSync(file, more, 0, more.length, this.readBytes);
      return Buffer.concat([this.torn, more]);
    } finally {
      fs.closeSync(file);
    }
  }
}

function currentState(recorded: RunState): RunState {
  if (isFinished(recorded.outcome) || isAlive(recorded.runner)) return recorded;
  return recorded.engine ? unfollowed(recorded) : interrupted(recorded);
}

/** Returns the run that the journal records, whether or not its runner is alive. */
export function readRecorded(folder: string): RunState | undefined {
  return foldAll(undefined, readEvents(path.join(folder, journalName)));
}

/** Returns runs, newest first. */
export function listRuns(home: RepositoryHome, options: { readonly service?: string; readonly limit?: number } = {}): RunState[] {
  const runs: RunState[] = [];
  for (const id of runIds(home)) {
    if (runs.length === options.limit) break;
    const run = readRun(home.run(id));
    if (run && (options.service === undefined || run.service === options.service)) runs.push(run);
  }
  return runs;
}

/** Returns the ids of all runs that have a folder, newest first. */
export function runIds(home: RepositoryHome): string[] {
  return fileNames(home.runs).reverse();
}

/** The run whose files a slot contains. */
export interface SlotUse {
  readonly service: string;
  readonly run: string;
  /** ISO 8601. */
  readonly at: string;
}

/** The name of the file beside a slot's checkout that contains its {@link SlotUse}. */
export const slotUseName = 'use.json';

/** Returns the run whose files the checkout at `root` contains, or undefined while they are being replaced. */
export function runInSlot(root: string): string | undefined {
  return readSlotUse(path.join(path.dirname(root), slotUseName))?.run;
}

export function readSlotUse(file: string): SlotUse | undefined {
  return readCached<SlotUse>(file, shape({ service: optional(isText), run: isText, at: optional(isTime) }));
}
