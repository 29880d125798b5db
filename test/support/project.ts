import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { stringify } from 'yaml';
import type { RunEvent } from '../../src/core/model/events';
import { findProcesses } from '../../src/core/process/descendants';
import { parseEvent } from '../../src/core/history/journal';
import { eventually } from './temporary';

const program = path.resolve(__dirname, '..', '..', 'dist', 'cli.js');

export interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A git repository in a temporary folder, with a home of its own, driven by the built command line. */
export class Project {
  readonly root: string;
  readonly home: string;

  constructor(
    readonly folder: string,
    name = 'shop',
  ) {
    this.root = path.join(folder, name);
    this.home = path.join(folder, 'home');
    fs.mkdirSync(this.root, { recursive: true });
    this.git('init', '-q', '-b', 'main');
    this.git('config', 'user.name', 'Test');
    this.git('config', 'user.email', 'test@example.com');
    // git would go on cleaning up in the background while the folder is removed.
    this.git('config', 'gc.auto', '0');
    this.git('config', 'maintenance.auto', 'false');
  }

  git(...args: string[]): string {
    return execFileSync('git', args, { cwd: this.root, encoding: 'utf8' });
  }

  write(name: string, text: string): this {
    const file = path.join(this.root, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, text);
    return this;
  }

  commit(message = 'Change'): this {
    this.git('add', '-A');
    this.git('commit', '-q', '--allow-empty', '-m', message);
    return this;
  }

  /** A delivery.yaml of commands, each needing those before it unless it says otherwise. */
  steps(steps: Record<string, string | Record<string, unknown>>, more: Record<string, unknown> = {}): this {
    const all = Object.fromEntries(Object.entries(steps).map(([name, step]) => [name, typeof step === 'string' ? { run: step } : step]));
    return this.write('delivery.yaml', stringify({ service: 'shop', steps: all, ...more }));
  }

  start(args: readonly string[], env: Record<string, string> = {}, input: 'ignore' | 'pipe' = 'ignore'): Running {
    return new Running(
      spawn(process.execPath, [program, ...args], { cwd: this.root, env: this.environment(env), stdio: [input, 'pipe', 'pipe'] }),
      this,
    );
  }

  async deliver(...args: string[]): Promise<Ended> {
    return this.start(args).ended;
  }

  async json<T>(...args: string[]): Promise<T> {
    const { stdout, stderr } = await this.deliver(...args, '--json');
    try {
      return JSON.parse(stdout) as T;
    } catch {
      throw new Error(`no JSON from deliver ${args.join(' ')}: ${stdout}${stderr}`);
    }
  }

  /** Ends all started processes and fails for those that a test left running. */
  async close(): Promise<void> {
    for (const name of this.environments()) await this.deliver('environment', 'stop', name, '--all', '--yes');
  }

  environment(env: Record<string, string> = {}): Record<string, string> {
    const inherited = Object.fromEntries(
      Object.entries(process.env).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
    );
    return { ...inherited, DELIVER_HOME: this.home, ...env };
  }

  private environments(): string[] {
    const folder = path.join(this.home, 'environments');
    return fs.existsSync(folder) ? fs.readdirSync(folder) : [];
  }
}

/** The command line at work. */
export class Running {
  readonly ended: Promise<Ended>;
  private stdout = '';
  private stderr = '';

  constructor(
    readonly process: ChildProcess,
    readonly project: Project,
  ) {
    process.stdout?.on('data', (chunk: Buffer) => (this.stdout += chunk.toString()));
    process.stderr?.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    this.ended = new Promise((resolve) => {
      process.once('close', (code, signal) => resolve({ code, signal, stdout: this.stdout, stderr: this.stderr }));
    });
  }

  get printed(): string {
    return this.stdout;
  }

  /** The events so far; for `run --json`. */
  get events(): RunEvent[] {
    return this.stdout.split('\n').flatMap((line) => parseEvent(line) ?? []);
  }

  /** Waits for an event, and fails with the output if it does not come. */
  async event<T extends RunEvent['type']>(type: T, step?: string): Promise<Extract<RunEvent, { type: T }>> {
    const find = (): RunEvent | undefined =>
      this.events.find((event) => event.type === type && (step === undefined || ('step' in event && event.step === step)));
    try {
      return (await eventually(`${type} ${step ?? ''}`, find)) as Extract<RunEvent, { type: T }>;
    } catch (error) {
      throw new Error(`${String(error)}\n${this.stdout}${this.stderr}`);
    }
  }

  async runId(): Promise<string> {
    return eventually('the run has begun', () => this.events[0]?.run);
  }
}

/** Nothing of a run is running any more. */
export async function nothingLeftOf(run: string): Promise<void> {
  await eventually(`nothing of run ${run} runs`, () => findProcesses({ run }).length === 0);
}
