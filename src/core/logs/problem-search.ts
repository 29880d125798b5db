import * as fs from 'node:fs';
import type { Worker } from 'node:worker_threads';
import type { LogPart, LogProblems } from './log-problems';
import type { SelectedMatchers } from './matchers/select';
import type { Question } from './problem-worker';

/** A log up to this size is read where we are: sooner done than a thread is started. */
const smallLog = 128 * 1024;

/** How long one matcher may take for one line. */
const lineMs = 500;

export interface SearchResult extends LogProblems {
  /** A sentence for each matcher that was given up. */
  readonly notices: readonly string[];
}

/** The number of the own matcher, from 1, that does not return, and its line. */
interface Stuck {
  readonly stuck: number;
  readonly line: number;
}

/** Looks for problems in the logs of one run: small ones at once, others in a thread of its own. */
export class ProblemSearch {
  private worker: Worker | undefined;
  private turn: Promise<unknown> = Promise.resolve();

  /** `program` is the built `problem-worker.ts`. All built files are in one folder. */
  constructor(private readonly program: string | URL = new URL('problem-worker.js', import.meta.url)) {}

  /** What is wanted of a part of a log. Throws where it cannot be read. */
  async find(part: LogPart, wanted: SelectedMatchers): Promise<SearchResult> {
    const size = Math.min(fs.statSync(part.file).size, part.to) - part.from;
    const isNothing = wanted.builtIn?.length === 0 && wanted.own.length === 0;
    if (size <= 0 || isNothing) return { problems: [], more: 0, notices: [] };
    if (size <= smallLog && wanted.own.length === 0) {
      const { findInLog } = await import('./log-problems');
      return { ...findInLog(part, wanted), notices: [] };
    }
    const answer = this.turn.then(async () => this.findApart(part, wanted));
    this.turn = answer.catch(() => {});
    return answer;
  }

  dispose(): void {
    void this.worker?.terminate();
    this.worker = undefined;
  }

  private async findApart(part: LogPart, wanted: SelectedMatchers, notices: readonly string[] = []): Promise<SearchResult> {
    const watched = new Int32Array(new SharedArrayBuffer(8));
    const answer = await this.ask({ part, wanted, watched });
    if (!('stuck' in answer)) return { ...answer, notices };
    this.dispose();
    const slow = wanted.own[answer.stuck - 1];
    const notice = `the problem matcher ${slow?.name} took longer than ${lineMs} ms for line ${answer.line} of the log, and was left out`;
    const others = { ...wanted, own: wanted.own.filter((matcher) => matcher !== slow) };
    return this.findApart(part, others, [...notices, notice]);
  }

  /** Few runs need a thread, so not even what makes one is loaded before. */
  private async start(): Promise<Worker> {
    const threads = await import('node:worker_threads');
    return new threads.Worker(this.program);
  }

  private async ask(question: Question): Promise<LogProblems | Stuck> {
    const worker = (this.worker ??= await this.start());
    return new Promise((resolve, reject) => {
      const { watched } = question;
      let before: Stuck = { stuck: 0, line: 0 };
      const timer = setInterval(() => {
        // Once: by the next look it may have gone on.
        const now = { stuck: Atomics.load(watched, 0), line: Atomics.load(watched, 1) };
        if (now.stuck > 0 && now.stuck === before.stuck && now.line === before.line) settle(() => resolve(now));
        before = now;
      }, lineMs);
      const settle = (how: () => void): void => {
        clearInterval(timer);
        worker.removeAllListeners();
        how();
      };
      worker.once('message', (answer: LogProblems) => settle(() => resolve(answer)));
      worker.once('error', (error) => {
        this.worker = undefined;
        settle(() => reject(error));
      });
      worker.postMessage(question);
    });
  }
}
