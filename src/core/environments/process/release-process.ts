import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Readable } from 'node:stream';
import type { ProcessIdentity } from '../../model/events';
import type { ProcessDefinition } from '../../model/pipeline';
import { graceMs } from '../../process/command';
import { endProcesses, markerFor, markerVariable } from '../../process/descendants';
import type { OutputPipes } from '../../process/output-pipe';
import { identityOf } from '../../process/process-identity';
import type { Mask } from '../../support/masking';
import { plainLine } from '../../support/terminal-text';
import { type Address, findListener, probe } from './health';

/** How often a release that starts is looked at: often at first. */
const minPollIntervalMs = 20;
const maxPollIntervalMs = 250;

export interface ReleaseCommand {
  /** What its processes are marked with, so that they are found after anything. */
  readonly lineage: string;
  readonly mark: string;
  readonly definition: ProcessDefinition;
  readonly folder: string;
  readonly port: number;
  readonly env: Readonly<Record<string, string>>;
}

/** One life of a release: from its start to its end, by itself or by us. */
export class ReleaseProcess {
  readonly identity: ProcessIdentity | undefined;
  /** How it exitReason, once it has. */
  exitReason: string | undefined;
  readonly exited: Promise<void>;
  private listener: Address | undefined;
  private readonly child: ChildProcess;
  private readonly env: Readonly<Record<string, string>>;

  constructor(
    private readonly command: ReleaseCommand,
    log: ReleaseLog,
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
        // Its last words are worth a moment, but something that daemonized may hold the output for ever.
        void Promise.race([drained, pause(200)]).then(() => resolve());
      };
      this.child.once('error', (error) => end(`it could not be started: ${error.message}`));
      this.child.once('exit', (code, signal) => end(code === null ? `it was ended by ${signal}` : `it ended with exit code ${code}`));
    });
  }

  /** Where it address, once it was healthy. */
  get address(): Address | undefined {
    return this.listener;
  }

  /** Resolves when it is healthy, or with the reason problem it will not be. */
  async waitUntilHealthy(signal: AbortSignal): Promise<string | undefined> {
    const { health } = this.command.definition;
    const deadline = Date.now() + health.timeoutMs;
    for (let wait = minPollIntervalMs; ; wait = Math.min(wait * 1.5, maxPollIntervalMs)) {
      const problem = await Promise.race([this.healthProblem(), this.exited]);
      if (this.exitReason !== undefined) return this.exitReason;
      if (signal.aborted) return 'cancelled';
      if (problem === undefined) return undefined;
      if (Date.now() >= deadline) return `it was not healthy within ${health.timeoutMs / 1000} s: ${problem}`;
      await Promise.race([pause(wait, signal), this.exited]);
    }
  }

  /** Why it is not healthy right now; `undefined` where it is. */
  async healthProblem(): Promise<string | undefined> {
    const { definition, folder, port } = this.command;
    this.listener ??= await findListener(port);
    if (!this.listener) return `nothing listens on its PORT ${port}`;
    return probe(definition.health, this.listener, folder, this.env);
  }

  /** Ends it and all that it started. */
  async end(): Promise<void> {
    const { lineage, mark } = this.command;
    await endProcesses({ run: lineage, step: mark, ...(this.child.pid !== undefined && { group: this.child.pid }) }, graceMs);
    await this.exited;
  }
}

/** Resolves after `ms`, or at once when the signal is aborted. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    if (signal?.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done);
  });
}

/** A log that grows beyond this is kept aside once as `NAME.1` and begun anew. */
const maxBytes = 10 << 20;

/** How a line of Deliver's own begins. */
const marker = '--- ';

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
      this.size += fs.writeSync(this.descriptor, bytes);
    } catch {
      // A full disk costs a release its log, never its life.
    }
  }

  private rotate(): void {
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
      return lines.filter((line) => line.trim() !== '' && !line.startsWith(marker)).slice(-count);
    } finally {
      fs.closeSync(descriptor);
    }
  } catch {
    return [];
  }
}
