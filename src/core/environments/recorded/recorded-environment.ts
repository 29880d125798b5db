import * as fs from 'node:fs';
import type { ServiceStatus } from '../../model/environment-status';
import type { Release } from '../../model/events';
import { fail, messageOf, ok, type Result } from '../../model/result';
import { deliverer } from '../../git/repository';
import { graceMs } from '../../process/command';
import { endProcesses } from '../../process/descendants';
import { tryLock } from '../../process/lock';
import { isAlive, currentIdentity } from '../../process/process-identity';
import { pause } from '../../support/pause';
import { shortCommit } from '../../support/format';
import type {
  DeployedRelease,
  DeployRequest,
  Environment,
  LogOptions,
  RollbackOptions,
  RolledBackRelease,
  WriteLine,
} from '../environment';
import type { EnvironmentDefinition } from '../../model/pipeline';
import { honour, ownReleases } from '../owner';
import { type KeptRelease, markOf, type Platform } from '../platform';
import { Platforms } from '../registry';
import { recordedStatus, type ServiceRecord, type ServiceRecords } from './service-record';

const silent: WriteLine = () => {};
/** For operations that must not be cancelled half-way. */
const neverAborted = new AbortController().signal;
const maxEarlierReleases = 5;
const observeTimeoutMs = 15_000;
const lockPollIntervalMs = 250;

/**
 * An environment that something else runs: a container engine, a cluster, scripts. Each service has its own record and its own lock,
 * so that services are deployed independently.
 */
export class RecordedEnvironment implements Environment {
  private readonly platforms = new Platforms();

  constructor(
    private readonly records: ServiceRecords,
    readonly kind: string,
    /** The definitions by service, for deployments and for services without a record. */
    private readonly definitions: ReadonlyMap<string, EnvironmentDefinition> = new Map(),
  ) {}

  get name(): string {
    return this.records.environment;
  }

  async check(service: string, folder: string, signal: AbortSignal): Promise<Result<void>> {
    const platform = await this.definedPlatform(service);
    return platform.ok ? platform.value.check(folder, signal) : platform;
  }

  async deploy(request: DeployRequest, log: WriteLine, signal: AbortSignal): Promise<Result<DeployedRelease>> {
    const { service, release } = request;
    const definition = this.definitions.get(service);
    if (!definition) return fail('usage', `${this.name} has no definition of ${service}: it cannot be deployed`);
    const platform = await this.definedPlatform(service);
    if (!platform.ok) return platform;
    return this.withLock(service, log, signal, async () => {
      const before = this.readOrMoveAside(service, log);
      const allowed = honour({ service, environment: this.name }, (before?.current ?? before?.earlier[0])?.owner, request.claim);
      if (!allowed.ok) return allowed;
      const { current, earlier: known } = await this.readLive(platform.value, service, before);
      const initial: ServiceRecord = before ?? { service, definition, url: '', earlier: [] };
      this.records.write({ ...initial, deploying: { release, by: request.owner ?? currentIdentity() } });
      const addresses = this.addresses();
      const deployed = await platform.value.deploy({ ...request, addresses, current }, log, signal);
      if (!deployed.ok) {
        if (before) this.records.write(before);
        else this.records.remove(service);
        return signal.aborted ? fail('cancelled', 'cancelled') : deployed;
      }
      const { url, image, details = {} } = deployed.value;
      const { slot, folder } = request;
      const secrets = Object.keys(request.secrets);
      const owner = request.claim?.owner ?? current?.owner;
      const next: KeptRelease = { release, slot, folder, secrets, details, image, owner, isProduction: request.isProduction };
      // A release that was never verified is no target for a rollback.
      const isVerified = current && !(before?.verifier && before.current?.release.id === current.release.id);
      const earlier = [...(isVerified ? [current] : []), ...known].filter((kept) => kept.release.id !== release.id);
      const verifier = request.owner ?? currentIdentity();
      const kept = earlier.slice(0, maxEarlierReleases);
      this.records.write({ service, definition, url, current: next, verifier, claim: request.claim, earlier: kept });
      this.records.removeObservation(service);
      await platform.value.forget(earlier.slice(maxEarlierReleases), [next, ...kept]);
      const [last] = ownReleases(kept, request.claim);
      return ok({ url, release, previous: last?.release });
    });
  }

  async settle(service: string, releaseId: string): Promise<Result<void>> {
    return this.withLock(service, silent, neverAborted, async () => {
      const record = this.read(service);
      if (!record.ok) return record;
      if (record.value?.current?.release.id !== releaseId)
        return fail('delivery', `the verified release is no longer live in ${this.name}`);
      const { claim, earlier } = record.value;
      const own = ownReleases(earlier, claim);
      this.records.write({ ...record.value, verifier: undefined, claim: undefined, earlier: own });
      const isKept = ({ release }: KeptRelease): boolean => own.some((one) => one.release.id === release.id);
      const platform = await this.platformOf(service);
      if (platform.ok)
        await platform.value.forget(
          earlier.filter((one) => !isKept(one)),
          [record.value.current, ...own],
        );
      return ok(undefined);
    });
  }

  async rollBack(service: string, options: RollbackOptions = {}, log: WriteLine = silent): Promise<Result<RolledBackRelease>> {
    const platform = await this.platformOf(service);
    if (!platform.ok) return platform;
    return this.withLock(service, log, neverAborted, async () => {
      const read = this.read(service);
      if (!read.ok) return read;
      const definition = read.value?.definition ?? this.definitions.get(service);
      const { current: live, earlier: known } = await this.readLive(platform.value, service, read.value);
      if (!live || !definition) return fail('usage', `${service} is not live in ${this.name}`);
      if (options.only !== undefined && options.only !== live.release.id)
        return fail('usage', `another release of ${service} is live in ${this.name} now: ${shortCommit(live.release.commit)}`);
      const target = selectEarlier(known, options.to, `${service} in ${this.name}`);
      if (!target.ok) return target;
      const restored = { at: new Date().toISOString(), by: await personHere() };
      const to = target.value && { ...target.value, release: { ...target.value.release, restored } };
      const back = to ? await platform.value.restore(to, log, neverAborted) : await platform.value.takeDown(live, log, neverAborted);
      if (!back.ok) return back;
      const url = back.value?.url ?? '';
      const earlier = target.value ? known.slice(known.indexOf(target.value) + 1) : [];
      this.records.write({ service, definition, url, current: to, earlier });
      this.records.removeObservation(service);
      await platform.value.forget([live], [...(to ? [to] : []), ...earlier]);
      return ok({ from: live.release, to: to?.release });
    });
  }

  /**
   * Restores the former release after a deployment whose process died, or settles the release if its journal says that it was verified.
   * Returns which release was replaced and which was restored, or undefined if nothing was rolled back.
   */
  async recover(service: string, releaseId: string, log: WriteLine, isVerified = false): Promise<Result<RolledBackRelease | undefined>> {
    const read = this.read(service);
    if (!read.ok) return ok(undefined); // unreadable: the next delivery creates a new record
    const { deploying, current, verifier } = read.value ?? {};
    if (current?.release.id === releaseId && verifier && !isAlive(verifier)) {
      if (!isVerified) return this.rollBack(service, { only: releaseId }, log);
      const settled = await this.settle(service, releaseId);
      return settled.ok ? ok(undefined) : settled;
    }
    if (deploying?.release.id !== releaseId || isAlive(deploying.by)) return ok(undefined);
    const platform = await this.platformOf(service);
    if (!platform.ok) return platform;
    return this.withLock(service, log, neverAborted, async () => {
      await endProcesses({ run: markOf(releaseId) }, graceMs);
      const begun = externalRelease(deploying.release);
      const restored = current
        ? await platform.value.restore(current, log, neverAborted)
        : await platform.value.takeDown(begun, log, neverAborted);
      if (!restored.ok && current) return restored;
      if (!restored.ok) log(restored.failure.message);
      if (read.value && current) this.records.write({ ...read.value, deploying: undefined });
      else this.records.remove(service);
      return ok({ from: deploying.release, to: current?.release });
    });
  }

  status(): readonly ServiceStatus[] {
    return recordedStatus(this.records);
  }

  async observe(signal: AbortSignal): Promise<Result<void>> {
    const observed = new Map<string, ServiceStatus>();
    const failures = new Map<string, string>();
    for (const { service, platform, live } of await this.openPlatforms()) {
      const answer = platform.ok ? await platform.value.observe(live, signal) : platform;
      if (!answer.ok) failures.set(service, answer.failure.message);
      else
        for (const { url = '', earlier, ...status } of answer.value) {
          const [previous] = earlier ?? [];
          // A platform knows its own service better than other platforms of the environment do.
          if (observed.has(status.service) && status.service !== service) continue;
          observed.set(status.service, { ...status, url, earlier, previous });
        }
    }
    const before = this.records.observation();
    const [failure] = failures.values();
    const now = new Date().toISOString();
    const unanswered = failure === undefined ? [] : (before?.services.filter(({ service }) => !observed.has(service)) ?? []);
    const services = [...observed.values(), ...unanswered];
    // A removed environment must not appear again because delivery.yaml still defines it.
    if (failure === undefined && services.length === 0 && this.records.services().length === 0) this.records.forgetObservation();
    else
      this.records.writeObservation({
        kind: this.kind,
        services,
        at: failure === undefined || observed.size > 0 ? now : before?.at,
        failure,
        unknown: failure === undefined ? undefined : { at: now, reasons: Object.fromEntries(failures) },
      });
    return failure === undefined ? ok(undefined) : fail('machinery', failure);
  }

  /** Calls `changed` when one of the services may have changed. Resolves when the signal aborts. */
  async watch(changed: () => void, signal: AbortSignal): Promise<void> {
    const platforms = await this.openPlatforms();
    await Promise.all([
      this.records.watch(changed, signal),
      ...platforms.map(async ({ platform }) => (platform.ok ? platform.value.watch?.(changed, signal) : undefined)),
    ]);
  }

  async logs(service: string, options: LogOptions, write: (bytes: Buffer) => void, signal: AbortSignal): Promise<Result<void>> {
    return this.withLive(service, (platform, live) => platform.logs(live, options, write, signal));
  }

  async start(services = this.records.services()): Promise<Result<void>> {
    return this.forEachLive(services, (platform, live) => platform.start(live, neverAborted), false);
  }

  async stop(services = this.records.services()): Promise<Result<void>> {
    return this.forEachLive(services, (platform, live) => platform.stop(live, neverAborted), true);
  }

  async remove(services: readonly string[]): Promise<Result<void>> {
    const remove = async (platform: Platform, live: KeptRelease): Promise<Result<void>> =>
      platform.remove ? platform.remove(live, neverAborted) : platform.stop(live, neverAborted);
    const removed = await this.forEachLive(services, remove, true);
    if (!removed.ok) return removed;
    for (const service of services) {
      const read = this.read(service);
      const releases = read.ok && read.value ? [...(read.value.current ? [read.value.current] : []), ...read.value.earlier] : [];
      const platform = await this.platformOf(service);
      if (platform.ok && platform.value.remove) await platform.value.forget(releases, []);
      this.records.remove(service);
      this.records.removeObservation(service);
      fs.rmSync(this.records.folderOf(service), { recursive: true, force: true });
    }
    return ok(undefined);
  }

  private async forEachLive(
    services: readonly string[],
    act: (platform: Platform, live: KeptRelease) => Promise<Result<void>>,
    stopped: boolean,
  ): Promise<Result<void>> {
    const failures: string[] = [];
    for (const service of services) {
      const done = await this.withLock(service, silent, neverAborted, async () => {
        const read = this.read(service);
        if (!read.ok) return read;
        if (!read.value?.current) return ok(undefined);
        const platform = await this.platformOf(service);
        const acted = platform.ok ? await act(platform.value, read.value.current) : platform;
        if (acted.ok) this.records.write({ ...read.value, stopped: stopped || undefined });
        return acted;
      });
      if (!done.ok) failures.push([done.failure.message, done.failure.hint].filter((text) => text !== undefined).join(': '));
    }
    return failures.length === 0 ? ok(undefined) : fail('delivery', failures.join('; '));
  }

  private async withLive<T>(service: string, act: (platform: Platform, live: KeptRelease) => Promise<Result<T>>): Promise<Result<T>> {
    const read = this.read(service);
    if (!read.ok) return read;
    const live = read.value?.current ?? this.observedLive(service);
    if (!live) return fail('usage', `${service} is not live in ${this.name}`);
    const platform = await this.platformOf(service);
    return platform.ok ? act(platform.value, live) : platform;
  }

  /** Returns the live release as the platform reports it, else as the record has it: others may have deployed since. */
  private async readLive(
    platform: Platform,
    service: string,
    record: ServiceRecord | undefined,
  ): Promise<{ readonly current?: KeptRelease; readonly earlier: readonly KeptRelease[] }> {
    const recorded = { current: record?.current, earlier: record?.earlier ?? [] };
    const answer = await platform.observe(record?.current, AbortSignal.timeout(observeTimeoutMs));
    const observed = answer.ok ? answer.value.find((candidate) => candidate.service === service) : undefined;
    if (!observed?.release || observed.release.id === record?.current?.release.id) return recorded;
    const kept = [...(record?.current ? [record.current] : []), ...recorded.earlier];
    const asKept = (release: Release): KeptRelease =>
      kept.find((candidate) => candidate.release.id === release.id) ?? externalRelease(release);
    const earlier = observed.earlier?.map(asKept) ?? kept.filter((candidate) => candidate.release.id !== observed.release?.id);
    return { current: asKept(observed.release), earlier };
  }

  /** Returns the live release of a service that was delivered elsewhere, for its log. */
  private observedLive(service: string): KeptRelease | undefined {
    const release = this.records.observation()?.services.find((candidate) => candidate.service === service)?.release;
    return release && externalRelease(release);
  }

  /** Opens the platform of every service that is defined or has a record. */
  private async openPlatforms(): Promise<{ service: string; platform: Result<Platform>; live: KeptRelease | undefined }[]> {
    return Promise.all(
      [...new Set([...this.definitions.keys(), ...this.records.services()])].map(async (service) => {
        const read = this.read(service);
        return { service, platform: await this.platformOf(service), live: read.ok ? read.value?.current : undefined };
      }),
    );
  }

  /**
   * Opens the platform of a service as it was deployed: the folder of the command may contain another service of the same name, whose
   * scripts must not run.
   */
  private async platformOf(service: string): Promise<Result<Platform>> {
    const read = this.read(service);
    if (!read.ok) return read;
    return read.value ? this.open(service, read.value.definition) : this.definedPlatform(service);
  }

  private async definedPlatform(service: string): Promise<Result<Platform>> {
    const definition = this.definitions.get(service);
    return definition ? this.open(service, definition) : fail('usage', `${service} is not live in ${this.name}`);
  }

  private async open(service: string, definition: EnvironmentDefinition): Promise<Result<Platform>> {
    return this.platforms.open(definition, { environment: this.name, service, folder: this.records.folderOf(service) });
  }

  private addresses(): Record<string, string> {
    return Object.fromEntries(this.status().flatMap(({ service, url }) => (url === '' ? [] : [[service, url]])));
  }

  private read(service: string): Result<ServiceRecord | undefined> {
    try {
      return ok(this.records.read(service));
    } catch (error) {
      return fail('machinery', `the record of ${service} in ${this.name} cannot be read: ${messageOf(error)}`, {
        path: this.records.file(service),
        hint: 'the next delivery creates a new record',
      });
    }
  }

  /** Reads the record. A record that cannot be read is renamed, so that it does not block a delivery. */
  private readOrMoveAside(service: string, log: WriteLine): ServiceRecord | undefined {
    const read = this.read(service);
    if (read.ok) return read.value;
    log(`${read.failure.message}; it was renamed to ${this.records.moveAside(service)}`);
    return undefined;
  }

  /** Runs one operation at a time for each service, across processes. A lock of a dead process does not count. */
  private async withLock<T>(service: string, log: WriteLine, signal: AbortSignal, act: () => Promise<Result<T>>): Promise<Result<T>> {
    for (let reported = false; ; reported = true) {
      if (signal.aborted) return fail('cancelled', 'cancelled');
      const lock = tryLock(this.records.lock(service), currentIdentity());
      if (lock.ok) {
        try {
          return await act();
        } finally {
          lock.release();
        }
      }
      if (!reported) log(`another process (${lock.holder.pid}) is changing ${service} in ${this.name}: waiting for it`);
      await pause(lockPollIntervalMs);
    }
  }
}

function selectEarlier(earlier: readonly KeptRelease[], to: string | undefined, service: string): Result<KeptRelease | undefined> {
  if (to === undefined) return ok(earlier[0]);
  const found = earlier.find(({ release }) => release.id === to || release.commit.startsWith(to));
  if (found) return ok(found);
  const available = earlier.map(({ release }) => shortCommit(release.commit)).join(', ');
  return fail('usage', `there is no earlier release ${to} of ${service}`, { hint: available ? `available: ${available}` : undefined });
}

/** Returns a release that was delivered elsewhere. Only the platform knows more about it. */
function externalRelease(release: Release): KeptRelease {
  return { release, slot: '', folder: '', secrets: [], details: {} };
}

async function personHere(): Promise<string> {
  try {
    return await deliverer({ root: process.cwd() });
  } catch {
    return 'somebody'; // the working folder is gone, which must not keep a release from being restored
  }
}
