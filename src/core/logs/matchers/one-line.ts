import type { Beginning, Matcher } from './matcher';
import { patternMatcher, type LinePattern, type PatternMatcher } from './pattern';

/** A matcher for problems that are told on one line each. */
export function oneLine(name: string, begins: Omit<Beginning, 'line'>, pattern: LinePattern, more: Partial<PatternMatcher> = {}): Matcher {
  return patternMatcher({ name, begins, patterns: [pattern], ...more });
}
