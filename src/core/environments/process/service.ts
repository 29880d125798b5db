import { fail, messageOf, ok, type Result } from '../../model/result';
import type { ProcessDefinition } from '../../model/pipeline';
import type { ProcessIdentity } from '../../model/events';
import { isAlive } from '../../process/process-identity';
import type { DeployedRelease, DeployRequest, RolledBackRelease, RollbackOptions } from '../environment';
import type { ServiceProxy } from './proxy';
import { SupervisedRelease } from './supervised-release';
import { lastLines } from './release-process';
import type { ReleaseStarter } from './release-starter';
import type { RunnableRelease, SupervisedService } from './state-file';

/** How many releases can be brought back. */
const maxEarlierReleases = 2;
const maxLogLines = 20;
/** How often to look whether whoever has to verify a release still lives. */
const ownerPollIntervalMs = 2_000;

/** One service of the environment: what is live, what it replaced, and the switch between them. */
export class Service {
  private current: SupervisedRelease | undefined;
  /** What the unverified `current` replaced: it still runs, so that it is back at once. */
  private standby: SupervisedRelease | undefined;
  private earlier: readonly RunnableRelease[] = [];
  private verified = true;
  private turn: Promise<unknown> = Promise.resolve();
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

  /** Brings back what was live when an earlier supervisor ended; resolves when that was tried once. */
  async restore({ current, earlier, unverified }: SupervisedService, signal: AbortSignal): Promise<void> {
    // Whoever had to verify it lost it with the environment.
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
    return this.inTurn(async () => {
      if (signal.aborted) return fail('cancelled', 'cancelled');
      const { release, folder, slot, secrets } = request;
      this.starter.storeSecrets(release.id, secrets);
      const next = this.open({ release, folder, slot, definition, secrets: Object.keys(secrets) });
      const live = this.current?.record.release.commit.slice(0, 8);
      log(`starting ${release.commit.slice(0, 8)}${live ? ` beside ${live}` : ''}`);
      const startedAt = Date.now();
      const problem = await next.start(signal);
      if (problem !== undefined) {
        await next.stop(0);
        if (signal.aborted) return fail('cancelled', 'cancelled');
        const file = this.starter.logFile(this.name, release.id);
        const lines = lastLines(file, maxLogLines);
        if (lines.length > 0) log(`the last of what it printed:`);
        for (const line of lines) log(`  ${line}`);
        return fail('delivery', `${this.name} did not come up in ${this.environment}: ${problem}`, {
          hint: live ? `${live} stays live; all that the new release printed is in ${file}` : `all that it printed is in ${file}`,
        });
      }
      log(`healthy after ${((Date.now() - startedAt) / 1000).toFixed(1)} s`);
      this.replace(next, request.owner);
      log(`live at ${this.url}`);
      const [previous] = this.earlier;
      return ok({ url: this.url, release, ...(previous && { previous: previous.release }) });
    });
  }

  /** The release was verified: what it replaced ends. */
  async settle(release: string): Promise<Result<void>> {
    return this.inTurn(async () => {
      if (this.current?.record.release.id !== release)
        return fail('delivery', `the release that was verified is no longer live in ${this.environment}`);
      this.markVerified();
      return ok(undefined);
    });
  }

  async rollBack(options: RollbackOptions = {}): Promise<Result<RolledBackRelease>> {
    return this.inTurn(() => this.rollBackNow(options));
  }

  /** Ends all of it. */
  async end(): Promise<void> {
    clearInterval(this.ownerWatch);
    await Promise.all([this.current?.stop(0), this.standby?.stop(0), ...this.stopping]);
    await this.proxy.close();
  }

  /** Why nothing answers, for whoever asks. */
  unavailableReason(): string {
    if (!this.current) return `${this.name} has not been delivered to ${this.environment}`;
    return `${this.name} is ${this.current.state} in ${this.environment}${this.current.reason ? `: ${this.current.reason}` : ''}`;
  }

  record(): SupervisedService {
    const { current, earlier, proxy } = this;
    const state = current?.state ?? 'stopped';
    const missing = current && !current.running ? this.starter.missingSecret(current.record) : undefined;
    const reason =
      missing === undefined ? current?.reason : `it needs the secret ${missing}, which only a delivery hands over: deliver it again`;
    return {
      service: this.name,
      port: proxy.port,
      state: missing === undefined ? state : 'stopped',
      ...(reason !== undefined && { reason }),
      ...(current && { current: { ...current.record, ...(current.identity && { process: current.identity }) } }),
      ...(!this.verified && { unverified: true as const }),
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
      // Nobody ever verified it: it is nothing to go back to.
      this.stopInBackground(before);
    }
    this.verified = false;
    this.watchOwner(owner);
    this.onChange();
  }

  private switchTo(next: SupervisedRelease | undefined): void {
    // The old one is let go first: its end must not take the proxy from the new one.
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
      return fail('usage', `${this.environment} has another release of ${this.name} by now: ${from.commit.slice(0, 8)}`);
    const record =
      to === undefined ? this.earlier[0] : this.earlier.find(({ release }) => release.id === to || release.commit.startsWith(to));
    if (to !== undefined && !record) {
      const available = this.earlier.map(({ release }) => release.commit.slice(0, 8)).join(', ');
      return fail(
        'usage',
        `${this.name} has no earlier release ${to} in ${this.environment}`,
        available ? { hint: `there is ${available}` } : {},
      );
    }
    const back = record && (await this.startAgain(record));
    if (back && !back.ok) return back;
    this.switchTo(back?.value);
    this.stopInBackground(current);
    if (this.standby === back?.value) this.standby = undefined;
    this.earlier = record ? this.earlier.slice(this.earlier.indexOf(record) + 1) : [];
    this.markVerified();
    return ok({ from, ...(record && { to: record.release }) });
  }

  /** An earlier release, up and healthy. */
  private async startAgain(record: RunnableRelease): Promise<Result<SupervisedRelease>> {
    const { standby } = this;
    if (standby?.record.release.id === record.release.id && standby.running) return ok(standby);
    const missing = this.starter.missingSecret(record);
    if (missing !== undefined)
      return fail(
        'machinery',
        `${record.release.commit.slice(0, 8)} needs the secret ${missing}, which is not kept: deliver that commit again`,
      );
    const live = this.open(record);
    const problem = await live.start(new AbortController().signal);
    if (problem === undefined) return ok(live);
    await live.stop(0);
    return fail('delivery', `${this.name} could not be brought back to ${record.release.commit.slice(0, 8)}: ${problem}`, {
      hint: 'what was live still is',
    });
  }

  /** A release whose verifier died was not verified and never will be: the previous one comes back. */
  private watchOwner(owner: ProcessIdentity | undefined): void {
    clearInterval(this.ownerWatch);
    if (!owner) return;
    this.ownerWatch = setInterval(() => {
      if (isAlive(owner)) return;
      clearInterval(this.ownerWatch);
      void this.inTurn(async () => (this.verified ? undefined : this.rollBackNow()));
    }, ownerPollIntervalMs);
  }

  private stopInBackground(live: SupervisedRelease): void {
    const stopped = live
      .stop()
      .catch((error: unknown) => console.error(`${this.name}: a release did not end: ${messageOf(error)}`))
      .finally(() => this.stopping.delete(stopped));
    this.stopping.add(stopped);
  }

  /** One after the other: a switch in the middle of another would lose a release. */
  private async inTurn<T>(act: () => Promise<T>): Promise<T> {
    const mine = this.turn.then(act);
    this.turn = mine.catch(() => {});
    return mine;
  }
}
