import { fail, messageOf, ok, type Result } from '../../model/result';
import type { ProcessDefinition } from './descriptor';
import type { ProcessIdentity } from '../../model/events';
import { isAlive } from '../../process/process-identity';
import type { DeployedRelease, DeployRequest, RolledBackRelease, RollbackWish } from '../environment';
import type { Front } from './front';
import { LiveRelease } from './live-release';
import { lastLines } from './release-log';
import type { ReleaseStarter } from './release-starter';
import type { ReleaseRecord, ServiceRecord } from './state-file';

/** How many releases can be brought back. */
const history = 2;
const saidLines = 20;
/** How often to look whether whoever has to verify a release still lives. */
const ownerEveryMs = 2_000;

/** One service of the environment: what is live, what it replaced, and the switch between them. */
export class Service {
  private current: LiveRelease | undefined;
  /** What the unverified `current` replaced: it still runs, so that it is back at once. */
  private warm: LiveRelease | undefined;
  private earlier: readonly ReleaseRecord[] = [];
  private verified = true;
  private turn: Promise<unknown> = Promise.resolve();
  private readonly leaving = new Set<Promise<void>>();
  private ownerWatch: NodeJS.Timeout | undefined;

  constructor(
    readonly name: string,
    private readonly environment: string,
    private readonly front: Front,
    private readonly starter: ReleaseStarter,
    private readonly changed: () => void,
  ) {}

  get url(): string {
    return `http://127.0.0.1:${this.front.port}`;
  }

  /** Brings back what was live when an earlier supervisor ended; resolves when that was tried once. */
  async restore({ current, earlier, unverified }: ServiceRecord, signal: AbortSignal): Promise<void> {
    // Whoever had to verify it lost it with the environment.
    const last = unverified ? earlier[0] : current;
    this.earlier = unverified ? earlier.slice(1) : earlier;
    if (!last) return;
    const live = (this.current = this.open(last));
    this.changed();
    if (this.starter.missingSecret(last) === undefined) await live.start(signal);
    if (!signal.aborted && this.current === live) live.keep((target) => this.front.serve(target));
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
      this.starter.remember(release.id, secrets);
      const next = this.open({ release, folder, slot, definition, secrets: Object.keys(secrets) });
      const live = this.current?.record.release.commit.slice(0, 8);
      log(`starting ${release.commit.slice(0, 8)}${live ? ` beside ${live}` : ''}`);
      const began = Date.now();
      const why = await next.start(signal);
      if (why !== undefined) {
        await next.end(0);
        if (signal.aborted) return fail('cancelled', 'cancelled');
        const file = this.starter.logOf(this.name, release.id);
        const lines = lastLines(file, saidLines);
        if (lines.length > 0) log(`the last of what it printed:`);
        for (const line of lines) log(`  ${line}`);
        return fail('delivery', `${this.name} did not come up in ${this.environment}: ${why}`, {
          hint: live ? `${live} stays live; all that the new release printed is in ${file}` : `all that it printed is in ${file}`,
        });
      }
      log(`healthy after ${((Date.now() - began) / 1000).toFixed(1)} s`);
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
      this.settled();
      return ok(undefined);
    });
  }

  async rollBack(wish: RollbackWish = {}): Promise<Result<RolledBackRelease>> {
    return this.inTurn(() => this.giveBack(wish));
  }

  /** Ends all of it. */
  async end(): Promise<void> {
    clearInterval(this.ownerWatch);
    await Promise.all([this.current?.end(0), this.warm?.end(0), ...this.leaving]);
    await this.front.close();
  }

  /** Why nothing answers, for whoever asks. */
  whyDown(): string {
    if (!this.current) return `${this.name} has not been delivered to ${this.environment}`;
    return `${this.name} is ${this.current.state} in ${this.environment}${this.current.reason ? `: ${this.current.reason}` : ''}`;
  }

  record(): ServiceRecord {
    const { current, earlier, front } = this;
    const state = current?.state ?? 'stopped';
    const missing = current && !current.running ? this.starter.missingSecret(current.record) : undefined;
    const reason =
      missing === undefined ? current?.reason : `it needs the secret ${missing}, which only a delivery hands over: deliver it again`;
    return {
      service: this.name,
      port: front.port,
      state: missing === undefined ? state : 'stopped',
      ...(reason !== undefined && { reason }),
      ...(current && { current: { ...current.record, ...(current.identity && { process: current.identity }) } }),
      ...(!this.verified && { unverified: true as const }),
      earlier,
    };
  }

  private open(record: ReleaseRecord): LiveRelease {
    return new LiveRelease(record, () => this.starter.start(this.name, this.url, record), this.changed);
  }

  private replace(next: LiveRelease, owner: ProcessIdentity | undefined): void {
    const before = this.current;
    this.switchTo(next);
    if (this.verified) {
      this.warm = before;
      if (before) this.earlier = [before.record, ...this.earlier].slice(0, history);
    } else if (before) {
      // Nobody ever verified it: it is nothing to go back to.
      this.retire(before);
    }
    this.verified = false;
    this.watchOwner(owner);
    this.changed();
  }

  private switchTo(next: LiveRelease | undefined): void {
    // The old one is let go first: its end must not take the front from the new one.
    void this.current?.release();
    this.current = next;
    if (next) next.keep((target) => this.current === next && this.front.serve(target));
    else this.front.serve(undefined);
  }

  private settled(): void {
    this.verified = true;
    clearInterval(this.ownerWatch);
    if (this.warm) this.retire(this.warm);
    this.warm = undefined;
    const kept = [...(this.current ? [this.current.record] : []), ...this.earlier].map((record) => record.release.id);
    this.starter.forgetOthers(this.name, kept);
    this.changed();
  }

  private async giveBack({ to, only }: RollbackWish = {}): Promise<Result<RolledBackRelease>> {
    const { current } = this;
    if (!current) return fail('usage', `${this.name} is not live in ${this.environment}`);
    const from = current.record.release;
    if (only !== undefined && only !== from.id)
      return fail('usage', `${this.environment} has another release of ${this.name} by now: ${from.commit.slice(0, 8)}`);
    const record =
      to === undefined ? this.earlier[0] : this.earlier.find(({ release }) => release.id === to || release.commit.startsWith(to));
    if (to !== undefined && !record) {
      const there = this.earlier.map(({ release }) => release.commit.slice(0, 8)).join(', ');
      return fail('usage', `${this.name} has no earlier release ${to} in ${this.environment}`, there ? { hint: `there is ${there}` } : {});
    }
    const back = record && (await this.reopen(record));
    if (back && !back.ok) return back;
    this.switchTo(back?.value);
    this.retire(current);
    if (this.warm === back?.value) this.warm = undefined;
    this.earlier = record ? this.earlier.slice(this.earlier.indexOf(record) + 1) : [];
    this.settled();
    return ok({ from, ...(record && { to: record.release }) });
  }

  /** An earlier release, up and healthy. */
  private async reopen(record: ReleaseRecord): Promise<Result<LiveRelease>> {
    const { warm } = this;
    if (warm?.record.release.id === record.release.id && warm.running) return ok(warm);
    const missing = this.starter.missingSecret(record);
    if (missing !== undefined)
      return fail(
        'machinery',
        `${record.release.commit.slice(0, 8)} needs the secret ${missing}, which is not kept: deliver that commit again`,
      );
    const live = this.open(record);
    const why = await live.start(new AbortController().signal);
    if (why === undefined) return ok(live);
    await live.end(0);
    return fail('delivery', `${this.name} could not be brought back to ${record.release.commit.slice(0, 8)}: ${why}`, {
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
      void this.inTurn(async () => (this.verified ? undefined : this.giveBack()));
    }, ownerEveryMs);
  }

  private retire(live: LiveRelease): void {
    const gone = live
      .end()
      .catch((error: unknown) => console.error(`${this.name}: a release did not end: ${messageOf(error)}`))
      .finally(() => this.leaving.delete(gone));
    this.leaving.add(gone);
  }

  /** One after the other: a switch in the middle of another would lose a release. */
  private async inTurn<T>(act: () => Promise<T>): Promise<T> {
    const mine = this.turn.then(act);
    this.turn = mine.catch(() => {});
    return mine;
  }
}
