import type { ProcessIdentity } from '../../model/events';
import type { ProcessDefinition } from './descriptor';
import { fail, messageOf, ok, type Result } from '../../model/result';
import { isAlive } from '../../process/process-identity';
import { SerialQueue } from '../../support/serial-queue';
import { shortCommit } from '../../support/format';
import type { DeployedRelease, DeployRequest, RollbackOptions, RolledBackRelease } from '../environment';
import type { ServiceProxy } from './proxy';
import { lastLines } from './release-process';
import type { ReleaseStarter } from './release-starter';
import type { RunnableRelease, SupervisedService } from './state-file';
import { SupervisedRelease } from './supervised-release';

const maxEarlierReleases = 2;
const maxLogLines = 20;
const ownerPollIntervalMs = 2_000;

/** A service of the environment: the live release, its predecessors, and the switch between them. */
export class Service {
  private current: SupervisedRelease | undefined;
  /** The predecessor of an unverified `current`. It keeps running for an immediate rollback. */
  private standby: SupervisedRelease | undefined;
  private earlier: readonly RunnableRelease[] = [];
  private verified = true;
  private readonly queue = new SerialQueue();
  private readonly stopping = new Set<Promise<void>>();
  private ownerWatch: NodeJS.Timeout | undefined;

  constructor(
    readonly name: string,
    private readonly environment: string,
    private readonly proxy: ServiceProxy,
    private readonly starter: ReleaseStarter,
    private readonly onChange: () => void,
  ) {}

  get url(): string {
    return `http://127.0.0.1:${this.proxy.port}`;
  }

  /** Starts the release that was live when the last supervisor ended. Resolves after the first attempt. */
  async restore({ current, earlier, unverified }: SupervisedService, signal: AbortSignal): Promise<void> {
    // The verifier of an unverified release lost its environment, so the release counts as failed.
    const last = unverified ? earlier[0] : current;
    this.earlier = unverified ? earlier.slice(1) : earlier;
    if (!last) return;
    const live = (this.current = this.open(last));
    this.onChange();
    if (this.starter.missingSecret(last) === undefined) await live.start(signal);
    if (!signal.aborted && this.current === live) live.supervise((upstream) => this.proxy.routeTo(upstream));
  }

  async deploy(
    request: DeployRequest,
    definition: ProcessDefinition,
    log: (line: string) => void,
    signal: AbortSignal,
  ): Promise<Result<DeployedRelease>> {
    return this.queue.run(async () => {
      if (signal.aborted) return fail('cancelled', 'cancelled');
      const { release, folder, slot, secrets } = request;
      this.starter.storeSecrets(release.id, secrets);
      const next = this.open({ release, folder, slot, definition, secrets: Object.keys(secrets) });
      const live = this.current && shortCommit(this.current.record.release.commit);
      log(`starting ${shortCommit(release.commit)}${live ? ` beside ${live}` : ''}`);
      const startedAt = Date.now();
      const problem = await next.start(signal);
      if (problem !== undefined) {
        await next.stop(0);
        if (signal.aborted) return fail('cancelled', 'cancelled');
        const file = this.starter.logFile(this.name, release.id);
        const lines = lastLines(file, maxLogLines);
        if (lines.length > 0) log(`the last lines of its output:`);
        for (const line of lines) log(`  ${line}`);
        return fail('delivery', `${this.name} did not come up in ${this.environment}: ${problem}`, {
          hint: live ? `${live} stays live; the full output of the new release is in ${file}` : `its full output is in ${file}`,
        });
      }
      log(`healthy after ${((Date.now() - startedAt) / 1000).toFixed(1)} s`);
      this.replace(next, request.owner);
      log(`live at ${this.url}`);
      const [previous] = this.earlier;
      return ok({ url: this.url, release, previous: previous?.release });
    });
  }

  /** Marks the release as verified and stops its predecessor. */
  async settle(release: string): Promise<Result<void>> {
    return this.queue.run(async () => {
      if (this.current?.record.release.id !== release)
        return fail('delivery', `the verified release is no longer live in ${this.environment}`);
      this.markVerified();
      return ok(undefined);
    });
  }

  async rollBack(options: RollbackOptions = {}): Promise<Result<RolledBackRelease>> {
    return this.queue.run(() => this.rollBackNow(options));
  }

  /** Stops everything. */
  async end(): Promise<void> {
    clearInterval(this.ownerWatch);
    await Promise.all([this.current?.stop(0), this.standby?.stop(0), ...this.stopping]);
    await this.proxy.close();
  }

  /** Returns the reason why no release is reachable. */
  unavailableReason(): string {
    if (!this.current) return `${this.name} has not been delivered to ${this.environment}`;
    return `${this.name} is ${this.current.state} in ${this.environment}${this.current.reason ? `: ${this.current.reason}` : ''}`;
  }

  record(): SupervisedService {
    const { current, earlier, proxy } = this;
    const state = current?.state ?? 'stopped';
    const missing = current && !current.running ? this.starter.missingSecret(current.record) : undefined;
    const reason = missing === undefined ? current?.reason : `it needs the secret ${missing}, whose value is not stored: deliver it again`;
    return {
      service: this.name,
      port: proxy.port,
      state: missing === undefined ? state : 'stopped',
      reason,
      current: current && { ...current.record, process: current.identity },
      unverified: this.verified ? undefined : true,
      earlier,
    };
  }

  private open(record: RunnableRelease): SupervisedRelease {
    return new SupervisedRelease(record, () => this.starter.start(this.name, this.url, record), this.onChange);
  }

  private replace(next: SupervisedRelease, owner: ProcessIdentity | undefined): void {
    const before = this.current;
    this.switchTo(next);
    if (this.verified) {
      this.standby = before;
      if (before) this.earlier = [before.record, ...this.earlier].slice(0, maxEarlierReleases);
    } else if (before) {
      // A release that was never verified is no target for a rollback.
      this.stopInBackground(before);
    }
    this.verified = false;
    this.watchOwner(owner);
    this.onChange();
  }

  private switchTo(next: SupervisedRelease | undefined): void {
    // Release the old one first, so that its exit does not take the proxy from the new one.
    void this.current?.unsupervise();
    this.current = next;
    if (next) next.supervise((upstream) => this.current === next && this.proxy.routeTo(upstream));
    else this.proxy.routeTo(undefined);
  }

  private markVerified(): void {
    this.verified = true;
    clearInterval(this.ownerWatch);
    if (this.standby) this.stopInBackground(this.standby);
    this.standby = undefined;
    const kept = [...(this.current ? [this.current.record] : []), ...this.earlier].map((record) => record.release.id);
    this.starter.removeOthers(this.name, kept);
    this.onChange();
  }

  private async rollBackNow({ to, only }: RollbackOptions = {}): Promise<Result<RolledBackRelease>> {
    const { current } = this;
    if (!current) return fail('usage', `${this.name} is not live in ${this.environment}`);
    const from = current.record.release;
    if (only !== undefined && only !== from.id)
      return fail('usage', `another release of ${this.name} is live in ${this.environment} now: ${shortCommit(from.commit)}`);
    const record =
      to === undefined ? this.earlier[0] : this.earlier.find(({ release }) => release.id === to || release.commit.startsWith(to));
    if (to !== undefined && !record) {
      const available = this.earlier.map(({ release }) => shortCommit(release.commit)).join(', ');
      return fail('usage', `${this.name} has no earlier release ${to} in ${this.environment}`, {
        hint: available ? `available: ${available}` : undefined,
      });
    }
    const back = record && (await this.startAgain(record));
    if (back && !back.ok) return back;
    this.switchTo(back?.value);
    this.stopInBackground(current);
    if (this.standby === back?.value) this.standby = undefined;
    this.earlier = record ? this.earlier.slice(this.earlier.indexOf(record) + 1) : [];
    this.markVerified();
    return ok({ from, to: record?.release });
  }

  /** Starts an earlier release and resolves when it is healthy. */
  private async startAgain(record: RunnableRelease): Promise<Result<SupervisedRelease>> {
    const { standby } = this;
    if (standby?.record.release.id === record.release.id && standby.running) return ok(standby);
    const missing = this.starter.missingSecret(record);
    if (missing !== undefined)
      return fail(
        'machinery',
        `${shortCommit(record.release.commit)} needs the secret ${missing}, whose value is not stored: deliver that commit again`,
      );
    const live = this.open(record);
    const problem = await live.start(new AbortController().signal);
    if (problem === undefined) return ok(live);
    await live.stop(0);
    return fail('delivery', `${this.name} could not be rolled back to ${shortCommit(record.release.commit)}: ${problem}`, {
      hint: 'the live release is unchanged',
    });
  }

  /** Rolls back if the process that has to verify the release dies first. */
  private watchOwner(owner: ProcessIdentity | undefined): void {
    clearInterval(this.ownerWatch);
    if (!owner) return;
    this.ownerWatch = setInterval(() => {
      if (isAlive(owner)) return;
      clearInterval(this.ownerWatch);
      void this.queue.run(async () => (this.verified ? undefined : this.rollBackNow()));
    }, ownerPollIntervalMs);
  }

  private stopInBackground(live: SupervisedRelease): void {
    const stopped = live
      .stop()
      .catch((error: unknown) => console.error(`${this.name}: a release did not end: ${messageOf(error)}`))
      .finally(() => this.stopping.delete(stopped));
    this.stopping.add(stopped);
  }
}
