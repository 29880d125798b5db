import * as fs from 'node:fs';
import type { Mask } from '../../support/masking';
import { appendText, writeFully } from '../../support/files';
import { readTail } from '../../support/file-tail';
import type { CiClient, CiFailure, CiResult, LogEnd, PlainLog, RemoteJob, RemoteRun } from '../ci-client';
import { present, recordOf, textOf } from '../../support/json-value';
import type { Step } from '../../model/pipeline';
import type { EventBody, Release, RunEvent } from '../../model/events';
import type { RunState } from '../../model/run-state';

/** The local copy of a job's log: plain text, appended to a file. */
export class JobLog {
  /** Bytes received, as the CI service counts them. */
  received = 0;
  private readonly descriptor: number;
  /** Bytes in the file that an earlier process wrote. */
  private known: number;

  /** `from`: the offset in the file where the log of this job begins. */
  constructor(
    readonly file: string,
    private readonly from: number,
    private readonly plain: PlainLog,
    private readonly mask: Mask,
  ) {
    this.descriptor = fs.openSync(file, 'a');
    this.known = Math.max(0, fs.fstatSync(this.descriptor).size - from);
  }

  /** The offset in the file where it begins, in bytes. */
  get start(): number {
    return this.from;
  }

  take(bytes: Buffer): void {
    this.received += bytes.length;
    this.append(this.mask.push(this.plain.push(bytes)));
  }

  /** Closes the file at the end of the log. */
  close(): void {
    this.append(Buffer.concat([this.mask.push(this.plain.flush()), this.mask.flush()]));
    fs.closeSync(this.descriptor);
  }

  /** Closes the file in the middle of the log. Bytes that are held back are read again by the next process. */
  leave(): void {
    fs.closeSync(this.descriptor);
  }

  private append(bytes: Buffer): void {
    const added = bytes.subarray(Math.min(this.known, bytes.length));
    this.known -= bytes.length - added.length;
    writeFully(this.descriptor, added, this.file);
  }
}

/** Returns the offset at which the log of a further attempt begins, after a separator line. */
export function afterAttempt(file: string, attempt: number): number {
  const between = `\n--- attempt ${attempt} failed ---\n`;
  const { size = 0 } = fs.statSync(file, { throwIfNoEntry: false }) ?? {};
  // An earlier process may have written the separator and exited before it recorded the attempt.
  if (size === 0 || readTail(file, between.length) === between) return size;
  appendText(file, between);
  return size + between.length;
}

/** `lacks`: the reason why the log was given up before its end. */
export type LogRead = { readonly isWhole: true; readonly lacks?: string } | { readonly isWhole: false; readonly failure?: CiFailure };

/** A missing log appears within seconds. After this time it is given up. */
const timeoutMs = 60_000;
/** The same while the CI service cannot be reached. */
const offlineTimeoutMs = 5 * 60_000;
/** Longer pauses do not count as waiting: the machine slept, or the rate limit was reached. */
const maxPauseMs = 15_000;

/** The log of a followed job. Each read continues where the last one ended. */
export class FollowedLog {
  private copy: JobLog | undefined;
  /** How long expected bytes have been missing, and when that was last counted. */
  private missing: { readonly ms: number; readonly at: number } | undefined;

  /** `open` creates the local copy when the first bytes arrive. */
  constructor(
    private readonly client: Pick<CiClient, 'readLog'>,
    private readonly open: () => JobLog,
    private readonly now: () => number,
  ) {}

  /** Bytes received, as the CI service counts them. */
  get received(): number {
    return this.copy?.received ?? 0;
  }

  /** Reads the new part of the log of a running job. Returns the failure, if any. */
  async readMore(run: RemoteRun, job: RemoteJob, signal: AbortSignal): Promise<CiFailure | undefined> {
    const answer = await this.read(run, job, signal);
    return answer.state === 'failed' && !answer.gone ? answer : undefined;
  }

  /** Reads the rest of the log of a finished job. A missing part is given up after some time. */
  async readToEnd(run: RemoteRun, job: RemoteJob, signal: AbortSignal): Promise<LogRead> {
    const before = this.received;
    const answer = await this.read(run, job, signal);
    if (signal.aborted) return { isWhole: false };
    if (answer.state === 'ok' && answer.value.isWhole) return { isWhole: true };
    // The timeout starts again whenever bytes arrive.
    const waited = this.received > before ? undefined : this.missing;
    const now = this.now();
    this.missing = { ms: waited ? waited.ms + Math.min(now - waited.at, maxPauseMs) : 0, at: now };
    if (this.missing.ms < timeoutFor(answer)) {
      // A log that the CI service has not stored yet is no failure.
      const isExpected = answer.state === 'ok' || (answer.gone === true && !this.copy);
      return { isWhole: false, failure: !isExpected && answer.state === 'failed' ? answer : undefined };
    }
    return { isWhole: true, lacks: answer.state === 'failed' ? answer.message : 'the CI service does not have it' };
  }

  /** Closes the log at its end. */
  close(): void {
    this.copy?.close();
    this.copy = undefined;
  }

  /** Closes the log at its end. Returns the local copy, also if nothing was printed. */
  finish(): JobLog {
    const log = this.openCopy();
    this.close();
    return log;
  }

  /** Stops reading before the end. */
  leave(): void {
    this.copy?.leave();
    this.copy = undefined;
  }

  private async read(run: RemoteRun, job: RemoteJob, signal: AbortSignal): Promise<CiResult<LogEnd>> {
    return this.client.readLog(run, job, this.received, (bytes) => this.openCopy().take(bytes), signal);
  }

  private openCopy(): JobLog {
    return (this.copy ??= this.open());
  }
}

function timeoutFor(answer: CiResult<LogEnd>): number {
  if (answer.state === 'ok') return timeoutMs;
  // The rate limit ends, and the run itself is not read until then.
  if (answer.reason === 'limit') return Infinity;
  return answer.reason === 'offline' || (answer.status ?? 0) >= 500 ? offlineTimeoutMs : timeoutMs;
}

/** Deliver prints no longer lines. */
const maxLineBytes = 256 * 1024;
const maxLines = 1_000;

/**
 * Returns the lines of a log that contain a mark, each from its first mark on, starting at byte `from`. The log may exceed memory, so at
 * most 1,000 lines are returned, and none longer than 256 kB.
 */
export async function markedLines(file: string, from: number, mark: string): Promise<string[]> {
  const lines: string[] = [];
  let rest: Buffer = Buffer.alloc(0);
  /** The current line is returned already, or too long. */
  let isPassed = false;
  for await (const piece of fs.createReadStream(file, { start: from, highWaterMark: 1 << 20 })) {
    rest = Buffer.concat([rest, piece as Buffer]);
    for (;;) {
      const begin: number = isPassed ? 0 : rest.indexOf(mark);
      if (begin < 0) rest = rest.subarray(-(Buffer.byteLength(mark) - 1));
      else rest = rest.subarray(begin);
      const end = begin < 0 ? -1 : rest.indexOf('\n');
      if (end < 0) {
        isPassed ||= begin >= 0 && rest.length > maxLineBytes;
        if (isPassed) rest = Buffer.alloc(0);
        break;
      }
      if (!isPassed && end <= maxLineBytes) lines.push(rest.toString('utf8', 0, end));
      if (lines.length === maxLines) return lines;
      rest = rest.subarray(end + 1);
      isPassed = false;
    }
  }
  return rest.indexOf(mark) === 0 ? [...lines, rest.toString()] : lines;
}

/** Prefix of a log line that reports an event of Deliver: a deployment, a verification or a rollback. */
export const jobEventMark = '@deliver ';

/** Returns the log line by which `deliver step` reports an event. */
export function jobEvent(event: RunEvent): string | undefined {
  if (event.type !== 'deployed' && event.type !== 'verified' && event.type !== 'rolled-back') return undefined;
  return `${jobEventMark}${JSON.stringify(event)}`;
}

/**
 * Returns the events in lines of a log. Any program in a job can print such a line, so only events of the step's own environment and
 * service are accepted.
 */
export function jobEventsIn(lines: readonly string[], step: Step, service: string): EventBody[] {
  const environment = step.deploy ?? step.verifies;
  if (environment === undefined) return [];
  return lines.flatMap((line) => {
    const at = line.indexOf(jobEventMark);
    return at < 0 ? [] : (readEvent(line.slice(at + jobEventMark.length), step, environment, service) ?? []);
  });
}

/** Returns the events in a log that the run does not have yet, as events of that run. */
export function newJobEvents(lines: readonly string[], step: Step, { id, service, deployments }: RunState): EventBody[] {
  return jobEventsIn(lines, step, service)
    .map((event): EventBody => {
      // The job has its own id for the release.
      if (event.type === 'deployed') return { ...event, release: { ...event.release, id } };
      return event.type === 'rolled-back' ? { ...event, from: { ...event.from, id } } : event;
    })
    .filter((event) => !isRecorded(deployments, event));
}

/** Returns whether an earlier process recorded the event before it exited. */
function isRecorded(deployments: RunState['deployments'], event: EventBody): boolean {
  return deployments.some((known) => {
    if (event.type === 'deployed') return known.environment === event.environment && known.release.deployedAt === event.release.deployedAt;
    if (event.type === 'verified') return known.environment === event.environment && known.state !== 'unverified';
    return event.type === 'rolled-back' && known.environment === event.environment && known.state === 'rolled-back';
  });
}

function readEvent(text: string, step: Step, environment: string, service: string): EventBody | undefined {
  let event: Readonly<Record<string, unknown>> | undefined;
  try {
    event = recordOf(JSON.parse(text));
  } catch {
    return undefined; // cut off, or not an event
  }
  if (event?.['environment'] !== environment) return undefined;
  const previous = releaseOf(event['previous']);
  switch (event['type']) {
    case 'deployed': {
      const release = releaseOf(event['release']);
      if (step.deploy === undefined || !release || event['service'] !== service) return undefined;
      const url = textOf(event['url']) ?? '';
      return { type: 'deployed', environment, service, url: /^https?:\/\//.test(url) ? url : '', release, ...present({ previous }) };
    }
    case 'verified':
      return step.verifies === undefined ? undefined : { type: 'verified', environment, step: step.name };
    case 'rolled-back': {
      const [from, to] = [releaseOf(event['from']), releaseOf(event['to'])];
      const { errorsMs } = event;
      if (!from) return undefined;
      return {
        type: 'rolled-back',
        environment,
        from,
        to,
        reason: (textOf(event['reason']) ?? 'it was rolled back').slice(0, 500),
        errorsMs: typeof errorsMs === 'number' && errorsMs >= 0 ? errorsMs : undefined,
      };
    }
    default:
      return undefined;
  }
}

function releaseOf(value: unknown): Release | undefined {
  const release = recordOf(value);
  const [id, commit, tree, deployedAt] = ['id', 'commit', 'tree', 'deployedAt'].map((name) => textOf(release?.[name]));
  if (id === undefined || commit === undefined || tree === undefined || deployedAt === undefined) return undefined;
  if ([commit, tree].some((hash) => !/^[0-9a-f]{40,64}$/.test(hash)) || Number.isNaN(Date.parse(deployedAt))) return undefined;
  const [subject, by] = ['subject', 'by'].map((name) => textOf(release?.[name])?.slice(0, 300));
  return {
    id,
    commit,
    tree,
    deployedAt,
    ...present({
      subject,
      by,
      dirty: release?.['dirty'] === true ? (true as const) : undefined,
      verified: release?.['verified'] === true ? (true as const) : undefined,
    }),
  };
}
