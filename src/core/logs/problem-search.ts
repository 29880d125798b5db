import * as fs from 'node:fs';
import type { Worker } from 'node:worker_threads';
import type { LogPart, LogProblems } from './log-problems';
import type { SelectedMatchers } from './matchers/select';
import type { Question } from './problem-worker';

/** The maximum size of a log that is searched in this thread, in bytes. Starting a worker takes longer. */
const smallLog = 128 * 1024;

/** The time limit of a matcher for one line. */
const lineMs = 500;

export interface SearchResult extends LogProblems {
  /** A message for each matcher that was disabled. */
  readonly notices: readonly string[];
}

/** The number, from 1, of the custom matcher that does not return, and its line. */
interface Stuck {
  readonly stuck: number;
  readonly line: number;
}

/** Searches the logs of a run for problems: small logs in this thread, large ones in a worker thread. */
export class ProblemSearch {
  private worker: Worker | undefined;
  private turn: Promise<unknown> = Promise.resolve();

  /** `program` is the built `problem-worker.ts`. All built files are in one folder. */
  constructor(private readonly program: string | URL = new URL('problem-worker.js', import.meta.url)) {}

  /** Finds problems in a part of a log. Throws if the log cannot be read. */
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

  /** Few runs need a worker, so its module is loaded on demand. */
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
        // A single check: the matcher may have continued by the next one.
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
