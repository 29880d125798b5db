import { StringDecoder } from 'node:string_decoder';
import { noJson } from '../../http/api';
import { ok, type LogEnd, type CiFailure, type RemoteJob, type CiResult } from '../ci-client';
import { AnnotatedLog } from './annotated-log';
import { unclear, type JenkinsApi } from './jenkins-api';
import { LogSpool } from './log-spool';
import { wholeBuild } from './stages';

/**
 * The log of one build, downloaded once for all of its stages. Only answers that arrived whole count: Jenkins gives the offset after an
 * answer, and none within it.
 */
export class BuildLog {
  private readonly spool = new LogSpool();
  /** The block around each node. */
  private readonly enclosing = new Map<string, string>();
  /** Blocks that ended. */
  private readonly ended = new Set<string>();
  /** How far each job was read: an offset in the spool, and the bytes of its own log before it. */
  private readonly cursors = new Map<string, { readonly at: number; readonly bytes: number }>();
  /** The offset of the next answer, as Jenkins counts, and the node whose text it begins with. */
  private start = 0;
  private node: string | undefined;
  private isWhole = false;
  /** The number of answers so far, and when each job was last read. */
  private answers = 0;
  private readonly served = new Map<string, number>();
  private going: Promise<CiFailure | undefined> | undefined;

  constructor(
    private readonly server: JenkinsApi,
    private readonly number: number,
  ) {}

  /** Writes the log of a job from a byte on. Jobs that are read in turn share an answer. */
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
      return unclear('the log of Jenkins does not say what belongs to which stage', 'its plugin “Pipeline: Job” may be older than 2.26');
    const homes = new Set(jobs.map(({ id }) => id));
    const known = this.cursors.get(job.id);
    const cursor = known && known.bytes <= from ? known : { at: 0, bytes: 0 };
    let { bytes: at } = cursor;
    for (const { node, bytes } of this.spool.parts(cursor.at)) {
      if (this.homeOf(node, homes) !== job.id) continue;
      if (at + bytes.length > from) write(bytes.subarray(Math.max(0, from - at)));
      at += bytes.length;
    }
    this.cursors.set(job.id, { at: this.spool.size, bytes: at });
    const isOver = job.state !== 'running' && job.state !== 'waiting';
    return ok({ isWhole: isOver && (this.isWhole || this.ended.has(job.id)) });
  }

  /** Returns why a build gets no machine: only its log says so (workflow-durable-task-step, `ExecutorStepExecution`), the queue names no build. */
  async lackOfMachine(signal: AbortSignal): Promise<string | undefined> {
    if (await this.refresh('machine', signal)) return undefined;
    let last: Buffer | undefined;
    for (const { node, bytes } of this.spool.parts(0)) if (node !== undefined) last = bytes;
    return /(?:^|\n)Still waiting to schedule task\n([^\n]+)\n$/.exec(last?.toString() ?? '')?.[1];
  }

  close(): void {
    this.spool.close();
  }

  /** Lets each job see every answer once. A job that waits for the request of another sends its own when that one gives up. */
  private async refresh(asks: string, signal: AbortSignal): Promise<CiFailure | undefined> {
    while (!this.isWhole && (this.served.get(asks) ?? 0) >= this.answers) {
      const isOwn = this.going === undefined;
      this.going ??= this.goOn(signal).finally(() => (this.going = undefined));
      const failure = await this.going;
      if (failure && (isOwn || signal.aborted)) return failure;
    }
    this.served.set(asks, this.answers);
    return undefined;
  }

  /** Returns the id of the innermost job around a node; that of the whole build where none is. */
  private homeOf(node: string | undefined, homes: ReadonlySet<string>): string {
    for (let at = node; at !== undefined; at = this.enclosing.get(at)) if (homes.has(at)) return at;
    return wholeBuild;
  }

  private async goOn(signal: AbortSignal): Promise<CiFailure | undefined> {
    this.spool.rewind(this.spool.size);
    const reading = new AnnotatedLog(this.node, (node, text) => this.spool.add(node, text));
    const answer = await this.fetch(reading, signal);
    if (answer.state === 'failed') return answer;
    const node = reading.end();
    if (reading.isDoubtful) return this.beginAgain();
    const error = this.spool.keep();
    if (error) return unclear(`the log of build ${this.number} cannot be kept in a temporary file: ${error.message}`);
    for (const [node, block] of reading.enclosing) this.enclosing.set(node, block);
    for (const block of reading.ended) this.ended.add(block);
    this.node = node;
    ({ size: this.start, isWhole: this.isWhole } = answer.value);
    this.answers += 1;
    return undefined;
  }

  /** Makes the next request read the log from its start. */
  private beginAgain(): undefined {
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
        // Without this header it is another page: that of a sign-in, say.
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
      return page === '' ? unclear('Jenkins does not say how long its log is') : noJson(page, answer.headers, answer.url, answer.status);
    reading.push(decoder.end());
    return ok({ size, isWhole: answer.headers['x-more-data'] !== 'true' });
  }
}
