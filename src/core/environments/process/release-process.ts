import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Readable } from 'node:stream';
import type { ProcessIdentity } from '../../model/events';
import type { ProcessDefinition } from './descriptor';
import { startFailure } from '../../process/command';
import { endProcesses, findProcesses, markerFor, markerVariable } from '../../process/descendants';
import type { OutputPipes } from '../../process/output-pipe';
import { identityOf } from '../../process/process-identity';
import { writeFully } from '../../support/files';
import type { Mask } from '../../support/masking';
import { pause } from '../../support/pause';
import { plainLine } from '../../support/terminal-text';
import { type Address, findListener, probe } from './health';
import { portHint } from './listening-ports';

const minPollIntervalMs = 20;
const maxPollIntervalMs = 250;

export interface ReleaseCommand {
  /** The marker of its processes, by which they are found even if they detach. */
  readonly lineage: string;
  readonly mark: string;
  readonly definition: ProcessDefinition;
  readonly folder: string;
  readonly port: number;
  readonly env: Readonly<Record<string, string>>;
}

/** A process of a release, from its start to its exit. */
export class ReleaseProcess {
  readonly identity: ProcessIdentity | undefined;
  /** The reason of its exit; undefined while it runs. */
  exitReason: string | undefined;
  readonly exited: Promise<void>;
  private listener: Address | undefined;
  private readonly child: ChildProcess;
  private readonly env: Readonly<Record<string, string>>;

  constructor(
    private readonly command: ReleaseCommand,
    private readonly log: ReleaseLog,
    pipes: OutputPipes,
  ) {
    const { env, folder, lineage, mark, port, definition } = command;
    this.env = { ...env, PORT: String(port), [markerVariable]: markerFor(lineage, mark) };
    const pipe = pipes.open((bytes) => log.append(bytes));
    try {
      const output = pipe?.writeEnd ?? 'pipe';
      this.child = spawn(definition.command, {
        cwd: folder,
        env: this.env,
        shell: true,
        stdio: ['ignore', output, output],
        detached: process.platform !== 'win32',
        windowsHide: true,
      });
    } finally {
      if (pipe) fs.closeSync(pipe.writeEnd);
    }
    const streams: Readable[] = pipe ? [pipe.stream] : [this.child.stdout, this.child.stderr].filter((stream) => stream !== null);
    if (!pipe) for (const stream of streams) stream.on('data', (bytes: Buffer) => log.append(bytes));
    this.identity = this.child.pid === undefined ? undefined : identityOf(this.child.pid);
    const drained = Promise.all(streams.map((stream) => once(stream, 'close')));
    this.exited = new Promise((resolve) => {
      const end = (reason: string): void => {
        this.exitReason ??= reason;
        // Wait a moment for the rest of the output. A daemon may hold it open forever.
        void Promise.race([drained, pause(200)]).then(() => resolve());
      };
      this.child.once('error', (error) => end(`it could not be started: ${startFailure(error, folder)}`));
      this.child.once('exit', (code, signal) => end(code === null ? `it was ended by ${signal}` : `it ended with exit code ${code}`));
    });
  }

  /** The address that it listens on; undefined until it was healthy. */
  get address(): Address | undefined {
    return this.listener;
  }

  /** Resolves with undefined when it is healthy, or with the reason why it will not become healthy. */
  async waitUntilHealthy(signal: AbortSignal): Promise<string | undefined> {
    const { health } = this.command.definition;
    const deadline = Date.now() + health.timeoutMs;
    for (let wait = minPollIntervalMs; ; wait = Math.min(wait * 1.5, maxPollIntervalMs)) {
      const problem = await Promise.race([this.healthProblem(), this.exited]);
      if (this.exitReason !== undefined) return this.exitReason;
      if (signal.aborted) return 'cancelled';
      if (problem === undefined) return undefined;
      if (Date.now() >= deadline) return `it was not healthy within ${health.timeoutMs / 1000} s: ${problem}${await this.portHint()}`;
      await Promise.race([pause(wait, signal), this.exited]);
    }
  }

  private async portHint(): Promise<string> {
    const { lineage, mark } = this.command;
    return this.listener ? '' : portHint(findProcesses({ run: lineage, step: mark, group: this.child.pid }));
  }

  /** Returns the reason why it is not healthy, or undefined if it is. */
  async healthProblem(): Promise<string | undefined> {
    const { definition, folder, port } = this.command;
    this.listener ??= await findListener(port);
    if (!this.listener) return `nothing listens on its PORT ${port}`;
    return probe(definition.health, this.listener, folder, this.env);
  }

  /** Writes a line of Deliver itself to the log. */
  note(line: string): void {
    this.log.note(line);
  }

  /** Ends the process and everything that it started: with TERM, and with KILL after `shutdownMs`. */
  async end(shutdownMs: number): Promise<void> {
    const { lineage, mark } = this.command;
    const left = await endProcesses({ run: lineage, step: mark, group: this.child.pid }, shutdownMs);
    if (left !== undefined) console.error(left);
    else await this.exited;
  }
}

/** The size at which a log is renamed to `NAME.1` and a new one starts. */
const maxBytes = 10 << 20;

/** The start of a line that Deliver itself writes to the log. */
const marker = '--- ';

/** The output of a release: masked, written as it arrives, bounded in size. */
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

  /** Writes a line of Deliver itself. */
  note(line: string): void {
    this.write(Buffer.from(`${marker}${line} ---\n`));
  }

  close(): void {
    this.write(this.mask.flush());
    fs.closeSync(this.descriptor);
    this.descriptor = -1;
  }

  private write(bytes: Buffer): void {
    if (this.descriptor < 0 || bytes.length === 0) return;
    try {
      if (this.size + bytes.length > maxBytes) this.rotate();
      writeFully(this.descriptor, bytes, this.file);
      this.size += bytes.length;
    } catch {
      // A full disk must not stop the release.
    }
  }

  private rotate(): void {
    fs.closeSync(this.descriptor);
    fs.renameSync(this.file, `${this.file}.1`);
    this.descriptor = fs.openSync(this.file, 'a');
    this.size = 0;
  }
}

/** Returns the last lines that the release itself printed, without empty lines and terminal codes. */
export function lastLines(file: string, count: number): string[] {
  try {
    const descriptor = fs.openSync(file, 'r');
    try {
      const { size } = fs.fstatSync(descriptor);
      const bytes = Buffer.alloc(Math.min(size, count * 400));
      fs.readSync(descriptor, bytes, 0, bytes.length, size - bytes.length);
      const lines = bytes.toString('utf8').split('\n').map(plainLine);
      return lines.filter((line) => line.trim() !== '' && !line.startsWith(marker)).slice(-count);
    } finally {
      fs.closeSync(descriptor);
    }
  } catch {
    return [];
  }
}
