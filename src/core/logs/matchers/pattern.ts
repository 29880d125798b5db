import type { Severity } from '../../model/problem';
import { matcher } from './format';
import type { LinePattern } from './groups';
import type { Matcher } from './matcher';

/** A problem matcher in VS Code's format; see https://code.visualstudio.com/docs/debugtest/tasks#_defining-a-problem-matcher */
export interface PatternMatcher {
  readonly name: string;
  /** The source of the problems; absent: the name. */
  readonly source?: string;
  readonly severity?: Severity;
  readonly patterns: readonly LinePattern[];
  /** The base of relative paths, relative to the repository's root. */
  readonly folder?: string;
}

/** Consecutive lines match the patterns in order. The groups of all lines make the problem. */
export function patternMatcher({ patterns, ...format }: PatternMatcher): Matcher {
  const last = patterns.at(-1);
  if (!last?.loop || patterns.length === 1) return matcher({ ...format, head: patterns });
  return matcher({ ...format, group: patterns.slice(0, -1), head: last });
}
