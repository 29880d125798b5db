import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Mask } from '../../support/masking';
import { plainLine } from '../../support/terminal-text';

/** A log that grows beyond this is kept aside once as `NAME.1` and begun anew. */
const largest = 10 << 20;

/** How a line of Deliver's own begins. */
const ownMark = '--- ';

/** What a release prints, for as long as it lives: masked, written as it comes, bounded. */
export class ReleaseLog {
  private size: number;
  private descriptor: number;

  constructor(
    readonly file: string,
    private readonly mask: Mask,
  ) {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    this.descriptor = fs.openSync(file, 'a');
    this.size = fs.fstatSync(this.descriptor).size;
  }

  append(bytes: Buffer): void {
    this.write(this.mask.push(bytes));
  }

  /** A line of Deliver's own. */
  say(line: string): void {
    this.write(Buffer.from(`${ownMark}${line} ---\n`));
  }

  close(): void {
    this.write(this.mask.flush());
    fs.closeSync(this.descriptor);
    this.descriptor = -1;
  }

  private write(bytes: Buffer): void {
    if (this.descriptor < 0 || bytes.length === 0) return;
    try {
      if (this.size + bytes.length > largest) this.beginAnew();
      this.size += fs.writeSync(this.descriptor, bytes);
    } catch {
      // A full disk costs a release its log, never its life.
    }
  }

  private beginAnew(): void {
    fs.closeSync(this.descriptor);
    fs.renameSync(this.file, `${this.file}.1`);
    this.descriptor = fs.openSync(this.file, 'a');
    this.size = 0;
  }
}

/** The last lines that a release itself printed, none of them empty, without terminal codes. */
export function lastLines(file: string, count: number): string[] {
  try {
    const descriptor = fs.openSync(file, 'r');
    try {
      const { size } = fs.fstatSync(descriptor);
      const bytes = Buffer.alloc(Math.min(size, count * 400));
      fs.readSync(descriptor, bytes, 0, bytes.length, size - bytes.length);
      const lines = bytes.toString('utf8').split('\n').map(plainLine);
      return lines.filter((line) => line.trim() !== '' && !line.startsWith(ownMark)).slice(-count);
    } finally {
      fs.closeSync(descriptor);
    }
  } catch {
    return [];
  }
}
