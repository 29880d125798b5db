import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { messageOf } from '../../core/model/result';

export interface CliEnd {
  /** The exit codes of the command line; `undefined` where it could not be started or was killed. */
  readonly code: number | undefined;
  /** What it said about why, for people. */
  readonly complaint: string;
}

export interface StartedCli {
  readonly pid: number | undefined;
  readonly end: Promise<CliEnd>;
}

/** One that lives no longer than the window: it ends when its input does. */
export interface AttendedCli {
  readonly ended: Promise<void>;
  /** As of {@link CliEnd}, when it has ended. */
  readonly code: Promise<number | undefined>;
  /** Writes a line to its input. */
  tell(line: string): void;
  end(): void;
}

export interface Attending {
  /** Gets all that it prints, also its complaints. */
  readonly output?: (bytes: Buffer) => void;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Starts the command line as a process of its own: what it does goes on when the window closes. */
export class Cli {
  private count = 0;

  constructor(
    /** The path of the bundled `cli.js`. */
    private readonly program: string,
    /** Where its complaints are written while it runs: a pipe would break with the window. */
    private readonly logs: string,
  ) {}

  start(args: readonly string[], folder: string, more: Readonly<Record<string, string>> = {}): StartedCli {
    const file = path.join(this.logs, `cli-${process.pid}-${this.count++}.log`);
    let complaints: number;
    try {
      fs.mkdirSync(this.logs, { recursive: true });
      complaints = fs.openSync(file, 'w', 0o600);
    } catch (error) {
      return { pid: undefined, end: Promise.resolve({ code: undefined, complaint: messageOf(error) }) };
    }
    const child = spawn(process.execPath, [this.program, ...args], {
      cwd: folder,
      env: { ...withoutEditor(process.env), ...more, ELECTRON_RUN_AS_NODE: '1' },
      detached: true,
      windowsHide: true,
      stdio: ['ignore', 'ignore', complaints],
    });
    child.unref();
    fs.closeSync(complaints);
    const end = new Promise<CliEnd>((resolve) => {
      child.once('error', (error) => resolve({ code: undefined, complaint: messageOf(error) }));
      child.once('exit', (code) => resolve({ code: code ?? undefined, complaint: readAndRemove(file) }));
    });
    return { pid: child.pid, end };
  }

  /** What it prints, also its complaints, when it has ended. */
  async output(
    args: readonly string[],
    folder: string,
    environment: Readonly<Record<string, string>> = {},
  ): Promise<{ readonly code: number | undefined; readonly output: string }> {
    const pieces: Buffer[] = [];
    const { code } = this.attend(args, folder, { output: (bytes) => void pieces.push(bytes), environment });
    return { code: await code, output: Buffer.concat(pieces).toString() };
  }

  attend(args: readonly string[], folder: string, { output, environment = {} }: Attending = {}): AttendedCli {
    const child = spawn(process.execPath, [this.program, ...args], {
      cwd: folder,
      env: { ...withoutEditor(process.env), ...environment, ELECTRON_RUN_AS_NODE: '1' },
      windowsHide: true,
      stdio: output ? 'pipe' : ['pipe', 'ignore', 'ignore'],
    });
    child.stdin?.on('error', () => {});
    if (output) for (const stream of [child.stdout, child.stderr]) stream?.on('data', output);
    const code = new Promise<number | undefined>((resolve) => {
      child.once('error', () => resolve(undefined));
      child.once('close', (exit) => resolve(exit ?? undefined));
    });
    return { ended: code.then(() => undefined), code, tell: (line) => child.stdin?.write(`${line}\n`), end: () => child.stdin?.end() };
  }
}

/** The editor's own variables would change what a step's programs do. */
function withoutEditor(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^(VSCODE_|ELECTRON_|CHROME_)/.test(name)));
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
