import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import type { Readable } from 'node:stream';
import type { ProcessDefinition } from './descriptor';
import { endProcesses, markerFor, markerVariable } from '../../process/descendants';
import type { ProcessIdentity } from '../../model/events';
import type { OutputPipes } from '../../process/output-pipe';
import { graceMs } from '../../process/command';
import { identityOf } from '../../process/process-identity';
import { findListener, probe, type Address } from './health';
import type { ReleaseLog } from './release-log';

/** How often a release that starts is looked at: often at first. */
const shortestPauseMs = 20;
const longestPauseMs = 250;

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
  /** How it ended, once it has. */
  ended: string | undefined;
  readonly gone: Promise<void>;
  private address: Address | undefined;
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
    this.gone = new Promise((resolve) => {
      const end = (how: string): void => {
        this.ended ??= how;
        // Its last words are worth a moment, but something that daemonized may hold the output for ever.
        void Promise.race([drained, pause(200)]).then(() => resolve());
      };
      this.child.once('error', (error) => end(`it could not be started: ${error.message}`));
      this.child.once('exit', (code, signal) => end(code === null ? `it was ended by ${signal}` : `it ended with exit code ${code}`));
    });
  }

  /** Where it listens, once it was healthy. */
  get listens(): Address | undefined {
    return this.address;
  }

  /** Resolves when it is healthy, or with the reason why it will not be. */
  async becomeHealthy(signal: AbortSignal): Promise<string | undefined> {
    const { health } = this.command.definition;
    const deadline = Date.now() + health.timeoutMs;
    for (let wait = shortestPauseMs; ; wait = Math.min(wait * 1.5, longestPauseMs)) {
      const why = await Promise.race([this.isUnhealthy(), this.gone]);
      if (this.ended !== undefined) return this.ended;
      if (signal.aborted) return 'cancelled';
      if (why === undefined) return undefined;
      if (Date.now() >= deadline) return `it was not healthy within ${health.timeoutMs / 1000} s: ${why}`;
      await Promise.race([pause(wait, signal), this.gone]);
    }
  }

  /** Why it is not healthy right now; `undefined` where it is. */
  async isUnhealthy(): Promise<string | undefined> {
    const { definition, folder, port } = this.command;
    this.address ??= await findListener(port);
    if (!this.address) return `nothing listens on its PORT ${port}`;
    return probe(definition.health, this.address, folder, this.env);
  }

  /** Ends it and all that it started. */
  async end(): Promise<void> {
    const { lineage, mark } = this.command;
    await endProcesses({ run: lineage, step: mark, ...(this.child.pid !== undefined && { group: this.child.pid }) }, graceMs);
    await this.gone;
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
