import * as fs from 'node:fs';
import * as path from 'node:path';
import { fail, messageOf, ok, type Result } from '../../model/result';
import { endProcesses } from '../../process/descendants';
import { portsFor } from '../../process/free-port';
import { lockHolder, tryLock } from '../../process/lock';
import { OutputPipes } from '../../process/output-pipe';
import { isAlive, currentIdentity } from '../../process/process-identity';
import { writeAtomically } from '../../support/files';
import { pause } from '../../support/pause';
import type { DeployedRelease, DeployRequest } from '../environment';
import { isSameRepository } from '../owner';
import { type Commands, type Control, listenForCommands } from './control';
import { defaultShutdownMs } from './descriptor';
import { ServiceProxy } from './proxy';
import { ReleaseStarter } from './release-starter';
import { Service } from './service';
import { EnvironmentFiles, type EnvironmentState, readState, type SupervisedService } from './state-file';

const homePollIntervalMs = 2_000;
const portPollIntervalMs = 1_000;

/**
 * Runs the supervisor of an environment: restores the live releases, serves commands, and resolves when the environment is stopped.
 * Returns at once if another supervisor runs.
 */
export async function supervise(name: string, home: string): Promise<void> {
  const files = new EnvironmentFiles(home, name);
  if (!fs.existsSync(files.folder)) return;
  const identity = currentIdentity();
  const lock = tryLock(files.lock, identity);
  if (!lock.ok) return;
  const savedState = readState(files) ?? moveAside(files);
  await stopLeftovers(files, savedState);
  const supervisor = new Supervisor(files);
  const stopped = new Promise<void>((resolve) => {
    supervisor.onStopped = resolve;
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => void supervisor.stop());
  });
  const control = await listenForCommands({
    deploy: (params, line, signal) => supervisor.deploy(params, line, signal),
    settle: ({ service, release }) => supervisor.withService(service, (managed) => managed.settle(release)),
    rollback: ({ service, ...options }) => supervisor.withService(service, (managed) => managed.rollBack(options)),
    start: ({ services }) => supervisor.start(services),
    stop: ({ services }) => supervisor.stop(services ?? 'all'),
    remove: ({ services }) => supervisor.remove(services),
  });
  supervisor.restore(savedState);
  writeAtomically(files.control, { port: control.port, token: control.token, supervisor: identity } satisfies Control, 0o600);
  // The folder may be deleted by hand. Releases that can no longer be found must stop.
  const isLost = (): boolean => lockHolder(files.lock)?.pid !== identity.pid || supervisor.hasLostItsCheckouts();
  const watch = setInterval(() => {
    if (isLost()) void supervisor.stop();
    else supervisor.write(); // only if the last write failed
  }, homePollIntervalMs);
  await stopped;
  clearInterval(watch);
  fs.rmSync(files.control, { force: true });
  control.close();
  lock.release();
}

/** Renames a state file that cannot be read. The environment starts empty, at the same addresses. */
function moveAside(files: EnvironmentFiles): undefined {
  if (!fs.existsSync(files.state)) return;
  console.error(`${files.state} is damaged; it was renamed to ${files.state}.damaged`);
  fs.renameSync(files.state, `${files.state}.damaged`);
}

/** Ends the processes that a killed supervisor left. */
async function stopLeftovers(files: EnvironmentFiles, state: EnvironmentState | undefined): Promise<void> {
  const limit = shutdownOf(state);
  await endProcesses({ run: files.lineage }, limit);
  for (const { current } of state?.services ?? [])
    if (current?.process && isAlive(current.process)) await endProcesses({ run: files.lineage, group: current.process.pid }, limit);
}

/** Returns the longest time that a release has to end. */
function shutdownOf(state: EnvironmentState | undefined): number {
  const releases = (state?.services ?? []).flatMap(({ current, ending = [] }) => [...(current ? [current] : []), ...ending]);
  return Math.max(0, ...releases.map(({ definition }) => definition.shutdownMs ?? defaultShutdownMs));
}

class Supervisor {
  onStopped: () => void = () => {};
  private readonly services = new Map<string, Service>();
  private readonly reserving = new Map<string, Promise<Service>>();
  private readonly pipes: OutputPipes;
  private readonly starter: ReleaseStarter;
  private readonly stopping = new AbortController();
  private restoring: Promise<unknown> = Promise.resolve();
  private written = '';

  constructor(private readonly files: EnvironmentFiles) {
    this.pipes = new OutputPipes(files.folder, 1);
    this.starter = new ReleaseStarter(files, this.pipes, () => new Map([...this.services].map(([name, { url }]) => [name, url])));
  }

  /** Opens every proxy before the first release starts: it may need any of the addresses. */
  restore(state: EnvironmentState | undefined): void {
    const records = state?.services ?? [];
    this.restoring = (async () => {
      const services = await Promise.all(records.map((record) => this.reserve(record.service, record.port)));
      await Promise.all(services.map((service, index) => service.restore(records[index]!, this.stopping.signal)));
    })();
    this.restoring.catch((error: unknown) => console.error(`some services could not be restored: ${messageOf(error)}`));
    this.write();
  }

  async deploy(
    { request, definition }: Commands['deploy']['params'],
    line: (text: string) => void,
    signal: AbortSignal,
  ): Promise<Result<DeployedRelease>> {
    await this.restoring;
    const service = await this.reserve(request.service);
    await Promise.all(request.siblings.map((sibling) => this.reserve(sibling)));
    for (const other of this.services.values()) if (other !== service && isOf(other, request)) void other.start(this.stopping.signal);
    return service.deploy(request, definition, line, AbortSignal.any([signal, this.stopping.signal]));
  }

  async withService<T>(name: string, act: (service: Service) => Promise<T>): Promise<T> {
    await this.restoring;
    return act(await this.reserve(name));
  }

  /** Returns true if every live release runs from a checkout that was deleted. */
  hasLostItsCheckouts(): boolean {
    const slots = [...this.services.values()].flatMap(({ slot }) => slot ?? []);
    return slots.length > 0 && !slots.some((slot) => fs.existsSync(slot));
  }

  async start(names: readonly string[]): Promise<Result<void>> {
    await this.restoring;
    await Promise.all(this.named(names).map((service) => service.start(this.stopping.signal)));
    return ok(undefined);
  }

  /**
   * Stops services on request, or all releases without one. The state is kept, and the next use restores it, except for services that
   * were stopped on request.
   */
  async stop(names?: readonly string[] | 'all'): Promise<Result<void>> {
    const isNamed = (service: { readonly service: string }): boolean => names === 'all' || (names?.includes(service.service) ?? false);
    if (names !== undefined && names !== 'all') {
      await this.restoring;
      const others = [...this.services.values()].filter((service) => service.isWanted && !names.includes(service.name));
      if (others.length > 0) {
        await Promise.all(this.named(names).map((service) => service.stop()));
        return ok(undefined);
      }
    }
    if (this.stopping.signal.aborted) return ok(undefined);
    this.stopping.abort();
    // The stored state is the one before the stop.
    const last = this.state();
    try {
      await this.restoring.catch(() => {});
      await Promise.allSettled([...this.services.values()].map((service) => service.end()));
      await endProcesses({ run: this.files.lineage }, shutdownOf(last));
      this.pipes.dispose();
      const services = last.services.map((record) => ({ ...withoutProcess(record), ...(isNamed(record) && { stopped: true as const }) }));
      if (fs.existsSync(this.files.lock)) writeAtomically(this.files.state, { ...last, services });
    } catch (error) {
      return fail('machinery', `the services of ${this.files.name} were stopped, but the record still names them: ${messageOf(error)}`);
    } finally {
      // Send the response to the caller first.
      setImmediate(() => this.onStopped());
    }
    return ok(undefined);
  }

  /** Stops services and forgets them. Their addresses become free. */
  async remove(names: readonly string[]): Promise<Result<void>> {
    await this.restoring;
    for (const name of names) {
      const service = this.services.get(name);
      if (!service) continue;
      await service.stop();
      await service.end();
      this.services.delete(name);
      this.reserving.delete(name);
      fs.rmSync(path.join(this.files.folder, name), { recursive: true, force: true });
    }
    this.write();
    return ok(undefined);
  }

  private named(names: readonly string[]): Service[] {
    return [...this.services.values()].filter(({ name }) => names.includes(name));
  }

  private async reserve(name: string, preferredPort?: number): Promise<Service> {
    const reserved = this.reserving.get(name) ?? this.listenFor(name, preferredPort);
    this.reserving.set(name, reserved);
    return reserved;
  }

  private async listenFor(name: string, preferredPort: number | undefined): Promise<Service> {
    const ports = preferredPort === undefined ? portsFor(this.files.name, name) : [preferredPort, ...portsFor(this.files.name, name)];
    for (const port of ports) {
      const proxy = new ServiceProxy(port, () => this.services.get(name)?.unavailableReason() ?? `${name} is not up yet`);
      const isFree = await proxy.listen();
      if (!isFree && port !== preferredPort) continue;
      // The address of a service stays, even if another process has it at the moment.
      if (!isFree) void this.reclaim(proxy);
      const service = new Service(name, this.files.name, proxy, this.starter, () => this.write());
      this.services.set(name, service);
      this.write();
      return service;
    }
    throw new Error(`no free port for ${name}`);
  }

  /** Takes the address of a service as soon as the other process has left it. */
  private async reclaim(proxy: ServiceProxy): Promise<void> {
    while (!this.stopping.signal.aborted) {
      await pause(portPollIntervalMs, this.stopping.signal);
      if (this.stopping.signal.aborted || !(await proxy.listen())) continue;
      if (this.stopping.signal.aborted) await proxy.close();
      return this.write();
    }
  }

  private state(): EnvironmentState {
    const services = [...this.services.values()].map((service) => service.record());
    return { environment: this.files.name, kind: 'process', services: services.sort((a, b) => (a.service < b.service ? -1 : 1)) };
  }

  /** Writes the state if it is not on the disk yet. */
  write(): void {
    if (this.stopping.signal.aborted || !fs.existsSync(this.files.lock)) return;
    const state: EnvironmentState = { ...this.state(), supervisor: currentIdentity() };
    const text = JSON.stringify(state);
    if (text === this.written) return;
    try {
      writeAtomically(this.files.state, state);
      this.written = text;
    } catch (error) {
      // A full disk must not stop the live releases.
      console.error(`the state could not be written: ${messageOf(error)}`);
    }
  }
}

/** Returns true for another service of the repository that deploys. */
function isOf({ owner }: Service, { claim }: DeployRequest): boolean {
  return !claim || !owner || isSameRepository(owner, claim.owner);
}

function withoutProcess({ ending: _, ...record }: SupervisedService): SupervisedService {
  return record.current ? { ...record, current: { ...record.current, process: undefined } } : record;
}
