import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import type { ServiceStatus } from '../../model/environment-status';
import type { ProcessDefinition } from './descriptor';
import { fail, messageOf, ok, type Result } from '../../model/result';
import { isAlive } from '../../process/process-identity';
import { startFailure } from '../../process/command';
import { markerFor, markerVariable } from '../../process/descendants';
import { followFile, readTail } from '../../support/file-tail';
import { pause } from '../../support/pause';
import type { DeployedRelease, DeployRequest, Environment, LogOptions, RollbackOptions, RolledBackRelease } from '../environment';
import { plainEnvironment } from '../variables';
import { callSupervisor, type Commands, type Control, findControl } from './control';
import { type EnvironmentFiles, processStatus, readState } from './state-file';

const startTimeoutMs = 15_000;
/** The supervisor ends right after its answer. */
const stopTimeoutMs = 10_000;
const pollIntervalMs = 20;
const maxReasonBytes = 4_096;

/** The embedded environment as its callers use it: sends commands to the supervisor, which it starts on demand. */
export class ProcessEnvironment implements Environment {
  readonly kind = 'process';

  constructor(
    private readonly files: EnvironmentFiles,
    /** The command that starts Deliver's command line. */
    private readonly program: readonly string[],
    private readonly definition?: ProcessDefinition,
  ) {}

  get name(): string {
    return this.files.name;
  }

  async check(): Promise<Result<void>> {
    return ok(undefined);
  }

  async deploy(request: DeployRequest, log: (line: string) => void, signal: AbortSignal): Promise<Result<DeployedRelease>> {
    const { definition } = this;
    if (!definition) return fail('usage', `${this.name} has no definition: it cannot be deployed to`);
    return this.call('deploy', { request, definition }, log, signal);
  }

  async settle(service: string, release: string): Promise<Result<void>> {
    return this.call('settle', { service, release });
  }

  async rollBack(service: string, options: RollbackOptions = {}): Promise<Result<RolledBackRelease>> {
    return this.call('rollback', { service, ...options });
  }

  status(): readonly ServiceStatus[] {
    const state = readState(this.files);
    return state ? processStatus(state, this.files).services : [];
  }

  /** Does nothing: the supervisor records every change at once. */
  async observe(): Promise<Result<void>> {
    return ok(undefined);
  }

  async logs(service: string, options: LogOptions, write: (bytes: Buffer) => void, signal: AbortSignal): Promise<Result<void>> {
    const log = this.status().find((status) => status.service === service)?.log;
    if (log === undefined) return fail('usage', `${service} is not live in ${this.name}`);
    await followFile(log, options, write, signal);
    return ok(undefined);
  }

  async start(services = this.services()): Promise<Result<void>> {
    return this.call('start', { services });
  }

  async stop(services?: readonly string[]): Promise<Result<void>> {
    const control = findControl(this.files);
    if (!control) {
      // A killed supervisor may have left processes, which only a supervisor ends: start one.
      const state = readState(this.files);
      if (state ? state.supervisor === undefined : !fs.existsSync(this.files.state)) return ok(undefined);
      const started = await this.connect();
      if (!started.ok) return started;
      return this.stop(services);
    }
    const stopped = await callSupervisor(control, 'stop', { services });
    // The supervisor ends with its last service, also if it could not record that.
    const isEnding = (): boolean => !stopped.ok || !readState(this.files)?.supervisor;
    for (const deadline = Date.now() + stopTimeoutMs; isAlive(control.supervisor) && isEnding(); await pause(pollIntervalMs)) {
      if (Date.now() > deadline)
        return stopped.ok ? fail('machinery', `the supervisor of ${this.name} (process ${control.supervisor.pid}) does not end`) : stopped;
    }
    return stopped;
  }

  async remove(services: readonly string[]): Promise<Result<void>> {
    if (this.services().every((service) => services.includes(service))) return this.stop();
    return this.call('remove', { services });
  }

  private services(): string[] {
    return this.status().map(({ service }) => service);
  }

  private async call<C extends keyof Commands>(
    command: C,
    params: Commands[C]['params'],
    log?: (line: string) => void,
    signal?: AbortSignal,
  ): Promise<Result<Commands[C]['result']>> {
    const control = await this.connect();
    if (!control.ok) return control;
    return callSupervisor(control.value, command, params, log, signal);
  }

  /** Connects to the supervisor, which it starts on demand. If two are started at once, one of them exits. */
  private async connect(): Promise<Result<Control>> {
    const running = findControl(this.files);
    if (running) return ok(running);
    // A run whose home was deleted must not start anything in a new one.
    if (!fs.existsSync(this.files.home)) return fail('machinery', `the folder ${this.files.home} was deleted`);
    let log: number;
    try {
      log = this.openLog();
    } catch (error) {
      return fail('machinery', `the supervisor of ${this.name} could not be started: ${messageOf(error)}`);
    }
    const [program = '', ...args] = this.program;
    const child = spawn(program, [...args, 'supervise', this.name], {
      cwd: this.files.home,
      // The supervisor outlives a step that starts it.
      env: {
        ...plainEnvironment(process.env),
        DELIVER_HOME: this.files.home,
        ELECTRON_RUN_AS_NODE: '1',
        [markerVariable]: markerFor('supervisor', this.name),
      },
      stdio: ['ignore', log, log],
      detached: true,
      windowsHide: true,
    });
    fs.closeSync(log);
    let failure: string | undefined;
    child.once('error', (error) => (failure = startFailure(error, this.files.home)));
    child.unref();
    for (const deadline = Date.now() + startTimeoutMs; Date.now() < deadline && failure === undefined; await pause(pollIntervalMs)) {
      const control = findControl(this.files);
      if (control) return ok(control);
      if (child.exitCode !== null && child.exitCode !== 0) break;
    }
    const reason = failure ?? readTail(this.files.supervisorLog, maxReasonBytes).trim().split('\n').at(-1);
    return fail('machinery', `the supervisor of ${this.name} did not start${reason ? `: ${reason}` : ''}`, {
      hint: `see its log: ${this.files.supervisorLog}`,
    });
  }

  /** Creates an empty log. Throws if the disk has no space, because the supervisor could then not report anything. */
  private openLog(): number {
    fs.mkdirSync(this.files.folder, { recursive: true });
    const log = fs.openSync(this.files.supervisorLog, 'w');
    try {
      fs.writeSync(log, '\n', 0); // at an offset, so that the log begins at its start
      fs.ftruncateSync(log);
      return log;
    } catch (error) {
      fs.closeSync(log);
      throw error;
    }
  }
}
