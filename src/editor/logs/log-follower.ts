import * as fs from 'node:fs/promises';
import { StringDecoder } from 'node:string_decoder';
import { PlainLines } from '../../core/support/terminal-text';

/** Further behind than this, the middle is left out: who watches wants to see now. */
const farBehind = 512 * 1024;
const readAtOnce = 64 * 1024;
const longestShown = 4000;

export interface Piece {
  readonly lines: readonly string[];
  /** Bytes before these lines that are not shown. */
  readonly leftOut: number;
  /** Nothing more was there when this was read. */
  readonly caughtUp: boolean;
}

/** Follows a log while it is written: a bounded piece at a time, as plain lines. */
export class LogFollower {
  private position = 0;
  private decoder = new StringDecoder('utf8');
  private readonly plain = new PlainLines();

  constructor(readonly file: string) {}

  /** What came since the last time; nothing where there is no file yet. */
  async next(): Promise<Piece> {
    let handle: fs.FileHandle;
    try {
      handle = await fs.open(this.file, 'r');
    } catch {
      return { lines: [], leftOut: 0, caughtUp: true };
    }
    try {
      const { size } = await handle.stat();
      const leftOut = this.skipTo(size);
      const buffer = Buffer.allocUnsafe(Math.min(readAtOnce, Math.max(0, size - this.position)));
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, this.position);
      this.position += bytesRead;
      const lines = this.plain.take(this.decoder.write(buffer.subarray(0, bytesRead)));
      // After a leap the first line lacks its beginning.
      if (leftOut > 0) lines.shift();
      return { lines: lines.map(shortened), leftOut, caughtUp: this.position >= size };
    } finally {
      await handle.close();
    }
  }

  /** The last line, where the log ended without ending it. */
  rest(): string[] {
    return this.plain.end().map(shortened);
  }

  private skipTo(size: number): number {
    const behind = size - this.position;
    if (behind <= farBehind) return 0;
    const from = size - readAtOnce;
    const leftOut = from - this.position;
    this.position = from;
    this.decoder = new StringDecoder('utf8');
    this.plain.end();
    return leftOut;
  }
}

function shortened(line: string): string {
  return line.length > longestShown ? `${line.slice(0, longestShown)} …` : line;
}
