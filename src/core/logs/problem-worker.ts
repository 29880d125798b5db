import { parentPort } from 'node:worker_threads';
import { findInLog, type LogPart } from './log-problems';
import type { SelectedMatchers } from './matchers/select';

/** A request to the worker. `watched` holds the number of the active matcher (0: none) and of its line. */
export interface Question {
  readonly part: LogPart;
  readonly wanted: SelectedMatchers;
  readonly watched: Int32Array;
}

// A worker thread keeps large logs and slow custom expressions from blocking the run.
parentPort?.on('message', ({ part, wanted, watched }: Question) => {
  const numbers = new Map(wanted.own.map((matcher, index) => [matcher.name, index + 1]));
  const watch = {
    reading: (matcher: string, line: number) => {
      Atomics.store(watched, 1, line);
      Atomics.store(watched, 0, numbers.get(matcher) ?? 0);
    },
    done: () => Atomics.store(watched, 0, 0),
  };
  parentPort?.postMessage(findInLog(part, wanted, watch));
});
