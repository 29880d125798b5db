import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as net from 'node:net';
import * as path from 'node:path';

/** The default capacity of a pipe. */
const pipeBytes = 64 * 1024;

/**
 * Named pipes for the output of steps. Node would give a child two sockets: a script that writes to `/dev/stderr` then
 * fails, and the order between the two streams is lost. A pipe is reused once every writer has closed it.
 */
export class OutputPipes {
  private readonly free: string[] = [];
  private readonly buffers = new Map<string, Buffer>();
  private made = 0;

  constructor(
    private readonly folder: string,
    private readonly batch: number,
  ) {}

  /**
   * Opens a pipe whose output goes to `take`, which must copy the bytes that it keeps. Returns undefined if the
   * system has no named pipes.
   */
  open(take: (bytes: Buffer) => void): OutputPipe | undefined {
    const file = this.free.pop() ?? this.make();
    if (file === undefined) return undefined;
    const readEnd = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
    const writeEnd = fs.openSync(file, fs.constants.O_WRONLY);
    const buffer = this.bufferOf(file);
    const callback = (count: number): boolean => {
      take(buffer.subarray(0, count));
      return true;
    };
    const stream = new net.Socket({
      fd: readEnd,
      readable: true,
      writable: false,
      onread: { buffer, callback },
    } as net.SocketConstructorOpts);
    stream.once('end', () => this.free.push(file));
    stream.resume();
    return { stream, writeEnd };
  }

  /** Returns the buffer of a pipe. A new buffer for every read would be slow. */
  private bufferOf(file: string): Buffer {
    const buffer = this.buffers.get(file) ?? Buffer.allocUnsafeSlow(pipeBytes);
    this.buffers.set(file, buffer);
    return buffer;
  }

  /** Removes the pipes' names from the disk. */
  dispose(): void {
    for (let index = 0; index < this.made; index++) fs.rmSync(this.name(index), { force: true });
  }

  private make(): string | undefined {
    if (process.platform === 'win32') return undefined;
    const names = Array.from({ length: this.batch }, (_, index) => this.name(this.made + index));
    try {
      execFileSync('mkfifo', ['-m', '600', ...names], { stdio: 'ignore' });
    } catch {
      return undefined;
    }
    this.made += names.length;
    this.free.push(...names);
    return this.free.pop();
  }

  private name(index: number): string {
    return path.join(this.folder, `.output-${index}`);
  }
}

export interface OutputPipe {
  readonly stream: net.Socket;
  /** For the child's stdout and stderr. The caller closes it after the start. */
  readonly writeEnd: number;
}
