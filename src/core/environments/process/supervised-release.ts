import type { ServiceHealth } from '../../model/environment-status';
import { Upstream } from './proxy';
import { pause, type ReleaseProcess } from './release-process';
import type { RunnableRelease } from './state-file';

/** How often a live release is asked for its health. */
const probeIntervalMs = 5_000;
const minBackOffMs = 500;
const maxBackOffMs = 30_000;
/** A release that lived this long and dies is started again at once, like at its first death. */
const stableAfterMs = 60_000;
/** How long an answer that is on the way may take when its release goes. */
const defaultDrainTimeoutMs = 10_000;

/** A release in the environment: started, supervised up while it is live, and exitReason in the end. */
export class SupervisedRelease {
  state: ServiceHealth = 'starting';
  reason: string | undefined;
  private process: ReleaseProcess | undefined;
  private upstream: Upstream | undefined;
  private supervision = new AbortController();
  private supervised: Promise<void> = Promise.resolve();

  /** `startProcess` starts a process of it; `onChange` hears of each change of `state`. */
  constructor(
    readonly record: RunnableRelease,
    private readonly startProcess: () => Promise<ReleaseProcess>,
    private readonly onChange: () => void,
  ) {}

  get running(): boolean {
    return this.upstream !== undefined && this.process?.exitReason === undefined;
  }

  get identity(): ReleaseProcess['identity'] {
    return this.process?.identity;
  }

  /** Resolves when it is healthy, or with the reason problem it will not be; then nothing of it runs. */
  async start(signal: AbortSignal): Promise<string | undefined> {
    this.process = await this.startProcess();
    const problem = await this.process.waitUntilHealthy(signal);
    const address = this.process.address;
    if (problem === undefined && address) {
      this.upstream = new Upstream(address);
      this.setState('healthy');
      return undefined;
    }
    await this.process.end();
    this.process = undefined;
    this.setState('unhealthy', problem);
    return problem ?? 'it does not listen';
  }

  /** It is live: `routeTo` gets its upstream now and after each new start, and `undefined` while it is down. */
  supervise(routeTo: (upstream: Upstream | undefined) => void): void {
    this.supervision = new AbortController();
    routeTo(this.running ? this.upstream : undefined);
    this.supervised = this.restartOnExit(routeTo, this.supervision.signal);
  }

  /** It is live no more, but still there. */
  async unsupervise(): Promise<void> {
    this.supervision.abort();
    await this.supervised;
  }

  /** Ends it once its answers that are on the way have been given. */
  async stop(drainTimeoutMs = defaultDrainTimeoutMs): Promise<void> {
    await this.unsupervise();
    await this.upstream?.drain(drainTimeoutMs);
    await this.process?.end();
    this.process = undefined;
    this.upstream = undefined;
  }

  private async restartOnExit(routeTo: (upstream: Upstream | undefined) => void, signal: AbortSignal): Promise<void> {
    for (let backOff = minBackOffMs; ; backOff = Math.min(backOff * 2, maxBackOffMs)) {
      const startedAt = Date.now();
      const exitReason = await this.waitForExit(signal);
      if (signal.aborted) return;
      routeTo(undefined);
      if (Date.now() - startedAt > stableAfterMs) backOff = minBackOffMs;
      this.setState('unhealthy', `${exitReason}; it is started again in ${backOff / 1000} s`);
      await this.process?.end();
      await pause(backOff, signal);
      if (signal.aborted) return;
      if ((await this.start(signal)) === undefined) routeTo(this.upstream);
    }
  }

  /** Resolves with the way that it exitReason, or when it is not to be supervised any more. */
  private async waitForExit(signal: AbortSignal): Promise<string> {
    const { process } = this;
    if (!process) return this.reason ?? 'it does not run';
    for (let failures = 0; ;) {
      await Promise.race([pause(probeIntervalMs, signal), process.exited]);
      if (process.exitReason !== undefined) return process.exitReason;
      if (signal.aborted) return '';
      const problem = await process.healthProblem();
      failures = problem === undefined ? 0 : failures + 1;
      if (problem === undefined) this.setState('healthy');
      // One slow answer is no outage.
      else if (failures >= 2 && process.exitReason === undefined) this.setState('unhealthy', problem);
    }
  }

  private setState(state: ServiceHealth, reason?: string): void {
    if (state === this.state && reason === this.reason) return;
    this.state = state;
    this.reason = reason;
    this.onChange();
  }
}
