import { createInterface } from 'node:readline/promises';
import type { Failure } from '../core/model/result';
import { ColouredText, colouredText, plainJson } from '../core/support/terminal-text';

/** The output of a command: results go to stdout, everything else to stderr. */
export class Terminal {
  /** True if output may be coloured and redrawn. */
  readonly live = process.stdout.isTTY && process.env['TERM'] !== 'dumb';
  private readonly coloured = this.live && !process.env['NO_COLOR'];

  constructor() {
    // The reader may be gone (a closed window, `| head`). The delivery continues.
    for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  }

  get columns(): number {
    return process.stdout.columns || 80;
  }

  print(text: string): void {
    process.stdout.write(`${colouredText(text)}\n`);
  }

  json(value: unknown): void {
    process.stdout.write(`${plainJson(value)}\n`);
  }

  warn(text: string): void {
    process.stderr.write(`${colouredText(text)}\n`);
  }

  /** Returns a function that prints the output of a program: every byte of it, unless a terminal shows it. */
  output(): (bytes: Buffer) => void {
    const text = process.stdout.isTTY ? new ColouredText() : undefined;
    return (bytes) => process.stdout.write(text ? text.take(bytes) : bytes);
  }

  /** Prints a failure with its place and hint. Returns the exit code. */
  fail(failure: Failure): number {
    for (const one of (failure as { errors?: readonly Failure[] }).errors ?? [failure]) {
      const place = [one.path, one.line, one.column].filter((part) => part !== undefined).join(':');
      this.warn(`${this.paint('red', 'error')}: ${place ? `${place}: ` : ''}${one.message}`);
      if (one.hint) this.warn(`  ${one.hint}`);
    }
    return exitCodes[failure.kind];
  }

  paint(colour: keyof typeof colours, text: string): string {
    return this.coloured ? `\x1b[${colours[colour]}m${text}\x1b[0m` : text;
  }
}

/** The contract of the command line. */
export const exitCodes = { delivery: 1, usage: 2, machinery: 3, cancelled: 130 } as const satisfies Record<Failure['kind'], number>;

const colours = { red: 31, green: 32, yellow: 33, blue: 34, dim: 2, bold: 1 } as const;

/** Asks for a confirmation. Returns false without a terminal. */
export async function agreed(question: string, terminal: Terminal): Promise<boolean> {
  if (!terminal.live || !process.stdin.isTTY) return false;
  const prompt = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test((await prompt.question(`${question} [y/N] `)).trim());
  } finally {
    prompt.close();
  }
}

/** Returns the command that starts this program again. The caller appends the arguments. */
export function ownProgram(): string[] {
  return [process.execPath, ...process.execArgv, process.argv[1] ?? ''];
}
