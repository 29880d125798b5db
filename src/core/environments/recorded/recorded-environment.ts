import { endProcesses } from '../../process/descendants';
import { graceMs } from '../../process/command';
import { isAlive, ownIdentity } from '../../process/process-identity';
import { tryLock } from '../../process/lock';
import { fail, messageOf, ok, type Result } from '../../model/result';
import type { Release } from '../../model/events';
import type { DeployedRelease, DeployRequest, Environment, LogOptions, RolledBackRelease, RollbackWish, Say } from '../environment';
import type { ServiceStatus } from '../../model/environment-status';
import type { EnvironmentDefinition } from '../../model/pipeline';
import { markOf, type KeptRelease, type Platform } from '../platform';
import { Platforms } from '../registry';
import { recordedStatus } from './recorded-status';
import type { ServiceRecord, ServiceRecords } from './service-record';

const silent: Say = () => {};
/** For what must come to its end once it has begun. */
const never = new AbortController().signal;
/** How many releases can be brought back. */
const history = 5;
/** How long the place may take to say what is live, before something is done there. */
const lookMs = 15_000;
/** How often to look whether another deployment of the service has ended. */
const turnEveryMs = 250;

/**
 * An environment that something else runs: an engine, a cluster, scripts. What was done with each service is in a
 * record of its own, under a lock of its own, so that services are delivered independently.
 */
export class RecordedEnvironment implements Environment {
  private readonly platforms = new Platforms();

  constructor(
    private readonly records: ServiceRecords,
    readonly kind: string,
    /** By what services are deployed, by name; others are known by what they were deployed by last. */
    private readonly definitions: ReadonlyMap<string, EnvironmentDefinition> = new Map(),
  ) {}

  get name(): string {
    return this.records.environment;
  }

  async check(service: string, folder: string, signal: AbortSignal): Promise<Result<void>> {
    const platform = await this.platformOf(service);
    return platform.ok ? platform.value.check(folder, signal) : platform;
  }

  async deploy(request: DeployRequest, log: Say, signal: AbortSignal): Promise<Result<DeployedRelease>> {
    const { service, release } = request;
    const definition = this.definitions.get(service);
    if (!definition) return fail('usage', `${this.name} has no definition to deploy ${service} by`);
    const platform = await this.platformOf(service);
    if (!platform.ok) return platform;
    return this.inTurn(service, log, signal, async () => {
      const before = this.readOrSetAside(service, log);
      const { current, earlier: known } = await this.liveNow(platform.value, service, before);
      const began: ServiceRecord = before ?? { service, definition, url: '', earlier: [] };
      this.records.write({ ...began, deploying: { release, by: request.owner ?? ownIdentity() } });
      const addresses = this.addresses();
      const deployed = await platform.value.deploy({ ...request, addresses, ...(current && { current }) }, log, signal);
      if (!deployed.ok) {
        if (before) this.records.write(before);
        else this.records.remove(service);
        return signal.aborted ? fail('cancelled', 'cancelled') : deployed;
      }
      const { url, image, details = {} } = deployed.value;
      const { slot, folder } = request;
      const secrets = Object.keys(request.secrets);
      const next: KeptRelease = { release, slot, folder, secrets, details, ...(image !== undefined && { image }) };
      // What nobody ever verified is nothing to go back to.
      const isVerified = current && !(before?.verifier && before.current?.release.id === current.release.id);
      const earlier = [...(isVerified ? [current] : []), ...known].filter((kept) => kept.release.id !== release.id);
      const verifier = request.owner ?? ownIdentity();
      this.records.write({ service, definition, url, current: next, verifier, earlier: earlier.slice(0, history) });
      await platform.value.forget(earlier.slice(history), [next, ...earlier.slice(0, history)]);
      const [last] = earlier;
      return ok({ url, release, ...(last && { previous: last.release }) });
    });
  }

  async settle(service: string, releaseId: string): Promise<Result<void>> {
    return this.inTurn(service, silent, never, async () => {
      const record = this.read(service);
      if (!record.ok) return record;
      if (record.value?.current?.release.id !== releaseId)
        return fail('delivery', `the release that was verified is no longer live in ${this.name}`);
      this.records.write(without(record.value, 'verifier'));
      return ok(undefined);
    });
  }

  async rollBack(service: string, wish: RollbackWish = {}, log: Say = silent): Promise<Result<RolledBackRelease>> {
    const platform = await this.platformOf(service);
    if (!platform.ok) return platform;
    return this.inTurn(service, log, never, async () => {
      const read = this.read(service);
      if (!read.ok) return read;
      const definition = this.definitions.get(service) ?? read.value?.definition;
      const { current: live, earlier: known } = await this.liveNow(platform.value, service, read.value);
      if (!live || !definition) return fail('usage', `${service} is not live in ${this.name}`);
      if (wish.only !== undefined && wish.only !== live.release.id)
        return fail('usage', `${this.name} has another release of ${service} by now: ${live.release.commit.slice(0, 8)}`);
      const target = chosen(known, wish.to, `${service} in ${this.name}`);
      if (!target.ok) return target;
      const to = target.value;
      const back = to ? await platform.value.restore(to, log, never) : await platform.value.takeDown(live, log, never);
      if (!back.ok) return back;
      const url = back.value?.url ?? '';
      const earlier = to ? known.slice(known.indexOf(to) + 1) : [];
      this.records.write({ service, definition, url, ...(to && { current: to }), earlier });
      this.records.forgetObserved(service);
      await platform.value.forget([live], [...(to ? [to] : []), ...earlier]);
      return ok({ from: live.release, ...(to && { to: to.release }) });
    });
  }

  /**
   * What was live before a deployment whose process died is made live again. Answers which release went and which came
   * back; `undefined` where there is nothing to recover.
   */
  async recover(service: string, releaseId: string, log: Say): Promise<Result<RolledBackRelease | undefined>> {
    const read = this.read(service);
    if (!read.ok) return ok(undefined); // it cannot be known: the next delivery begins it anew
    const { deploying, current, verifier } = read.value ?? {};
    if (current?.release.id === releaseId && verifier && !isAlive(verifier)) return this.rollBack(service, { only: releaseId }, log);
    if (deploying?.release.id !== releaseId || isAlive(deploying.by)) return ok(undefined);
    const platform = await this.platformOf(service);
    if (!platform.ok) return platform;
    return this.inTurn(service, log, never, async () => {
      await endProcesses({ run: markOf(releaseId) }, graceMs);
      const begun = foreign(deploying.release);
      const undone = current ? await platform.value.restore(current, log, never) : await platform.value.takeDown(begun, log, never);
      if (!undone.ok && current) return undone;
      if (!undone.ok) log(undone.failure.message);
      if (read.value && current) this.records.write(without(read.value, 'deploying'));
      else this.records.remove(service);
      return ok({ from: deploying.release, ...(current && { to: current.release }) });
    });
  }

  status(): readonly ServiceStatus[] {
    return recordedStatus(this.records);
  }

  async observe(signal: AbortSignal): Promise<Result<void>> {
    const observed = new Map<string, ServiceStatus>();
    const failures: string[] = [];
    for (const { service, platform, live } of await this.opened()) {
      const answer = platform.ok ? await platform.value.observe(live, signal) : platform;
      if (!answer.ok) failures.push(answer.failure.message);
      else
        for (const { url = '', earlier, ...status } of answer.value) {
          const [previous] = earlier ?? [];
          // What a service's own platform says of it counts more than what another one sees of it.
          if (observed.has(status.service) && status.service !== service) continue;
          observed.set(status.service, { ...status, url, ...(earlier && { earlier }), ...(previous && { previous }) });
        }
    }
    const before = this.records.observation();
    const [failure] = failures;
    const at = failure === undefined ? new Date().toISOString() : before?.at;
    const services = failure === undefined ? [...observed.values()] : (before?.services ?? []);
    this.records.observed({
      kind: this.kind,
      services,
      ...(at !== undefined && { at }),
      ...(failure !== undefined && { failure }),
    });
    return failure === undefined ? ok(undefined) : fail('machinery', failure);
  }

  /** Calls `changed` when one of the services may be different; resolves with the signal. */
  async watch(changed: () => void, signal: AbortSignal): Promise<void> {
    const platforms = await this.opened();
    await Promise.all([
      this.records.watch(changed, signal),
      ...platforms.map(async ({ platform }) => (platform.ok ? platform.value.watch?.(changed, signal) : undefined)),
    ]);
  }

  async logs(service: string, options: LogOptions, write: (bytes: Buffer) => void, signal: AbortSignal): Promise<Result<void>> {
    return this.withLive(service, (platform, live) => platform.logs(live, options, write, signal));
  }

  async start(): Promise<Result<void>> {
    return this.each((platform, live) => platform.start(live, never), false);
  }

  async stop(): Promise<Result<void>> {
    return this.each((platform, live) => platform.stop(live, never), true);
  }

  private async each(act: (platform: Platform, live: KeptRelease) => Promise<Result<void>>, stopped: boolean): Promise<Result<void>> {
    for (const service of this.records.services()) {
      const done = await this.inTurn(service, silent, never, async () => {
        const read = this.read(service);
        if (!read.ok) return read;
        if (!read.value?.current) return ok(undefined);
        const platform = await this.platformOf(service);
        const acted = platform.ok ? await act(platform.value, read.value.current) : platform;
        if (acted.ok) this.records.write({ ...without(read.value, 'stopped'), ...(stopped && { stopped: true as const }) });
        return acted;
      });
      if (!done.ok) return done;
    }
    return ok(undefined);
  }

  private async withLive<T>(service: string, act: (platform: Platform, live: KeptRelease) => Promise<Result<T>>): Promise<Result<T>> {
    const read = this.read(service);
    if (!read.ok) return read;
    const live = read.value?.current ?? this.observedLive(service);
    if (!live) return fail('usage', `${service} is not live in ${this.name}`);
    const platform = await this.platformOf(service);
    return platform.ok ? act(platform.value, live) : platform;
  }

  /** What is live as the place itself says it, else as the record has it: others may have deployed since. */
  private async liveNow(
    platform: Platform,
    service: string,
    record: ServiceRecord | undefined,
  ): Promise<{ readonly current?: KeptRelease; readonly earlier: readonly KeptRelease[] }> {
    const recorded = { ...(record?.current && { current: record.current }), earlier: record?.earlier ?? [] };
    const answer = await platform.observe(record?.current, AbortSignal.timeout(lookMs));
    const seen = answer.ok ? answer.value.find((one) => one.service === service) : undefined;
    if (!seen?.release || seen.release.id === record?.current?.release.id) return recorded;
    const kept = [...(record?.current ? [record.current] : []), ...recorded.earlier];
    const asKept = (release: Release): KeptRelease => kept.find((one) => one.release.id === release.id) ?? foreign(release);
    const earlier = seen.earlier?.map(asKept) ?? kept.filter((one) => one.release.id !== seen.release?.id);
    return { current: asKept(seen.release), earlier };
  }

  /** What others delivered, as far as a platform needs it to find the service's log. */
  private observedLive(service: string): KeptRelease | undefined {
    const release = this.records.observation()?.services.find((one) => one.service === service)?.release;
    return release && foreign(release);
  }

  /** Every service that is defined, or has a record. */
  private async opened(): Promise<{ service: string; platform: Result<Platform>; live: KeptRelease | undefined }[]> {
    return Promise.all(
      [...new Set([...this.definitions.keys(), ...this.records.services()])].map(async (service) => {
        const read = this.read(service);
        return { service, platform: await this.platformOf(service), live: read.ok ? read.value?.current : undefined };
      }),
    );
  }

  private async platformOf(service: string): Promise<Result<Platform>> {
    const defined = this.definitions.get(service);
    const read = defined ? undefined : this.read(service);
    if (read && !read.ok) return read;
    const definition = defined ?? read?.value?.definition;
    if (!definition) return fail('usage', `${service} is not live in ${this.name}`);
    return this.platforms.open(definition, { environment: this.name, service, folder: this.records.folderOf(service) });
  }

  private addresses(): Record<string, string> {
    return Object.fromEntries(this.status().flatMap(({ service, url }) => (url === '' ? [] : [[service, url]])));
  }

  private read(service: string): Result<ServiceRecord | undefined> {
    try {
      return ok(this.records.read(service));
    } catch (error) {
      return fail('machinery', `what was written down of ${service} in ${this.name} cannot be read: ${messageOf(error)}`, {
        path: this.records.file(service),
        hint: 'the next delivery begins it anew',
      });
    }
  }

  /** A record that cannot be read must not keep a delivery from being made; it is kept aside. */
  private readOrSetAside(service: string, log: Say): ServiceRecord | undefined {
    const read = this.read(service);
    if (read.ok) return read.value;
    log(`${read.failure.message}; it is kept as ${this.records.setAside(service)}`);
    return undefined;
  }

  /** One after the other for each service, whoever asks. A dead holder holds nothing. */
  private async inTurn<T>(service: string, log: Say, signal: AbortSignal, act: () => Promise<Result<T>>): Promise<Result<T>> {
    for (let told = false; ; told = true) {
      if (signal.aborted) return fail('cancelled', 'cancelled');
      const lock = tryLock(this.records.lock(service), ownIdentity());
      if (lock.ok) {
        try {
          return await act();
        } finally {
          lock.release();
        }
      }
      if (!told) log(`another process (${lock.holder.pid}) is changing ${service} in ${this.name}: waiting for it`);
      await new Promise((resolve) => setTimeout(resolve, turnEveryMs));
    }
  }
}

function chosen(earlier: readonly KeptRelease[], to: string | undefined, what: string): Result<KeptRelease | undefined> {
  if (to === undefined) return ok(earlier[0]);
  const found = earlier.find(({ release }) => release.id === to || release.commit.startsWith(to));
  if (found) return ok(found);
  const there = earlier.map(({ release }) => release.commit.slice(0, 8)).join(', ');
  return fail('usage', `there is no earlier release ${to} of ${what}`, there ? { hint: `there is ${there}` } : {});
}

/** A release that was delivered elsewhere: all that is known of it is in the place itself. */
function foreign(release: Release): KeptRelease {
  return { release, slot: '', folder: '', secrets: [], details: {} };
}

function without<K extends keyof ServiceRecord>(record: ServiceRecord, key: K): Omit<ServiceRecord, K> {
  const { [key]: left, ...rest } = record;
  void left;
  return rest;
}
