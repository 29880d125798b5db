import type { Owner } from '../../model/environment-status';
import type { ProcessIdentity } from '../../model/events';
import type { ProcessDefinition } from './descriptor';
import { fail, messageOf, ok, type Result } from '../../model/result';
import { readRecorded } from '../../history/runs';
import { isAlive } from '../../process/process-identity';
import { SerialQueue } from '../../support/serial-queue';
import { shortCommit } from '../../support/format';
import type { DeployedRelease, DeployRequest, RollbackOptions, RolledBackRelease } from '../environment';
import { honour, ownReleases } from '../owner';
import type { ServiceProxy } from './proxy';
import { lastLines } from './release-process';
import type { ReleaseStarter } from './release-starter';
import type { RunnableRelease, SupervisedService } from './state-file';
import { SupervisedRelease } from './supervised-release';

const maxEarlierReleases = 2;
const maxLogLines = 200;
const ownerPollIntervalMs = 2_000;

/** A service of the environment: the live release, its predecessors, and the switch between them. */
export class Service {
  private current: SupervisedRelease | undefined;
  /** The predecessor of an unverified `current`. It keeps running for an immediate rollback. */
  private standby: SupervisedRelease | undefined;
  private earlier: readonly RunnableRelease[] = [];
  private verified = true;
  /** The last deployment, until its release is verified. */
  private deployment: Pick<DeployRequest, 'journal' | 'claim'> = {};
  private isStopped = false;
  private readonly queue = new SerialQueue();
  /** Former releases that answer their last requests. */
  private readonly ending = new Map<SupervisedRelease, Promise<void>>();
  /** Aborts when the service is stopped. */
  private hurry = new AbortController();
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

  get owner(): Owner | undefined {
    return (this.current?.record ?? this.earlier[0])?.owner;
  }

  /** It has a release that was not stopped on request. */
  get isWanted(): boolean {
    return this.current !== undefined && !this.isStopped;
  }

  /** The checkout of the live release. */
  get slot(): string | undefined {
    return this.isWanted ? this.current?.record.slot : undefined;
  }

  /** Starts the release that was live when the last supervisor ended. Resolves after the first attempt. */
  async restore({ current, earlier, unverified, stopped, journal }: SupervisedService, signal: AbortSignal): Promise<void> {
    // The verifier of an unverified release lost its environment, so the release counts as failed unless the journal says otherwise.
    const isFailed = unverified && current && !this.isVerifiedIn(journal, current.release.id);
    const last = isFailed ? earlier[0] : current;
    this.earlier = isFailed ? earlier.slice(1) : earlier;
    if (!last) return;
    this.isStopped = stopped ?? false;
    this.current = this.open(last);
    this.onChange();
    if (!this.isStopped) await this.bringUp(this.current, signal);
  }

  /** Starts the live release again after a stop. */
  async start(signal: AbortSignal): Promise<void> {
    await this.queue.run(async () => {
      if (!this.isStopped || !this.current) return;
      this.isStopped = false;
      this.current = this.open(this.current.record);
      this.onChange();
      await this.bringUp(this.current, signal);
    });
  }

  /** Stops the service. It keeps its address, and answers that it was stopped. */
  async stop(): Promise<void> {
    this.hurry.abort();
    await this.queue.run(async () => {
      this.isStopped = true;
      await this.endReleases();
      this.hurry = new AbortController();
      this.onChange();
    });
  }

  async deploy(
    request: DeployRequest,
    definition: ProcessDefinition,
    log: (line: string) => void,
    cancel: AbortSignal,
  ): Promise<Result<DeployedRelease>> {
    return this.queue.run(async () => {
      const signal = AbortSignal.any([cancel, this.hurry.signal]);
      if (signal.aborted) return fail('cancelled', 'cancelled');
      const { release, folder, slot, secrets, claim, isProduction } = request;
      const allowed = honour({ service: this.name, environment: this.environment }, this.owner, claim);
      if (!allowed.ok) return allowed;
      if (!this.proxy.listening) return fail('delivery', `${this.name} cannot be delivered to ${this.environment}: ${this.addressProblem}`);
      this.starter.storeSecrets(release.id, secrets);
      const owner = claim?.owner ?? this.owner;
      const next = this.open({ release, folder, slot, definition, secrets: Object.keys(secrets), owner, isProduction });
      const live = this.current && shortCommit(this.current.record.release.commit);
      log(`starting ${shortCommit(release.commit)}${live ? ` beside ${live}` : ''}`);
      const startedAt = Date.now();
      const problem = await next.start(signal);
      if (problem !== undefined) {
        await next.stop();
        if (signal.aborted) return fail('cancelled', 'cancelled');
        const file = this.starter.logFile(this.name, release.id);
        const lines = lastLines(file, maxLogLines);
        if (lines.length > 0) log(`the last lines of its output:`);
        for (const line of lines) log(line);
        return fail('delivery', `${this.name} did not come up in ${this.environment}: ${problem}`, {
          hint: live ? `${live} stays live; the full output of the new release is in ${file}` : `its full output is in ${file}`,
        });
      }
      log(`healthy after ${((Date.now() - startedAt) / 1000).toFixed(1)} s`);
      this.replace(next, request);
      log(`live at ${this.url}`);
      const [previous] = ownReleases(this.earlier, claim);
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
    await this.endReleases();
    await this.proxy.close();
  }

  /** Returns the reason why no release is reachable. */
  unavailableReason(): string {
    if (!this.current) return `${this.name} has not been delivered to ${this.environment}`;
    const { state, reason } = this.record();
    return `${this.name} is ${state} in ${this.environment}${reason === undefined ? '' : `: ${reason}`}`;
  }

  record(): SupervisedService {
    const { current, earlier, proxy } = this;
    return {
      service: this.name,
      port: proxy.port,
      ...this.health(),
      current: current && { ...current.record, process: current.identity },
      unverified: this.verified ? undefined : true,
      journal: this.verified ? undefined : this.deployment.journal,
      stopped: this.isStopped || undefined,
      earlier,
      ending: this.ending.size > 0 ? [...this.ending.keys()].map(({ record }) => record) : undefined,
    };
  }

  private health(): Pick<SupervisedService, 'state' | 'reason'> {
    const { current } = this;
    if (!current || this.isStopped) return { state: 'stopped' };
    const missing = current.running ? undefined : this.starter.missingSecret(current.record);
    if (missing !== undefined)
      return { state: 'stopped', reason: `it needs the secret ${missing}, whose value is not stored: deliver it again` };
    return this.proxy.listening ? { state: current.state, reason: current.reason } : { state: 'unhealthy', reason: this.addressProblem };
  }

  private get addressProblem(): string {
    return `another process listens on its address ${this.url}. Deliver uses the address again when that process ends`;
  }

  private open(record: RunnableRelease): SupervisedRelease {
    return new SupervisedRelease(record, () => this.starter.start(this.name, this.url, record), this.onChange);
  }

  private async bringUp(live: SupervisedRelease, signal: AbortSignal): Promise<void> {
    if (this.starter.missingSecret(live.record) === undefined) await live.start(signal);
    if (!signal.aborted && this.current === live) live.supervise((upstream) => this.proxy.routeTo(upstream));
  }

  private replace(next: SupervisedRelease, { owner, journal, claim }: DeployRequest): void {
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
    this.isStopped = false;
    this.deployment = { journal, claim };
    this.watchOwner(owner);
    this.onChange();
  }

  private switchTo(next: SupervisedRelease | undefined): void {
    const before = this.current;
    // Release the old one first, so that its exit does not take the proxy from the new one.
    void before?.unsupervise();
    this.current = next;
    if (next) next.supervise((upstream) => this.current === next && this.proxy.routeTo(upstream), before);
    else this.proxy.routeTo(undefined);
  }

  private markVerified(): void {
    this.verified = true;
    clearInterval(this.ownerWatch);
    if (this.standby) this.stopInBackground(this.standby);
    this.standby = undefined;
    this.earlier = ownReleases(this.earlier, this.deployment.claim);
    this.deployment = {};
    const kept = [...(this.current ? [this.current.record] : []), ...this.earlier].map((record) => record.release.id);
    this.starter.removeOthers(this.name, kept);
    // A verification may cause errors on purpose.
    this.current?.forgetErrors();
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
    // The restored release may belong to the repository from which this one was taken over.
    this.deployment = {};
    this.isStopped = false;
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
    await live.stop();
    return fail('delivery', `${this.name} could not be rolled back to ${shortCommit(record.release.commit)}: ${problem}`, {
      hint: 'the live release is unchanged',
    });
  }

  /** Completes the deployment if the process that has to verify the release dies first: its journal records the decision. */
  private watchOwner(owner: ProcessIdentity | undefined): void {
    clearInterval(this.ownerWatch);
    if (!owner) return;
    this.ownerWatch = setInterval(() => {
      if (isAlive(owner)) return;
      clearInterval(this.ownerWatch);
      void this.queue.run(async () => {
        const { current } = this;
        if (this.verified || !current) return;
        if (this.isVerifiedIn(this.deployment.journal, current.record.release.id)) this.markVerified();
        else await this.rollBackNow();
      });
    }, ownerPollIntervalMs);
  }

  private isVerifiedIn(journal: string | undefined, release: string): boolean {
    const deployments = journal === undefined ? [] : (readRecorded(journal)?.deployments ?? []);
    return deployments.some((one) => one.environment === this.environment && one.release.id === release && one.state === 'verified');
  }

  private async endReleases(): Promise<void> {
    clearInterval(this.ownerWatch);
    this.proxy.routeTo(undefined);
    this.hurry.abort();
    await Promise.all([this.current?.stop(), this.standby?.stop(), ...this.ending.values()]);
    this.standby = undefined;
  }

  private stopInBackground(live: SupervisedRelease): void {
    const stopped = live
      .drainAndStop(this.hurry.signal)
      .catch((error: unknown) => console.error(`${this.name}: a release did not end: ${messageOf(error)}`))
      .finally(() => {
        this.ending.delete(live);
        this.onChange();
      });
    this.ending.set(live, stopped);
    this.onChange();
  }
}
