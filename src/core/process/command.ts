import { spawn, type ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Readable } from 'node:stream';
import { messageOf } from '../model/result';
import { writeFully } from '../support/files';
import type { Mask } from '../support/masking';
import { Descendants, endProcesses, markerDescriptor, markerFor, markerVariable, openMarker, type Lineage } from './descendants';
import type { ProcessIdentity } from '../model/events';
import type { OutputPipes } from './output-pipe';
import { identityOf } from './process-identity';

/** The time that a process has to end after TERM before it is killed. */
export const graceMs = 5_000;

/** The time that the output may stay open after the command has ended. */
const outputGraceMs = 250;

export interface Command {
  readonly run: string;
  readonly step: string;
  /** A line for the shell. */
  readonly line: string;
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  /** The file to which output is appended. */
  readonly log: string;
  readonly mask: Mask;
  readonly timeoutMs?: number;
  readonly signal: AbortSignal;
  readonly pipes: OutputPipes;
  readonly started: (process: ProcessIdentity | undefined) => void;
}

export interface CommandEnd {
  readonly exitCode?: number | undefined;
  readonly signal?: string | undefined;
  /** The reason why Deliver ended it. */
  readonly ended?: 'timeout' | 'cancelled' | undefined;
  /** The reason why it could not be started. */
  readonly error?: string;
  /** A sentence that names its processes that could not be ended. */
  readonly left?: string | undefined;
}

/**
 * Runs a command in a new process group, without a terminal. Resolves when the whole group has ended and all output is
 * in the log. Throws if the log cannot be written.
 */
export async function runCommand(command: Command): Promise<CommandEnd> {
  const log = new LogFile(command.log, command.mask);
  try {
    return await superviseCommand(command, log);
  } finally {
    log.close();
  }
}

async function superviseCommand(command: Command, log: LogFile): Promise<CommandEnd> {
  const marker = openMarker(path.dirname(command.log), command.run, command.step);
  const pipe = command.pipes.open((bytes) => log.append(bytes));
  let child: ChildProcess;
  try {
    child = start(command, pipe?.writeEnd, marker);
  } finally {
    if (pipe) fs.closeSync(pipe.writeEnd);
    if (marker !== undefined) fs.closeSync(marker);
  }
  const streams: Readable[] = pipe ? [pipe.stream] : [child.stdout, child.stderr].filter((stream) => stream !== null);
  if (!pipe) for (const stream of streams) stream.on('data', (bytes: Buffer) => log.append(bytes));
  const drained = Promise.all(streams.map(finished));
  const exited = new Promise<CommandEnd>((resolve) => {
    child.once('error', (error) => resolve({ error: startFailure(error, command.folder) }));
    child.once('exit', (exitCode, signal) => resolve(exitCode === null ? { signal: String(signal) } : { exitCode }));
  });
  command.started(child.pid === undefined ? undefined : identityOf(child.pid));

  const descendants = child.pid === undefined ? undefined : new Descendants(child.pid);
  const lineage: Lineage = { run: command.run, step: command.step, group: child.pid, ...(descendants && { descendants }) };
  let ended: CommandEnd['ended'];
  let ending: Promise<string | undefined> | undefined;
  let isGivenUp: (end: CommandEnd) => void = () => {};
  const givenUp = new Promise<CommandEnd>((resolve) => (isGivenUp = resolve));
  const end = (why: NonNullable<CommandEnd['ended']>): void => {
    ended ??= why;
    ending ??= endProcesses(lineage, graceMs);
    void ending.then((left) => left !== undefined && isGivenUp({}));
  };
  const cancel = (): void => end('cancelled');
  const timer = command.timeoutMs === undefined ? undefined : setTimeout(() => end('timeout'), command.timeoutMs);
  command.signal.addEventListener('abort', cancel);
  if (command.signal.aborted) cancel();

  const failed = log.failed.then(() => end('cancelled'));
  const result = await Promise.race([exited, givenUp]);
  clearTimeout(timer);
  command.signal.removeEventListener('abort', cancel);
  let left: string | undefined;
  if (ending) left = await ending;
  else if (child.pid !== undefined && groupLives(child.pid)) left = await endProcesses(lineage, graceMs);
  if (!(await settlesWithin(drained, outputGraceMs))) {
    // A process that left the group still holds the output.
    left ??= await endProcesses(lineage, graceMs);
    await settlesWithin(drained, outputGraceMs);
    for (const stream of streams) stream.destroy();
  }
  left ??= await descendants?.endUnmarked(graceMs);
  if (left !== undefined) child.unref();
  void failed;
  log.finish();
  return { ...result, ...(ended && { ended }), ...(left !== undefined && { left }) };
}

function start(command: Command, output: number | undefined, marker: number | undefined): ChildProcess {
  const outer = process.env[markerVariable];
  const mark = markerFor(command.run, command.step);
  const target = output ?? 'pipe';
  return spawn(command.line, {
    cwd: command.folder,
    env: { ...command.env, [markerVariable]: outer ? `${outer} ${mark}` : mark },
    shell: true,
    stdio: ['ignore', target, target, ...(marker === undefined ? [] : [...Array<'ignore'>(markerDescriptor - 3).fill('ignore'), marker])],
    detached: process.platform !== 'win32',
    windowsHide: true,
  });
}

/** Returns the reason why a program did not start. Node blames the program for a missing folder. */
export function startFailure(error: Error, folder: string): string {
  if (!fs.existsSync(folder)) return `its folder ${folder} does not exist`;
  const { code, path: program = 'the shell' } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return `${program} is not installed, or not on the PATH`;
  if (code === 'EACCES') return `${program} is not executable, or ${folder} cannot be entered`;
  return messageOf(error);
}

function groupLives(group: number): boolean {
  if (process.platform === 'win32') return false;
  // The usual result is an exception, and the stack trace is most of its cost.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    process.kill(-group, 0);
    return true;
  } catch {
    return false;
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

async function finished(stream: Readable): Promise<void> {
  await new Promise<void>((resolve) => {
    for (const event of ['end', 'close', 'error']) stream.once(event, () => resolve());
  });
}

async function settlesWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => (timer = setTimeout(() => resolve(false), ms)));
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Writes without a buffer, so that readers see each line immediately and memory stays flat. */
class LogFile {
  private readonly descriptor: number;
  private error: unknown;
  private reportFailure: () => void = () => {};
  /** Resolves when a write fails. */
  readonly failed = new Promise<void>((resolve) => (this.reportFailure = resolve));

  constructor(
    private readonly file: string,
    private readonly mask: Mask,
  ) {
    this.descriptor = fs.openSync(file, 'a');
  }

  append(bytes: Buffer): void {
    this.write(this.mask.push(bytes));
  }

  /** Throws the error of the first write that failed. */
  finish(): void {
    this.write(this.mask.flush());
    if (this.error !== undefined) throw this.error as Error;
  }

  close(): void {
    fs.closeSync(this.descriptor);
  }

  private write(bytes: Buffer): void {
    if (this.error !== undefined) return;
    try {
      writeFully(this.descriptor, bytes, this.file);
    } catch (error) {
      this.error = error;
      this.reportFailure();
    }
  }
}
