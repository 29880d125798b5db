import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { fail, ok, type Result } from '../../model/result';
import type { ProcessDefinition } from '../../model/pipeline';
import { isAlive } from '../../process/process-identity';
import { followFile } from '../../support/file-tail';
import type { DeployedRelease, DeployRequest, Environment, LogOptions, RolledBackRelease, RollbackWish } from '../environment';
import type { ServiceStatus } from '../../model/environment-status';
import { ask, findControl, type Commands, type Control } from './control';
import { plainEnvironment } from './plain-environment';
import { processStatus } from './process-status';
import { readState, type EnvironmentFiles } from './state-file';

/** How long a supervisor may take to be up. */
const startMs = 15_000;

/** The embedded environment, seen from outside: it asks the supervisor, and starts it where there is none. */
export class ProcessEnvironment implements Environment {
  readonly kind = 'process';

  constructor(
    private readonly files: EnvironmentFiles,
    /** How the command line is called. */
    private readonly program: readonly string[],
    private readonly definition?: ProcessDefinition,
  ) {}

  get name(): string {
    return this.files.name;
  }

  /** It needs nothing that Deliver does not bring along. */
  async check(): Promise<Result<void>> {
    return ok(undefined);
  }

  async deploy(request: DeployRequest, log: (line: string) => void, signal: AbortSignal): Promise<Result<DeployedRelease>> {
    const { definition } = this;
    if (!definition) return fail('usage', `${this.name} has no definition to deploy by`);
    return this.tell('deploy', { request, definition }, log, signal);
  }

  async settle(service: string, release: string): Promise<Result<void>> {
    return this.tell('settle', { service, release });
  }

  async rollBack(service: string, wish: RollbackWish = {}): Promise<Result<RolledBackRelease>> {
    return this.tell('rollback', { service, ...wish });
  }

  status(): readonly ServiceStatus[] {
    const state = readState(this.files);
    return state ? processStatus(state, this.files).services : [];
  }

  /** Its supervisor writes down what happens as it happens. */
  async observe(): Promise<Result<void>> {
    return ok(undefined);
  }

  async logs(service: string, options: LogOptions, write: (bytes: Buffer) => void, signal: AbortSignal): Promise<Result<void>> {
    const log = this.status().find((one) => one.service === service)?.log;
    if (log === undefined) return fail('usage', `${service} is not live in ${this.name}`);
    await followFile(log, options, write, signal);
    return ok(undefined);
  }

  async start(): Promise<Result<void>> {
    const control = await this.connect();
    return control.ok ? ok(undefined) : control;
  }

  async stop(): Promise<Result<void>> {
    const control = findControl(this.files);
    if (!control) {
      // A killed supervisor may have left processes: only a supervisor ends them, so one is started for it.
      if (readState(this.files)?.supervisor === undefined) return ok(undefined);
      const started = await this.connect();
      if (!started.ok) return started;
      return this.stop();
    }
    const stopped = await ask(control, 'stop', {});
    if (!stopped.ok) return stopped;
    while (isAlive(control.supervisor)) await soon();
    return stopped;
  }

  private async tell<C extends keyof Commands>(
    command: C,
    question: Commands[C]['ask'],
    log?: (line: string) => void,
    signal?: AbortSignal,
  ): Promise<Result<Commands[C]['answer']>> {
    const control = await this.connect();
    if (!control.ok) return control;
    return ask(control.value, command, question, log, signal);
  }

  /** The supervisor that is up, or a new one. Of two that are started at once, one gives way. */
  private async connect(): Promise<Result<Control>> {
    const running = findControl(this.files);
    if (running) return ok(running);
    fs.mkdirSync(this.files.folder, { recursive: true });
    const log = fs.openSync(this.files.supervisorLog, 'w');
    const [program = '', ...args] = this.program;
    const child = spawn(program, [...args, 'supervise', this.name], {
      cwd: this.files.home,
      env: { ...plainEnvironment(process.env), DELIVER_HOME: this.files.home, ELECTRON_RUN_AS_NODE: '1' },
      stdio: ['ignore', log, log],
      detached: true,
      windowsHide: true,
    });
    fs.closeSync(log);
    let failed = false;
    child.once('error', () => (failed = true));
    child.unref();
    for (const deadline = Date.now() + startMs; Date.now() < deadline && !failed; await soon()) {
      const control = findControl(this.files);
      if (control) return ok(control);
      if (child.exitCode !== null && child.exitCode !== 0) break;
    }
    const said = fs.readFileSync(this.files.supervisorLog, 'utf8').trim().split('\n').at(-1);
    return fail('machinery', `the supervisor of ${this.name} did not start${said ? `: ${said}` : ''}`, {
      hint: `its log is ${this.files.supervisorLog}`,
    });
  }
}

async function soon(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 20));
}
