import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { PlainLines } from '../support/terminal-text';
import { endProcesses, markerFor, markerVariable } from './descendants';
import { graceMs } from './command';

/** A program that a platform calls: with arguments, or as a line for the shell that the user wrote. */
export type ProgramCall = ({ readonly program: string; readonly args: readonly string[] } | { readonly line: string }) & {
  /** What its processes are marked with, so that all of them are found and ended after a timeout or an abort. */
  readonly mark: { readonly run: string; readonly step: string };
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  /** What it reads; else it gets no input, and no terminal. */
  readonly input?: string;
  readonly timeoutMs?: number;
  readonly signal: AbortSignal;
  /** Lines as they come, without terminal codes. */
  readonly stdout?: (line: string) => void;
  readonly stderr?: (line: string) => void;
};

export interface ProgramEnd {
  /** Absent: it was ended by a signal, or could not be started. */
  readonly exitCode?: number;
  /** All that it printed, up to a bound. */
  readonly stdout: string;
  readonly stderr: string;
  /** Why it did not end by itself, or that there is no such program. */
  readonly ended?: 'timeout' | 'cancelled' | 'missing';
}

/** More than any answer that is read as a whole; of what is longer the beginning is kept. */
const mostBytes = 32 << 20;
/** How long the output may stay open after the program has ended: what it left running may hold it for ever. */
const lingerMs = 500;

/** Runs a program in a process group of its own. What it left running on purpose, having ended well, goes on. */
export async function runProgram(call: ProgramCall): Promise<ProgramEnd> {
  const [file, args, shell] = 'line' in call ? [call.line, [], true] : [call.program, [...call.args], false];
  const child = spawn(file, args, {
    cwd: call.folder,
    env: { ...call.env, [markerVariable]: markerFor(call.mark.run, call.mark.step) },
    shell,
    stdio: [call.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    detached: process.platform !== 'win32',
    windowsHide: true,
  });
  // A program that does not read its input says why in other ways.
  child.stdin?.on('error', () => {});
  child.stdin?.end(call.input);
  const stdout = collect(child.stdout, call.stdout);
  const stderr = collect(child.stderr, call.stderr);
  const exited = new Promise<{ exitCode?: number; missing?: true }>((resolve) => {
    child.once('error', () => resolve({ missing: true }));
    child.once('exit', (code) => resolve(code === null ? {} : { exitCode: code }));
  });
  let ended: ProgramEnd['ended'];
  let ending: Promise<void> | undefined;
  const end = (why: 'timeout' | 'cancelled'): void => {
    ended ??= why;
    ending ??= endProcesses({ ...call.mark, ...(child.pid !== undefined && { group: child.pid }) }, graceMs);
  };
  const cancel = (): void => end('cancelled');
  const timer = call.timeoutMs === undefined ? undefined : setTimeout(() => end('timeout'), call.timeoutMs);
  call.signal.addEventListener('abort', cancel);
  if (call.signal.aborted) cancel();
  const { exitCode, missing } = await exited;
  await ending;
  clearTimeout(timer);
  call.signal.removeEventListener('abort', cancel);
  const late = new Promise((resolve) => setTimeout(resolve, lingerMs).unref());
  await Promise.race([Promise.all([stdout.closed, stderr.closed]), late]);
  for (const stream of [child.stdout, child.stderr]) stream?.destroy();
  return {
    ...(exitCode !== undefined && { exitCode }),
    stdout: stdout.end(),
    stderr: stderr.end(),
    ...(missing ? { ended: 'missing' as const } : ended && { ended }),
  };
}

function collect(stream: Readable | null, line: (line: string) => void = () => {}): { closed: Promise<void>; end(): string } {
  const decoder = new StringDecoder('utf8');
  const lines = new PlainLines();
  let text = '';
  const take = (chunk: string): void => {
    if (text.length < mostBytes) text += chunk;
    for (const one of lines.take(chunk)) line(one);
  };
  stream?.on('data', (bytes: Buffer) => take(decoder.write(bytes)));
  const closed = new Promise<void>((resolve) => (stream ? stream.once('close', () => resolve()) : resolve()));
  return {
    closed,
    end: () => {
      take(decoder.end());
      for (const one of lines.end()) line(one);
      return text;
    },
  };
}

/** The last line that says something. */
export function lastLine(text: string): string | undefined {
  const lines = new PlainLines();
  return [...lines.take(text), ...lines.end()].findLast((line) => line.trim() !== '')?.trim();
}
