import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as net from 'node:net';
import * as path from 'node:path';

/** What a pipe holds at most, by the system's default. */
const pipeBytes = 64 * 1024;

/**
 * Real pipes for the output of steps. Node would give a child sockets, one a stream: a script that
 * writes to `/dev/stderr` then fails, and the two streams lose their order. One named pipe for both
 * keeps the order in which the step wrote. A pipe is used again once every writer has let go of it.
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
   * `take` gets what comes; the bytes are its own until it returns. `undefined` where the system has no
   * named pipes: the caller falls back to Node's own.
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

  /** One buffer for all that comes through a pipe: a flood would else cost a new one for every read. */
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
  /** For the child's stdout and stderr; the caller closes its own copy after the start. */
  readonly writeEnd: number;
}
