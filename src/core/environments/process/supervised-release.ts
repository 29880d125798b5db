import type { ServiceHealth } from '../../model/environment-status';
import { graceMs } from '../../process/command';
import { counted } from '../../support/format';
import { pause } from '../../support/pause';
import { defaultDrainMs, defaultShutdownMs } from './descriptor';
import { Upstream } from './proxy';
import type { ReleaseProcess } from './release-process';
import type { RunnableRelease } from './state-file';

const probeIntervalMs = 5_000;
const minBackOffMs = 500;
const maxBackOffMs = 30_000;
/** A release that ran this long restarts without extra delay when it exits. */
const stableAfterMs = 60_000;

/** A release in the environment: started, restarted while it is live, and stopped. */
export class SupervisedRelease {
  state: ServiceHealth = 'starting';
  reason: string | undefined;
  private process: ReleaseProcess | undefined;
  private upstream: Upstream | undefined;
  private supervision = new AbortController();
  private supervised: Promise<void> = Promise.resolve();
  private wasLive = false;
  private probeProblem: string | undefined;
  /** The share of server errors that its predecessor had. A release that is no worse is no failure. */
  private toleratedErrors = 0;

  /** `startProcess` starts a process of the release; `onChange` is called after each change of `state`. */
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

  /** Resolves with undefined when it is healthy, or with the reason why it will not become healthy; then no process is left. */
  async start(signal: AbortSignal): Promise<string | undefined> {
    this.process = await this.startProcess();
    const problem = await this.process.waitUntilHealthy(signal);
    const address = this.process.address;
    if (problem === undefined && address) {
      this.upstream = new Upstream(address);
      this.probeProblem = undefined;
      // The probe updates the count of errors.
      this.upstream.onError = () => this.state === 'healthy' && this.review();
      this.setState('healthy');
      return undefined;
    }
    await this.process.end(this.shutdownMs);
    this.process = undefined;
    this.setState('unhealthy', problem);
    return problem ?? 'it does not listen';
  }

  /** Marks it live and restarts it when it exits. `routeTo` gets the upstream after each start, and undefined while it is down. */
  supervise(routeTo: (upstream: Upstream | undefined) => void, before?: SupervisedRelease): void {
    this.wasLive = true;
    this.toleratedErrors = before?.upstream?.errors.share ?? 0;
    this.supervision = new AbortController();
    routeTo(this.running ? this.upstream : undefined);
    this.supervised = this.restartOnExit(routeTo, this.supervision.signal);
  }

  /** Stops restarting it. The process keeps running. */
  async unsupervise(): Promise<void> {
    this.supervision.abort();
    await this.supervised;
  }

  /** Errors up to now do not count. */
  forgetErrors(): void {
    this.upstream?.forgetAnswers();
    this.review();
  }

  /** Stops it after its open connections are closed, or when `hurry` aborts. */
  async drainAndStop(hurry: AbortSignal): Promise<void> {
    await this.unsupervise();
    const { drainMs = defaultDrainMs } = this.record.definition;
    const cut = (await this.upstream?.drain(drainMs, hurry)) ?? 0;
    if (cut > 0 && !hurry.aborted)
      this.process?.note(`${counted(cut, 'connection')} cut: still open ${drainMs / 1000} s after the switch (drain)`);
    await this.stop();
  }

  /** Stops it. Requests in progress may finish until the process ends. */
  async stop(): Promise<void> {
    await this.unsupervise();
    await this.process?.end(this.shutdownMs);
    await this.upstream?.drain(0);
    this.process = undefined;
    this.upstream = undefined;
  }

  /** A release that never got a request has nothing to finish. */
  private get shutdownMs(): number {
    const { shutdownMs = defaultShutdownMs } = this.record.definition;
    return this.wasLive ? shutdownMs : Math.min(shutdownMs, graceMs);
  }

  private async restartOnExit(routeTo: (upstream: Upstream | undefined) => void, signal: AbortSignal): Promise<void> {
    for (let backOff = minBackOffMs; ; backOff = Math.min(backOff * 2, maxBackOffMs)) {
      const startedAt = Date.now();
      const exitReason = await this.waitForExit(signal);
      if (signal.aborted) return;
      routeTo(undefined);
      if (Date.now() - startedAt > stableAfterMs) backOff = minBackOffMs;
      this.setState('unhealthy', `${exitReason}; restarting in ${backOff / 1000} s`);
      await this.process?.end(graceMs);
      await pause(backOff, signal);
      if (signal.aborted) return;
      if ((await this.start(signal)) === undefined) routeTo(this.upstream);
    }
  }

  /** Resolves with the reason of its exit, or with an empty string when the supervision ends. */
  private async waitForExit(signal: AbortSignal): Promise<string> {
    const { process } = this;
    if (!process) return this.reason ?? 'it does not run';
    for (let failures = 0; ;) {
      await Promise.race([pause(probeIntervalMs, signal), process.exited]);
      if (process.exitReason !== undefined) return process.exitReason;
      if (signal.aborted) return '';
      const problem = await process.healthProblem();
      failures = problem === undefined ? 0 : failures + 1;
      // A single slow response is not a failure.
      if (process.exitReason !== undefined || failures === 1) continue;
      this.probeProblem = problem;
      this.review();
    }
  }

  /** Sets the state from the health check and the recent answers. */
  private review(): void {
    if (!this.running) return;
    const { share, problem: errors } = this.upstream?.errors ?? { share: 0 };
    const reason = this.probeProblem ?? (share > 2 * this.toleratedErrors ? errors : undefined);
    this.setState(reason === undefined ? 'healthy' : 'unhealthy', reason);
  }

  private setState(state: ServiceHealth, reason?: string): void {
    if (state === this.state && reason === this.reason) return;
    this.state = state;
    this.reason = reason;
    this.onChange();
  }
}
