import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

/** A record in the file: the node as a number (8 bytes), the length of its text (4 bytes), the text. */
const header = 12;
const largestText = 64 << 10;

/** The text of a build's log by node, in a temporary file: memory stays small however long the log is. */
export class LogSpool {
  /** Where the kept text ends in the file. */
  size = 0;
  private file = -1;
  private written = 0;
  private node: string | undefined;
  private text = '';
  private error: Error | undefined;

  /** `node`: undefined for the build itself. */
  add(node: string | undefined, text: string): void {
    if (node !== this.node || this.text.length > largestText) this.flush();
    this.node = node;
    this.text += text;
  }

  /** Keeps the text that was added; returns why the file cannot hold it, if so. */
  keep(): Error | undefined {
    this.flush();
    if (!this.error) this.size = this.written;
    return this.error;
  }

  /** Drops all text after the first `size` bytes of the file. */
  rewind(size: number): void {
    this.size = this.written = size;
    this.text = '';
    this.error = undefined;
  }

  /** Returns the kept text from a former `size` on, in the order of its printing. */
  *parts(from: number): Generator<{ readonly node: string | undefined; readonly bytes: Buffer }> {
    for (let at = from; at < this.size;) {
      // Not reused: readers hold on to parts of it.
      const chunk = Buffer.allocUnsafe(Math.min(4 * largestText, this.size - at));
      fs.readSync(this.file, chunk, 0, chunk.length, at);
      let begin = 0;
      while (begin + header <= chunk.length) {
        const end = begin + header + chunk.readUInt32LE(begin + 8);
        if (end > chunk.length) break;
        const node = chunk.readDoubleLE(begin);
        yield { node: node < 0 ? undefined : String(node), bytes: chunk.subarray(begin + header, end) };
        begin = end;
      }
      at += begin;
    }
  }

  close(): void {
    if (this.file >= 0) fs.closeSync(this.file);
    this.file = -1;
  }

  private flush(): void {
    const bytes = Buffer.from(this.text);
    this.text = '';
    try {
      for (let at = 0; at < bytes.length; at += largestText) this.write(bytes.subarray(at, at + largestText));
    } catch (error) {
      this.error ??= error as Error;
    }
  }

  private write(text: Buffer): void {
    const record = Buffer.concat([Buffer.alloc(header), text]);
    record.writeDoubleLE(Number(this.node ?? -1));
    record.writeUInt32LE(text.length, 8);
    // A file that was closed is not opened again: its text is gone.
    if (this.file < 0 && this.written === 0) this.file = unnamedFile();
    for (let at = 0; at < record.length;) at += fs.writeSync(this.file, record, at, record.length - at, this.written + at);
    this.written += record.length;
  }
}

/** Opens a file that disappears when it is closed or the process is killed. */
function unnamedFile(): number {
  const name = path.join(os.tmpdir(), `deliver-log-${randomBytes(8).toString('hex')}`);
  const file = fs.openSync(name, 'wx+', 0o600);
  fs.rmSync(name, { force: true, maxRetries: 3 });
  return file;
}
