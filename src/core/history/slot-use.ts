import * as fs from 'node:fs';
import * as path from 'node:path';

/** Which run a slot holds the files of. */
export interface SlotUse {
  readonly service: string;
  readonly run: string;
  /** ISO 8601. */
  readonly at: string;
}

/** The name of the file beside a slot's checkout that holds its {@link SlotUse}. */
export const slotUseName = 'use.json';

/** Returns the run whose files the checkout at `root` holds, or undefined while they are being replaced. */
export function runInSlot(root: string): string | undefined {
  return readSlotUse(path.join(path.dirname(root), slotUseName))?.run;
}

export function readSlotUse(file: string): SlotUse | undefined {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8')) as SlotUse;
  } catch {
    return undefined;
  }
}
