import * as fs from 'node:fs';
import { messageOf, ok, type Result } from '../../model/result';
import { endProcesses } from '../../process/descendants';
import { lockHolder, tryLock } from '../../process/lock';
import { OutputPipes } from '../../process/output-pipe';
import { graceMs } from '../../process/command';
import { isAlive, ownIdentity } from '../../process/process-identity';
import { writeAtomically } from '../../support/files';
import type { Commands, Control } from './control';
import { listenForCommands } from './control-server';
import type { DeployedRelease } from '../environment';
import { Front } from './front';
import { portsFor } from '../../process/free-port';
import { ReleaseStarter } from './release-starter';
import { Service } from './service';
import { EnvironmentFiles, readState, type EnvironmentState, type ServiceRecord } from './state-file';

/** How often a supervisor looks whether it still holds its environment. */
const lockEveryMs = 2_000;

/**
 * The process that an environment lives in: brings back what was live, answers commands, and resolves
 * when it was stopped and nothing of it runs any more. Gives way at once to one that is already there.
 */
export async function supervise(name: string, home: string): Promise<void> {
  const files = new EnvironmentFiles(home, name);
  const own = ownIdentity();
  const lock = tryLock(files.lock, own);
  if (!lock.ok) return;
  const before = readState(files) ?? setAside(files);
  await endLeftovers(files, before);
  const supervisor = new Supervisor(files);
  const stopped = new Promise<void>((resolve) => {
    supervisor.whenStopped = resolve;
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => void supervisor.stop());
  });
  const control = await listenForCommands({
    deploy: (question, line, signal) => supervisor.deploy(question, line, signal),
    settle: ({ service, release }) => supervisor.of(service, (one) => one.settle(release)),
    rollback: ({ service, ...wish }) => supervisor.of(service, (one) => one.rollBack(wish)),
    stop: () => supervisor.stop(),
  });
  supervisor.restore(before);
  writeAtomically(files.control, { port: control.port, token: control.token, supervisor: own } satisfies Control, 0o600);
  // Deliver's folder may be removed by hand: what can no longer be found must not go on.
  const watch = setInterval(() => lockHolder(files.lock)?.pid !== own.pid && void supervisor.stop(), lockEveryMs);
  await stopped;
  clearInterval(watch);
  fs.rmSync(files.control, { force: true });
  control.close();
  lock.release();
}

/** A state that cannot be read is kept under another name; the environment begins anew, at the same addresses. */
function setAside(files: EnvironmentFiles): undefined {
  if (!fs.existsSync(files.state)) return;
  console.error(`${files.state} is damaged; it is kept as ${files.state}.damaged`);
  fs.renameSync(files.state, `${files.state}.damaged`);
}

/** What a killed predecessor left running. */
async function endLeftovers(files: EnvironmentFiles, state: EnvironmentState | undefined): Promise<void> {
  await endProcesses({ run: files.lineage }, graceMs);
  for (const { current } of state?.services ?? [])
    if (current?.process && isAlive(current.process)) await endProcesses({ run: files.lineage, group: current.process.pid }, graceMs);
}

class Supervisor {
  whenStopped: () => void = () => {};
  private readonly services = new Map<string, Service>();
  private readonly reserving = new Map<string, Promise<Service>>();
  private readonly pipes: OutputPipes;
  private readonly starter: ReleaseStarter;
  private readonly stopping = new AbortController();
  private restored: Promise<unknown> = Promise.resolve();
  private written = '';

  constructor(private readonly files: EnvironmentFiles) {
    this.pipes = new OutputPipes(files.folder, 1);
    this.starter = new ReleaseStarter(files, this.pipes, () => new Map([...this.services].map(([name, { url }]) => [name, url])));
  }

  /** Every address is there before the first release starts: it may need any of them. */
  restore(state: EnvironmentState | undefined): void {
    const records = state?.services ?? [];
    this.restored = (async () => {
      const services = await Promise.all(records.map((record) => this.reserve(record.service, record.port)));
      await Promise.all(services.map((service, index) => service.restore(records[index]!, this.stopping.signal)));
    })();
    this.restored.catch((error: unknown) => console.error(`not all could be brought back: ${messageOf(error)}`));
    this.write();
  }

  async deploy(
    { request, definition }: Commands['deploy']['ask'],
    line: (text: string) => void,
    signal: AbortSignal,
  ): Promise<Result<DeployedRelease>> {
    await this.restored;
    const service = await this.reserve(request.service);
    await Promise.all(request.siblings.map((sibling) => this.reserve(sibling)));
    return service.deploy(request, definition, line, AbortSignal.any([signal, this.stopping.signal]));
  }

  async of<T>(name: string, act: (service: Service) => Promise<T>): Promise<T> {
    await this.restored;
    return act(await this.reserve(name));
  }

  /** The state is kept: the next use brings it all back. */
  async stop(): Promise<Result<void>> {
    if (!this.stopping.signal.aborted) {
      this.stopping.abort();
      // What is live stays on record as it was, though it ends now.
      const last = this.state();
      await this.restored;
      await Promise.all([...this.services.values()].map((service) => service.end()));
      await endProcesses({ run: this.files.lineage }, graceMs);
      this.pipes.dispose();
      if (fs.existsSync(this.files.lock)) writeAtomically(this.files.state, { ...last, services: last.services.map(withoutProcess) });
      // The answer to whoever asked goes out first.
      setImmediate(() => this.whenStopped());
    }
    return ok(undefined);
  }

  private async reserve(name: string, usual?: number): Promise<Service> {
    const known = this.reserving.get(name) ?? this.listenFor(name, usual);
    this.reserving.set(name, known);
    return known;
  }

  private async listenFor(name: string, usual: number | undefined): Promise<Service> {
    const ports = usual === undefined ? portsFor(this.files.name, name) : [usual, ...portsFor(this.files.name, name)];
    for (const port of ports) {
      const front = new Front(port, () => this.services.get(name)?.whyDown() ?? `${name} is not up yet`);
      try {
        await front.listen();
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') continue;
        throw error;
      }
      const service = new Service(name, this.files.name, front, this.starter, () => this.write());
      this.services.set(name, service);
      this.write();
      return service;
    }
    throw new Error(`there is no free port for ${name}`);
  }

  private state(): EnvironmentState {
    const services = [...this.services.values()].map((service) => service.record());
    return { environment: this.files.name, kind: 'process', services: services.sort((a, b) => (a.service < b.service ? -1 : 1)) };
  }

  private write(): void {
    if (this.stopping.signal.aborted || !fs.existsSync(this.files.lock)) return;
    const state: EnvironmentState = { ...this.state(), supervisor: ownIdentity() };
    const text = JSON.stringify(state);
    if (text === this.written) return;
    try {
      writeAtomically(this.files.state, state);
      this.written = text;
    } catch (error) {
      // A full disk must not end what is live.
      console.error(`the state could not be written: ${messageOf(error)}`);
    }
  }
}

/** A release that has ended, as it is kept. */
function withoutProcess(record: ServiceRecord): ServiceRecord {
  if (!record.current) return record;
  const { release, folder, slot, definition, secrets } = record.current;
  return { ...record, current: { release, folder, slot, definition, secrets } };
}
