import { StringDecoder } from 'node:string_decoder';
import { noJson } from '../../../http/api';
import { told, type LogEnd, type RemoteFailure, type RemoteJob, type Told } from '../remote-engine';
import { AnnotatedLog, type LogState } from './annotated-log';
import { unclear, type JenkinsApi } from './jenkins-api';
import { wholeBuild } from './stages';

interface Part {
  readonly node: string | undefined;
  readonly bytes: Buffer;
}

interface Answer {
  readonly reading: AnnotatedLog;
  readonly parts: readonly Part[];
  readonly size: number;
  readonly isMore: boolean;
  readonly state: LogState;
}

/**
 * How lines of a build's own begin that stand among those of its steps (workflow-job, `WorkflowRun`; workflow-cps): where one may be
 * taken for a step's, the log is read from its start, which tells them apart for certain.
 */
const ownLine =
  /^(?:Aborted by |Superseded by |Cancel+ed |Click here to forcibly |Terminating |Hard kill!|Pausing|Resuming|Ready to run at |Not built)/m;

/**
 * The log of one build, read on from where it was read to, for all of its stages at once. Only what arrived whole counts: Jenkins
 * says where to go on after an answer, and where in its own log a part of one lies is not known.
 */
export class BuildLog {
  /** How much is held. */
  size = 0;
  private readonly parts: Part[] = [];
  private readonly enclosing = new Map<string, string>();
  private readonly ended = new Set<string>();
  private state: LogState = { node: undefined };
  private start = 0;
  private isWhole = false;
  private hasMarks = false;
  /** How many answers there were, and how many of them each job had when it was last asked for. */
  private answers = 0;
  private readonly served = new Map<string, number>();
  private going: Promise<RemoteFailure | undefined> | undefined;

  constructor(
    private readonly server: JenkinsApi,
    private readonly number: number,
  ) {}

  /** What the log of a job holds from a byte on. Jobs that are asked for in turn share an answer. */
  async read(
    jobs: readonly RemoteJob[],
    job: RemoteJob,
    from: number,
    write: (bytes: Buffer) => void,
    signal: AbortSignal,
  ): Promise<Told<LogEnd>> {
    const failure = await this.refresh(job.id, signal);
    if (failure) return failure;
    const homes = new Set(jobs.map(({ id }) => id));
    const isSplit = jobs.some(({ id }) => id !== wholeBuild);
    if (isSplit && this.isWhole && !this.hasMarks && this.parts.length > 0)
      return unclear('the log of Jenkins does not say what belongs to which stage', 'its plugin “Pipeline: Job” may be older than 2.26');
    let at = 0;
    for (const { node, bytes } of this.parts) {
      if (this.homeOf(node, homes) !== job.id) continue;
      if (at + bytes.length > from) write(bytes.subarray(Math.max(0, from - at)));
      at += bytes.length;
    }
    const isOver = job.state !== 'running' && job.state !== 'waiting';
    return told({ isWhole: isOver && (this.isWhole || this.ended.has(job.id)) });
  }

  /** Why a build gets no machine, in Jenkins's words (workflow-durable-task-step, `ExecutorStepExecution`): the queue does not say whose it is. */
  async lackOfMachine(signal: AbortSignal): Promise<string | undefined> {
    if (await this.refresh('machine', signal)) return undefined;
    const last = this.parts.findLast(({ node }) => node !== undefined);
    return /(?:^|\n)Still waiting to schedule task\n([^\n]+)\n$/.exec(last?.bytes.toString() ?? '')?.[1];
  }

  /** Each that asks in turn sees every answer once. Who waits for the request of another asks anew when that gave it up. */
  private async refresh(asks: string, signal: AbortSignal): Promise<RemoteFailure | undefined> {
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

  private async goOn(signal: AbortSignal): Promise<RemoteFailure | undefined> {
    let answer = await this.fetch(this.start, this.state, signal);
    const isDoubtful = answer.state === 'told' && ownLine.test(answer.value.reading.lead);
    if (isDoubtful) answer = await this.fetch(0, { node: undefined }, signal);
    if (answer.state === 'failed') return answer;
    const { reading, parts, size, isMore, state } = answer.value;
    if (isDoubtful) {
      this.parts.length = 0;
      this.size = 0;
    }
    for (const [node, block] of reading.enclosing) this.enclosing.set(node, block);
    for (const block of reading.ended) this.ended.add(block);
    this.hasMarks ||= reading.enclosing.size > 0;
    for (const part of joined(parts)) {
      this.parts.push(part);
      this.size += part.bytes.length;
    }
    this.state = state;
    this.start = size;
    this.isWhole = !isMore;
    this.answers += 1;
    return undefined;
  }

  private async fetch(start: number, from: LogState, signal: AbortSignal): Promise<Told<Answer>> {
    const parts: Part[] = [];
    let page = '';
    const reading = new AnnotatedLog(from, ({ node, text }) => parts.push({ node, bytes: Buffer.from(text) }));
    const decoder = new StringDecoder('utf8');
    const path = `${this.server.jobPath}/${this.number}/logText/progressiveHtml?start=${start}`;
    const { asking } = this.server;
    const answer = await asking.api.stream(
      path,
      (bytes, { headers }) => {
        // Without it, it is another page: that of a sign-in, say.
        if (headers['x-text-size'] !== undefined) reading.push(decoder.write(bytes));
        else if (page.length < 1000) page += bytes.toString();
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
    return told({ reading, parts, size, isMore: answer.headers['x-more-data'] === 'true', state });
  }
}

function joined(parts: readonly Part[]): Part[] {
  const groups: { node: string | undefined; bytes: Buffer[] }[] = [];
  for (const { node, bytes } of parts) {
    const last = groups.at(-1);
    if (last && last.node === node) last.bytes.push(bytes);
    else groups.push({ node, bytes: [bytes] });
  }
  return groups.map(({ node, bytes }) => ({ node, bytes: Buffer.concat(bytes) }));
}
