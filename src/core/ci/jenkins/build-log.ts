import { StringDecoder } from 'node:string_decoder';
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { noJson } from '../../http/api';
import { messageOf } from '../../model/result';
import { ok, type LogEnd, type CiFailure, type RemoteJob, type CiResult } from '../ci-client';
import { AnnotatedLog } from './annotated-log';
import { unexpected, type JenkinsApi } from './jenkins-api';
import { wholeBuild } from './stages';

/**
 * The log of one build, downloaded once for all of its stages. Only complete answers count: Jenkins reports an offset only at the
 * end of an answer.
 */
export class BuildLog {
  private readonly spool = new LogSpool();
  /** The enclosing block of each node. */
  private readonly enclosing = new Map<string, string>();
  private readonly ended = new Set<string>();
  /** The read position of each job: an offset in the spool, and the number of bytes of the job's log before it. */
  private readonly cursors = new Map<string, { readonly at: number; readonly bytes: number }>();
  /** The offset of the next answer in Jenkins' count, and the node at its start. */
  private start = 0;
  private node: string | undefined;
  private isWhole = false;
  /** The number of answers, and the last one that each job has read. */
  private answers = 0;
  private readonly served = new Map<string, number>();
  private pending: Promise<CiFailure | undefined> | undefined;

  constructor(
    private readonly server: JenkinsApi,
    private readonly number: number,
  ) {}

  /** Writes the log of a job from a byte on. Jobs share the downloaded answers. */
  async read(
    jobs: readonly RemoteJob[],
    job: RemoteJob,
    from: number,
    write: (bytes: Buffer) => void,
    signal: AbortSignal,
  ): Promise<CiResult<LogEnd>> {
    const failure = await this.refresh(job.id, signal);
    if (failure) return failure;
    const isSplit = jobs.some(({ id }) => id !== wholeBuild);
    if (isSplit && this.isWhole && this.enclosing.size === 0 && this.start > 0)
      return unexpected('the log of Jenkins does not assign its lines to stages', 'its plugin “Pipeline: Job” may be older than 2.26');
    const jobIds = new Set(jobs.map(({ id }) => id));
    const known = this.cursors.get(job.id);
    const cursor = known && known.bytes <= from ? known : { at: 0, bytes: 0 };
    let { bytes: at } = cursor;
    for (const { node, bytes } of this.spool.parts(cursor.at)) {
      if (this.jobAround(node, jobIds) !== job.id) continue;
      if (at + bytes.length > from) write(bytes.subarray(Math.max(0, from - at)));
      at += bytes.length;
    }
    this.cursors.set(job.id, { at: this.spool.size, bytes: at });
    const isOver = job.state !== 'running' && job.state !== 'waiting';
    return ok({ isWhole: isOver && (this.isWhole || this.ended.has(job.id)) });
  }

  /**
   * Returns why a build waits for a machine. Only its log contains the reason (workflow-durable-task-step,
   * `ExecutorStepExecution`): the queue item names no build.
   */
  async lackOfMachine(signal: AbortSignal): Promise<string | undefined> {
    if (await this.refresh('machine', signal)) return undefined;
    let last: Buffer | undefined;
    for (const { node, bytes } of this.spool.parts(0)) if (node !== undefined) last = bytes;
    return /(?:^|\n)Still waiting to schedule task\n([^\n]+)\n$/.exec(last?.toString() ?? '')?.[1];
  }

  close(): void {
    this.spool.close();
  }

  /** Shows each answer to each job once. A job that waits for another job's request sends its own if that one is cancelled. */
  private async refresh(reader: string, signal: AbortSignal): Promise<CiFailure | undefined> {
    while (!this.isWhole && (this.served.get(reader) ?? 0) >= this.answers) {
      const isOwn = this.pending === undefined;
      this.pending ??= this.readNext(signal).finally(() => (this.pending = undefined));
      const failure = await this.pending;
      if (failure && (isOwn || signal.aborted)) return failure;
    }
    this.served.set(reader, this.answers);
    return undefined;
  }

  /** Returns the id of the innermost job around a node; the id of the whole build if none is. */
  private jobAround(node: string | undefined, jobIds: ReadonlySet<string>): string {
    for (let at = node; at !== undefined; at = this.enclosing.get(at)) if (jobIds.has(at)) return at;
    return wholeBuild;
  }

  private async readNext(signal: AbortSignal): Promise<CiFailure | undefined> {
    this.spool.rewind(this.spool.size);
    const reading = new AnnotatedLog(this.node, (node, text) => this.spool.add(node, text));
    const answer = await this.fetch(reading, signal);
    if (answer.state === 'failed') return answer;
    const node = reading.end();
    if (reading.isDoubtful) return this.restart();
    const error = this.spool.keep();
    if (error) return unexpected(`the log of build ${this.number} cannot be kept in a temporary file: ${messageOf(error)}`);
    for (const [node, block] of reading.enclosing) this.enclosing.set(node, block);
    for (const block of reading.ended) this.ended.add(block);
    this.node = node;
    ({ size: this.start, isWhole: this.isWhole } = answer.value);
    this.answers += 1;
    return undefined;
  }

  /** Makes the next request read the log from its start. */
  private restart(): undefined {
    this.spool.rewind(0);
    this.ended.clear();
    this.cursors.clear();
    this.served.clear();
    this.answers = this.start = 0;
    this.node = undefined;
  }

  private async fetch(reading: AnnotatedLog, signal: AbortSignal): Promise<CiResult<{ readonly size: number; readonly isWhole: boolean }>> {
    let page = '';
    const decoder = new StringDecoder('utf8');
    const path = `${this.server.jobPath}/${this.number}/logText/progressiveHtml?start=${this.start}`;
    const { asking } = this.server;
    const answer = await asking.api.stream(
      path,
      (bytes, { headers }) => {
        // Without this header the response is another page, such as a sign-in.
        if (headers['x-text-size'] !== undefined) reading.push(decoder.write(bytes));
        else if (page.length < 1000) page += bytes.toString();
      },
      signal,
      { Accept: 'text/html, */*', 'Accept-Encoding': 'identity' },
    );
    if (answer.state === 'failed') return answer.status === 404 ? { ...answer, gone: true } : answer;
    asking.heard(answer.headers);
    const size = Number(answer.headers['x-text-size'] ?? NaN);
    if (!Number.isSafeInteger(size) || size < this.start)
      return page === ''
        ? unexpected('Jenkins does not report the length of its log')
        : noJson(page, answer.headers, answer.url, answer.status);
    reading.push(decoder.end());
    return ok({ size, isWhole: answer.headers['x-more-data'] !== 'true' });
  }
}

/** Each log has a temporary file. */
const maxLogs = 8;

/** The logs of the builds that were read last. */
export class BuildLogs {
  private readonly logs = new Map<number, BuildLog>();

  constructor(private readonly server: JenkinsApi) {}

  /** Returns the log of a build. Closes the least recently read log, which is downloaded again on demand. */
  get(number: number): BuildLog {
    const log = this.logs.get(number) ?? new BuildLog(this.server, number);
    this.logs.delete(number);
    this.close(maxLogs - 1);
    this.logs.set(number, log);
    return log;
  }

  /** Closes all logs except the latest `max`. */
  close(max = 0): void {
    for (const [number, log] of this.logs) {
      if (this.logs.size <= max) break;
      log.close();
      this.logs.delete(number);
    }
  }
}

/** The header of a record: the node as a number (8 bytes) and the length of its text (4 bytes). */
const header = 12;
const maxRecordText = 64 << 10;

/** The log of a build by node, in a temporary file, so that memory use does not depend on its length. */
export class LogSpool {
  /** The end of the kept text in the file. */
  size = 0;
  private file = -1;
  private written = 0;
  private node: string | undefined;
  private text = '';
  private error: Error | undefined;

  /** Adds text of a node; undefined is the build itself. */
  add(node: string | undefined, text: string): void {
    if (node !== this.node || this.text.length > maxRecordText) this.flush();
    this.node = node;
    this.text += text;
  }

  /** Keeps the added text. Returns an error if the file cannot hold it. */
  keep(): Error | undefined {
    this.flush();
    if (!this.error) this.size = this.written;
    return this.error;
  }

  /** Drops all text after the first `size` bytes of the file. */
  rewind(size: number): void {
    this.size = this.written = size;
    this.text = '';
    this.error = undefined;
  }

  /** Returns the kept text from an earlier `size` on, in order of printing. */
  *parts(from: number): Generator<{ readonly node: string | undefined; readonly bytes: Buffer }> {
    for (let at = from; at < this.size;) {
      // Not reused, because readers keep parts of it.
      const chunk = Buffer.allocUnsafe(Math.min(4 * maxRecordText, this.size - at));
      fs.readSync(this.file, chunk, 0, chunk.length, at);
      let begin = 0;
      while (begin + header <= chunk.length) {
        const end = begin + header + chunk.readUInt32LE(begin + 8);
        if (end > chunk.length) break;
        const node = chunk.readDoubleLE(begin);
        yield { node: node < 0 ? undefined : String(node), bytes: chunk.subarray(begin + header, end) };
        begin = end;
      }
      at += begin;
    }
  }

  close(): void {
    if (this.file >= 0) fs.closeSync(this.file);
    this.file = -1;
  }

  private flush(): void {
    const bytes = Buffer.from(this.text);
    this.text = '';
    try {
      for (let at = 0; at < bytes.length; at += maxRecordText) this.write(bytes.subarray(at, at + maxRecordText));
    } catch (error) {
      this.error ??= error as Error;
    }
  }

  private write(text: Buffer): void {
    const record = Buffer.concat([Buffer.alloc(header), text]);
    record.writeDoubleLE(Number(this.node ?? -1));
    record.writeUInt32LE(text.length, 8);
    // A closed file is not opened again: its text is lost.
    if (this.file < 0 && this.written === 0) this.file = unnamedFile();
    for (let at = 0; at < record.length;) at += fs.writeSync(this.file, record, at, record.length - at, this.written + at);
    this.written += record.length;
  }
}

/** Opens a file that is deleted when it is closed or the process ends. */
function unnamedFile(): number {
  const name = path.join(os.tmpdir(), `deliver-log-${randomBytes(8).toString('hex')}`);
  const file = fs.openSync(name, 'wx+', 0o600);
  fs.rmSync(name, { force: true, maxRetries: 3 });
  return file;
}
