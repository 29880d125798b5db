import { StringDecoder } from 'node:string_decoder';
import { noJson } from '../../http/api';
import { ok, type LogEnd, type CiFailure, type RemoteJob, type CiResult } from '../ci-client';
import { AnnotatedLog, type LogState, type Piece } from './annotated-log';
import { unclear, type JenkinsApi } from './jenkins-api';
import { LogWindow } from './log-window';
import { wholeBuild } from './stages';

interface Answer {
  readonly reading: AnnotatedLog;
  readonly size: number;
  readonly isMore: boolean;
  readonly state: LogState;
}

/** A place of the log where it can be gone on from, and how much of each node stands before it. */
interface KnownPlace {
  readonly start: number;
  readonly state: LogState;
  readonly printed: ReadonlyMap<string | undefined, number>;
}

const beginning: KnownPlace = { start: 0, state: { node: undefined }, printed: new Map() };

/** Of one build's log, in memory. */
export const mostHeld = 2 << 20;

/**
 * The log of one build, read on from where it was read to, for all of its stages at once. Only what arrived whole counts: Jenkins
 * says where to go on after an answer, and where in its own log a part of one lies is not known. The end of it is held; what a stage
 * printed before that is read once more, for that stage alone, and handed on as it arrives.
 */
export class BuildLog {
  private readonly window: LogWindow;
  private readonly enclosing = new Map<string, string>();
  private readonly ended = new Set<string>();
  private state: LogState = { node: undefined };
  /** Where the last answer began that is not held as a whole: who read all before it goes on from there. */
  private known = beginning;
  private start = 0;
  private isWhole = false;
  private hasMarks = false;
  /** How many answers there were, and how many of them each job had when it was last asked for. */
  private answers = 0;
  private readonly served = new Map<string, number>();
  private going: Promise<CiFailure | undefined> | undefined;

  constructor(
    private readonly server: JenkinsApi,
    private readonly number: number,
    private readonly most = mostHeld,
  ) {
    this.window = new LogWindow(most);
  }

  /** About how many bytes of memory its text takes. */
  get held(): number {
    return this.window.size;
  }

  /** What the log of a job holds from a byte on. Jobs that are asked for in turn share an answer. */
  async read(
    jobs: readonly RemoteJob[],
    job: RemoteJob,
    from: number,
    write: (bytes: Buffer) => void,
    signal: AbortSignal,
  ): Promise<CiResult<LogEnd>> {
    const failure = await this.refresh(job.id, signal);
    if (failure) return failure;
    const homes = new Set(jobs.map(({ id }) => id));
    const isSplit = jobs.some(({ id }) => id !== wholeBuild);
    if (isSplit && this.isWhole && !this.hasMarks && this.start > 0)
      return unclear('the log of Jenkins does not say what belongs to which stage', 'its plugin “Pipeline: Job” may be older than 2.26');
    const isOwn = (node: string | undefined): boolean => this.homeOf(node, homes) === job.id;
    let at = sum(this.window.before, isOwn);
    if (from < at) {
      const broken = await this.readAnew(isOwn, from, write, signal);
      if (broken) return broken;
    } else
      for (const { node, bytes } of this.window.parts()) {
        if (!isOwn(node)) continue;
        if (at + bytes.length > from) write(bytes.subarray(Math.max(0, from - at)));
        at += bytes.length;
      }
    const isOver = job.state !== 'running' && job.state !== 'waiting';
    return ok({ isWhole: isOver && (this.isWhole || this.ended.has(job.id)) });
  }

  /** Why a build gets no machine, in Jenkins's words (workflow-durable-task-step, `ExecutorStepExecution`): the queue does not say whose it is. */
  async lackOfMachine(signal: AbortSignal): Promise<string | undefined> {
    if (await this.refresh('machine', signal)) return undefined;
    const last = this.window.parts().findLast(({ node }) => node !== undefined);
    return /(?:^|\n)Still waiting to schedule task\n([^\n]+)\n$/.exec(last?.bytes.toString() ?? '')?.[1];
  }

  /** Each that asks in turn sees every answer once. Who waits for the request of another asks anew when that gave it up. */
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

  /** The job that a node is in: the block around it that is one. What is in none is that of the build, if that is one. */
  private homeOf(node: string | undefined, homes: ReadonlySet<string>): string {
    for (let at = node; at !== undefined; at = this.enclosing.get(at)) if (homes.has(at)) return at;
    return wholeBuild;
  }

  private async goOn(signal: AbortSignal): Promise<CiFailure | undefined> {
    let fresh = new LogWindow(this.most);
    let answer = await this.fetch(this.start, new AnnotatedLog(this.state, intoWindow(fresh)), signal);
    const isDoubtful = answer.state === 'ok' && answer.value.reading.isDoubtful;
    if (isDoubtful) {
      fresh = new LogWindow(this.most);
      answer = await this.fetch(0, new AnnotatedLog({ node: undefined }, intoWindow(fresh)), signal);
    }
    if (answer.state === 'failed') return answer;
    const { reading, size, isMore, state } = answer.value;
    if (isDoubtful) {
      this.window.clear();
      this.known = beginning;
    } else if (fresh.isPart) this.known = { start: this.start, state: this.state, printed: this.window.printed() };
    for (const [node, block] of reading.enclosing) this.enclosing.set(node, block);
    for (const block of reading.ended) this.ended.add(block);
    this.hasMarks ||= reading.enclosing.size > 0;
    this.window.append(fresh);
    this.state = state;
    this.start = size;
    this.isWhole = !isMore;
    this.answers += 1;
    return undefined;
  }

  /** To where it is known to; what comes after that is told by the next answer. */
  private async readAnew(
    isOwn: (node: string | undefined) => boolean,
    from: number,
    write: (bytes: Buffer) => void,
    signal: AbortSignal,
  ): Promise<CiFailure | undefined> {
    const all = sum(this.window.printed(), isOwn);
    const { start, state, printed } = sum(this.known.printed, isOwn) <= from ? this.known : beginning;
    const size = this.start;
    const enough = new AbortController();
    let at = sum(printed, isOwn);
    const reading = new AnnotatedLog(state, ({ node, text }) => {
      if (at >= all || !isOwn(node)) return;
      const bytes = Buffer.from(text);
      if (at + bytes.length > from) write(bytes.subarray(Math.max(0, from - at), all - at));
      at += bytes.length;
    });
    const isEnough = (): void => {
      if (at >= all) enough.abort();
    };
    const answer = await this.fetch(start, reading, AbortSignal.any([signal, enough.signal]), isEnough);
    if (enough.signal.aborted) return undefined;
    if (answer.state === 'failed') return answer;
    return answer.value.size < size ? unclear('Jenkins answered a log as it was before') : undefined;
  }

  private async fetch(start: number, reading: AnnotatedLog, signal: AbortSignal, had?: () => void): Promise<CiResult<Answer>> {
    let page = '';
    const decoder = new StringDecoder('utf8');
    const path = `${this.server.jobPath}/${this.number}/logText/progressiveHtml?start=${start}`;
    const { asking } = this.server;
    const answer = await asking.api.stream(
      path,
      (bytes, { headers }) => {
        // Without it, it is another page: that of a sign-in, say.
        if (headers['x-text-size'] !== undefined) reading.push(decoder.write(bytes));
        else if (page.length < 1000) page += bytes.toString();
        had?.();
      },
      signal,
      { Accept: 'text/html, */*', 'Accept-Encoding': 'identity' },
    );
    if (answer.state === 'failed') return answer.status === 404 ? { ...answer, gone: true } : answer;
    asking.heard(answer.headers);
    const size = Number(answer.headers['x-text-size'] ?? NaN);
    if (!Number.isSafeInteger(size) || size < start)
      return page === '' ? unclear('Jenkins does not say how long its log is') : noJson(page, answer.headers, answer.url, answer.status);
    reading.push(decoder.end());
    const state = reading.end();
    return ok({ reading, size, isMore: answer.headers['x-more-data'] === 'true', state });
  }
}

function sum(printed: ReadonlyMap<string | undefined, number>, isOwn: (node: string | undefined) => boolean): number {
  let bytes = 0;
  for (const [node, each] of printed) if (isOwn(node)) bytes += each;
  return bytes;
}

function intoWindow(window: LogWindow): (piece: Piece) => void {
  return ({ node, text }) => window.add({ node, bytes: Buffer.from(text) });
}
