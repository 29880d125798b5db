import type { ServiceHealth } from '../../model/environment-status';
import { Target } from './proxy';
import { pause, type ReleaseProcess } from './release-process';
import type { ReleaseRecord } from './state-file';

/** How often a live release is asked for its health. */
const probeEveryMs = 5_000;
const shortestBackOffMs = 500;
const longestBackOffMs = 30_000;
/** A release that lived this long and dies is started again at once, like at its first death. */
const steadyMs = 60_000;
/** How long an answer that is on the way may take when its release goes. */
const drainMs = 10_000;

/** A release in the environment: started, kept up while it is live, and ended in the end. */
export class LiveRelease {
  state: ServiceHealth = 'starting';
  reason: string | undefined;
  private process: ReleaseProcess | undefined;
  private target: Target | undefined;
  private keeping = new AbortController();
  private kept: Promise<void> = Promise.resolve();

  /** `begin` starts a process of it; `changed` hears of each change of `state`. */
  constructor(
    readonly record: ReleaseRecord,
    private readonly begin: () => Promise<ReleaseProcess>,
    private readonly changed: () => void,
  ) {}

  get running(): boolean {
    return this.target !== undefined && this.process?.ended === undefined;
  }

  get identity(): ReleaseProcess['identity'] {
    return this.process?.identity;
  }

  /** Resolves when it is healthy, or with the reason why it will not be; then nothing of it runs. */
  async start(signal: AbortSignal): Promise<string | undefined> {
    this.process = await this.begin();
    const why = await this.process.becomeHealthy(signal);
    const address = this.process.listens;
    if (why === undefined && address) {
      this.target = new Target(address);
      this.become('healthy');
      return undefined;
    }
    await this.process.end();
    this.process = undefined;
    this.become('unhealthy', why);
    return why ?? 'it does not listen';
  }

  /** It is live: `serve` gets its target now and after each new start, and `undefined` while it is down. */
  keep(serve: (target: Target | undefined) => void): void {
    this.keeping = new AbortController();
    serve(this.running ? this.target : undefined);
    this.kept = this.keepUp(serve, this.keeping.signal);
  }

  /** It is live no more, but still there. */
  async release(): Promise<void> {
    this.keeping.abort();
    await this.kept;
  }

  /** Ends it once its answers that are on the way have been given. */
  async end(patience = drainMs): Promise<void> {
    await this.release();
    await this.target?.drain(patience);
    await this.process?.end();
    this.process = undefined;
    this.target = undefined;
  }

  private async keepUp(serve: (target: Target | undefined) => void, signal: AbortSignal): Promise<void> {
    for (let backOff = shortestBackOffMs; ; backOff = Math.min(backOff * 2, longestBackOffMs)) {
      const began = Date.now();
      const died = await this.watch(signal);
      if (signal.aborted) return;
      serve(undefined);
      if (Date.now() - began > steadyMs) backOff = shortestBackOffMs;
      this.become('unhealthy', `${died}; it is started again in ${backOff / 1000} s`);
      await this.process?.end();
      await pause(backOff, signal);
      if (signal.aborted) return;
      if ((await this.start(signal)) === undefined) serve(this.target);
    }
  }

  /** Resolves with the way that it died, or when it is not to be kept any more. */
  private async watch(signal: AbortSignal): Promise<string> {
    const { process } = this;
    if (!process) return this.reason ?? 'it does not run';
    for (let failures = 0; ;) {
      await Promise.race([pause(probeEveryMs, signal), process.gone]);
      if (process.ended !== undefined) return process.ended;
      if (signal.aborted) return '';
      const why = await process.isUnhealthy();
      failures = why === undefined ? 0 : failures + 1;
      if (why === undefined) this.become('healthy');
      // One slow answer is no outage.
      else if (failures >= 2 && process.ended === undefined) this.become('unhealthy', why);
    }
  }

  private become(state: ServiceHealth, reason?: string): void {
    if (state === this.state && reason === this.reason) return;
    this.state = state;
    this.reason = reason;
    this.changed();
  }
}
