import * as fs from 'node:fs';
import { builtInMatchers } from './matchers/built-in';
import type { Matcher } from './matchers/matcher';
import { patternMatcher } from './matchers/pattern';
import type { SelectedMatchers } from './matchers/select';
import type { FoundProblem } from '../model/problem';
import { ProblemFinder, type Watch } from './problem-finder';

/** More than these of one step help nobody; how many there are more is said. */
export const mostProblems = 1000;

const pieceBytes = 256 * 1024;

/** In bytes; `to` may lie beyond the end. */
export interface LogPart {
  readonly file: string;
  readonly from: number;
  readonly to: number;
}

export interface LogProblems {
  readonly problems: FoundProblem[];
  /** How many there are beyond the bound. */
  readonly more: number;
}

/** Finds what is wanted in a part of a log. Throws where it cannot be read. */
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
  return { problems, more };
}

/** What a step asks for, beside the search so that both are loaded together. */
export { selectMatchers } from './matchers/select';

function matchersFor({ builtIn, own }: SelectedMatchers): Matcher[] {
  const named = builtIn === undefined ? builtInMatchers : builtInMatchers.filter((matcher) => builtIn.includes(matcher.name));
  return [...named, ...own.map(patternMatcher)];
}
