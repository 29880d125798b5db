import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { PlainLines } from '../support/terminal-text';
import { endProcesses, markerFor, markerVariable } from './descendants';
import { graceMs } from './command';

/** A program with arguments, or a line for the shell. */
export type ProgramCall = ({ readonly program: string; readonly args: readonly string[] } | { readonly line: string }) & {
  /** The mark of its processes, to find and end all of them after a timeout or an abort. */
  readonly mark: { readonly run: string; readonly step: string };
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  /** Its stdin. Without it, the program has no input and no terminal. */
  readonly input?: string;
  readonly timeoutMs?: number;
  readonly signal: AbortSignal;
  /** Called with each line, without terminal codes. */
  readonly stdout?: (line: string) => void;
  readonly stderr?: (line: string) => void;
};

export interface ProgramEnd {
  /** Absent if it was ended by a signal or could not be started. */
  readonly exitCode?: number | undefined;
  /** The output, up to a size limit. */
  readonly stdout: string;
  readonly stderr: string;
  /** The reason why Deliver ended it, or `missing` if the program does not exist. */
  readonly ended?: 'timeout' | 'cancelled' | 'missing' | undefined;
}

/** Longer output is truncated. */
const maxOutputLength = 32 << 20;
/** The time that the output may stay open after the program has ended: a child of it may keep it open forever. */
const outputGraceMs = 500;

/** Runs a program in a new process group. Processes that it left running after a normal end keep running. */
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
  // A program may end before it has read its input.
  child.stdin?.on('error', () => {});
  child.stdin?.end(call.input);
  const stdout = collect(child.stdout, call.stdout);
  const stderr = collect(child.stderr, call.stderr);
  const exited = new Promise<{ exitCode?: number; missing?: true }>((resolve) => {
    child.once('error', () => resolve({ missing: true }));
    child.once('exit', (code) => resolve(code === null ? {} : { exitCode: code }));
  });
  let ended: ProgramEnd['ended'];
  let ending: Promise<unknown> | undefined;
  let isGivenUp: (end: { exitCode?: number; missing?: true }) => void = () => {};
  const givenUp = new Promise<{ exitCode?: number; missing?: true }>((resolve) => (isGivenUp = resolve));
  const end = (why: 'timeout' | 'cancelled'): void => {
    ended ??= why;
    ending ??= endProcesses({ ...call.mark, group: child.pid }, graceMs).then((left) => left !== undefined && isGivenUp({}));
  };
  const cancel = (): void => end('cancelled');
  const timer = call.timeoutMs === undefined ? undefined : setTimeout(() => end('timeout'), call.timeoutMs);
  call.signal.addEventListener('abort', cancel);
  if (call.signal.aborted) cancel();
  const { exitCode, missing } = await Promise.race([exited, givenUp]);
  await ending;
  if (exitCode === undefined) child.unref();
  clearTimeout(timer);
  call.signal.removeEventListener('abort', cancel);
  const timeout = new Promise((resolve) => setTimeout(resolve, outputGraceMs).unref());
  await Promise.race([Promise.all([stdout.closed, stderr.closed]), timeout]);
  for (const stream of [child.stdout, child.stderr]) stream?.destroy();
  return { exitCode, stdout: stdout.end(), stderr: stderr.end(), ended: missing ? 'missing' : ended };
}

function collect(stream: Readable | null, line: (line: string) => void = () => {}): { closed: Promise<void>; end(): string } {
  const decoder = new StringDecoder('utf8');
  const lines = new PlainLines();
  let text = '';
  const take = (chunk: string): void => {
    if (text.length < maxOutputLength) text += chunk;
    for (const each of lines.take(chunk)) line(each);
  };
  stream?.on('data', (bytes: Buffer) => take(decoder.write(bytes)));
  const closed = new Promise<void>((resolve) => (stream ? stream.once('close', () => resolve()) : resolve()));
  return {
    closed,
    end: () => {
      take(decoder.end());
      for (const each of lines.end()) line(each);
      return text;
    },
  };
}

/** Returns the last line that is not blank. */
export function lastLine(text: string): string | undefined {
  const lines = new PlainLines();
  return [...lines.take(text), ...lines.end()].findLast((line) => line.trim() !== '')?.trim();
}
