import * as fs from 'node:fs';
import type { Mask } from '../../support/masking';
import { readTail } from '../../support/file-tail';
import type { PlainLog } from '../ci-client';

/** The log of one job as it is kept here: what the engine hands over, made plain, appended to a file. */
export class JobLog {
  /** How many bytes the engine has handed over, as it counts them. */
  received = 0;
  private readonly descriptor: number;
  /** What is in the file already, of a time when another process followed the run. */
  private known: number;

  /** `from`: where in the file the log of this job begins. */
  constructor(
    readonly file: string,
    private readonly from: number,
    private readonly plain: PlainLog,
    private readonly mask: Mask,
  ) {
    this.descriptor = fs.openSync(file, 'a');
    this.known = Math.max(0, fs.fstatSync(this.descriptor).size - from);
  }

  /** Where in the file it begins, in bytes. */
  get start(): number {
    return this.from;
  }

  take(bytes: Buffer): void {
    this.received += bytes.length;
    this.append(this.mask.push(this.plain.push(bytes)));
  }

  /** Nothing more will come. */
  close(): void {
    this.append(Buffer.concat([this.mask.push(this.plain.flush()), this.mask.flush()]));
    fs.closeSync(this.descriptor);
  }

  /** More will come, to somebody else: what is held back until it is known what it is, is read again by him. */
  leave(): void {
    fs.closeSync(this.descriptor);
  }

  private append(bytes: Buffer): void {
    const added = bytes.subarray(Math.min(this.known, bytes.length));
    this.known -= bytes.length - added.length;
    for (let at = 0; at < added.length;) at += fs.writeSync(this.descriptor, added, at);
  }
}

/** Where in the file the log of a further attempt begins: after that of the one before and a line between them. */
export function afterAttempt(file: string, attempt: number): number {
  const between = `\n--- attempt ${attempt} failed ---\n`;
  const { size = 0 } = fs.statSync(file, { throwIfNoEntry: false }) ?? {};
  // A process that ended before the journal told of the attempt may have written it.
  if (size === 0 || readTail(file, between.length) === between) return size;
  fs.appendFileSync(file, between);
  return size + between.length;
}
