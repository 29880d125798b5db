import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { messageOf } from '../../core/model/result';

export interface CliExit {
  /** Undefined if the command line was killed or could not be started. */
  readonly code: number | undefined;
  readonly stderr: string;
}

export interface DetachedCli {
  readonly pid: number | undefined;
  readonly exit: Promise<CliExit>;
}

/** A command line that ends with the window, because its input does. */
export interface AttachedCli {
  readonly exited: Promise<number | undefined>;
  /** Writes a line to its input. */
  send(line: string): void;
  end(): void;
}

export interface AttachOptions {
  /** Receives standard output and standard error. */
  readonly output?: (bytes: Buffer) => void;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Starts the command line. */
export class Cli {
  private count = 0;

  constructor(
    /** The path of the bundled `cli.js`. */
    private readonly program: string,
    /** The folder for standard error of detached processes: a pipe would break when the window closes. */
    private readonly logs: string,
    /** Returns whether programs may run: not in Restricted Mode. */
    private readonly mayRun: () => boolean,
  ) {}

  /** Starts a process that outlives the window. */
  start(args: readonly string[], folder: string, environment: Readonly<Record<string, string>> = {}): DetachedCli {
    if (!this.mayRun()) return { pid: undefined, exit: Promise.resolve({ code: undefined, stderr: 'This folder is in Restricted Mode.' }) };
    const file = path.join(this.logs, `cli-${process.pid}-${this.count++}.log`);
    let stderr: number;
    try {
      fs.mkdirSync(this.logs, { recursive: true });
      stderr = fs.openSync(file, 'w', 0o600);
    } catch (error) {
      return { pid: undefined, exit: Promise.resolve({ code: undefined, stderr: messageOf(error) }) };
    }
    const child = spawn(process.execPath, [this.program, ...args], {
      cwd: folder,
      env: environmentOf(environment),
      detached: true,
      windowsHide: true,
      stdio: ['ignore', 'ignore', stderr],
    });
    child.unref();
    fs.closeSync(stderr);
    const exit = new Promise<CliExit>((resolve) => {
      child.once('error', (error) => resolve({ code: undefined, stderr: messageOf(error) }));
      child.once('exit', (code) => resolve({ code: code ?? undefined, stderr: readAndRemove(file) }));
    });
    return { pid: child.pid, exit };
  }

  /** Runs a command to its end and returns its standard output and standard error. */
  async output(
    args: readonly string[],
    folder: string,
    environment: Readonly<Record<string, string>> = {},
  ): Promise<{ readonly code: number | undefined; readonly output: string }> {
    const pieces: Buffer[] = [];
    const { exited } = this.attach(args, folder, { output: (bytes) => void pieces.push(bytes), environment });
    return { code: await exited, output: Buffer.concat(pieces).toString() };
  }

  attach(args: readonly string[], folder: string, { output, environment = {} }: AttachOptions = {}): AttachedCli {
    if (!this.mayRun()) return { exited: Promise.resolve(undefined), send: () => {}, end: () => {} };
    const child = spawn(process.execPath, [this.program, ...args], {
      cwd: folder,
      env: environmentOf(environment),
      windowsHide: true,
      stdio: output ? 'pipe' : ['pipe', 'ignore', 'ignore'],
    });
    child.stdin?.on('error', () => {});
    if (output) for (const stream of [child.stdout, child.stderr]) stream?.on('data', output);
    const exited = new Promise<number | undefined>((resolve) => {
      child.once('error', () => resolve(undefined));
      child.once('close', (exit) => resolve(exit ?? undefined));
    });
    return { exited, send: (line) => child.stdin?.write(`${line}\n`), end: () => child.stdin?.end() };
  }
}

/** Returns the environment of a command line. The editor's own variables would change the behaviour of a step's programs. */
function environmentOf(more: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(VSCODE_|ELECTRON_|CHROME_)/.test(name));
  return { ...Object.fromEntries(inherited), ...more, ELECTRON_RUN_AS_NODE: '1' };
}

function readAndRemove(file: string): string {
  try {
    const text = fs.readFileSync(file, 'utf8').trim();
    fs.rmSync(file, { force: true });
    return text;
  } catch {
    return '';
  }
}
