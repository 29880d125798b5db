import * as fs from 'node:fs';
import { builtInMatchers } from './matchers/built-in';
import type { Matcher } from './matchers/matcher';
import { patternMatcher } from './matchers/pattern';
import type { SelectedMatchers } from './matchers/select';
import type { FoundProblem } from '../model/problem';
import { ProblemFinder } from './problem-finder';
import type { Watch } from './problem-stream';

/** The maximum number of problems of one step. The number of further problems is reported. */
export const mostProblems = 1000;

const pieceBytes = 256 * 1024;

/** A range in bytes. `to` may exceed the size of the log. */
export interface LogPart {
  readonly file: string;
  readonly from: number;
  readonly to: number;
}

export interface LogProblems {
  readonly problems: FoundProblem[];
  /** The number of problems beyond the maximum. */
  readonly more: number;
}

/** Finds problems in a part of a log. Throws if the log cannot be read. */
export function findInLog({ file, from, to }: LogPart, wanted: SelectedMatchers, watch?: Watch): LogProblems {
  const problems: FoundProblem[] = [];
  let more = 0;
  const finder = new ProblemFinder(
    matchersFor(wanted),
    (problem) => {
      if (problems.length < mostProblems) problems.push(problem);
      else more += 1;
    },
    watch,
  );
  const descriptor = fs.openSync(file, 'r');
  try {
    const buffer = Buffer.allocUnsafe(pieceBytes);
    for (let at = from; at < to;) {
      const count = fs.readSync(descriptor, buffer, 0, Math.min(buffer.length, to - at), at);
      if (count === 0) break;
      finder.take(buffer.subarray(0, count));
      at += count;
    }
  } finally {
    fs.closeSync(descriptor);
  }
  finder.end();
  // Some problems are known only after later ones.
  problems.sort((a, b) => (a.logLine ?? 0) - (b.logLine ?? 0));
  return { problems, more };
}

/** Exported here so that matcher selection and search load together. */
export { selectMatchers } from './matchers/select';

function matchersFor({ builtIn, own }: SelectedMatchers): Matcher[] {
  const named = builtIn === undefined ? builtInMatchers : builtInMatchers.filter((matcher) => builtIn.includes(matcher.name));
  return [...named, ...own.map(patternMatcher)];
}
