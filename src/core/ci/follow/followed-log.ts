import type { JobLog } from './job-log';
import type { LogEnd, CiClient, CiFailure, RemoteJob, RemoteRun, CiResult } from '../ci-client';

/** `lacks`: why it was given up before its end. */
export type LogRead = { readonly isWhole: true; readonly lacks?: string } | { readonly isWhole: false; readonly failure?: CiFailure };

/** A log that the engine does not have comes within seconds; after so long it is given up. */
const patienceMs = 60_000;
/** The same where it cannot say whether it has it. */
const awayPatienceMs = 5 * 60_000;
/** While the machine slept, or the service wanted to be left alone, nobody waited. */
const longestWaitMs = 15_000;

/** The log of a job that is followed: each reading goes on where the one before ended. */
export class FollowedLog {
  private kept: JobLog | undefined;
  /** For how long more of it was wanted and did not come, and when that was last counted. */
  private missing: { readonly ms: number; readonly at: number } | undefined;

  /** `open`: where it is kept; called when there is something to keep. */
  constructor(
    private readonly engine: Pick<CiClient, 'readLog'>,
    private readonly open: () => JobLog,
    private readonly now: () => number,
  ) {}

  /** How many bytes the engine has handed over, as it counts them. */
  get received(): number {
    return this.kept?.received ?? 0;
  }

  /** What there is of it while its job goes on. Answers why that could not be told. */
  async readOn(run: RemoteRun, job: RemoteJob, signal: AbortSignal): Promise<CiFailure | undefined> {
    const answer = await this.read(run, job, signal);
    return answer.state === 'failed' && !answer.gone ? answer : undefined;
  }

  /** All of it, of a job that has ended. What does not come is given up after some time. */
  async readToEnd(run: RemoteRun, job: RemoteJob, signal: AbortSignal): Promise<LogRead> {
    const before = this.received;
    const answer = await this.read(run, job, signal);
    if (signal.aborted) return { isWhole: false };
    if (answer.state === 'ok' && answer.value.isWhole) return { isWhole: true };
    // As long as something arrives, it goes on.
    const waited = this.received > before ? undefined : this.missing;
    const now = this.now();
    this.missing = { ms: waited ? waited.ms + Math.min(now - waited.at, longestWaitMs) : 0, at: now };
    if (this.missing.ms < patienceFor(answer)) {
      // What the engine has not written yet is no failure of its own.
      const isExpected = answer.state === 'ok' || (answer.gone === true && !this.kept);
      return { isWhole: false, ...(!isExpected && answer.state === 'failed' && { failure: answer }) };
    }
    return { isWhole: true, lacks: answer.state === 'failed' ? answer.message : 'the engine does not have it' };
  }

  /** Nothing more will come. */
  close(): void {
    this.kept?.close();
    this.kept = undefined;
  }

  /** The same; answers where it is kept, also where nothing was printed. */
  ended(): JobLog {
    const log = this.keep();
    this.close();
    return log;
  }

  /** Nothing more is read of it here. */
  leave(): void {
    this.kept?.leave();
    this.kept = undefined;
  }

  private async read(run: RemoteRun, job: RemoteJob, signal: AbortSignal): Promise<CiResult<LogEnd>> {
    return this.engine.readLog(run, job, this.received, (bytes) => this.keep().take(bytes), signal);
  }

  private keep(): JobLog {
    return (this.kept ??= this.open());
  }
}

function patienceFor(answer: CiResult<LogEnd>): number {
  if (answer.state === 'ok') return patienceMs;
  // What it does not allow now it will allow later, and the run is not read in the meantime either.
  if (answer.reason === 'limit') return Infinity;
  return answer.reason === 'offline' || (answer.status ?? 0) >= 500 ? awayPatienceMs : patienceMs;
}
