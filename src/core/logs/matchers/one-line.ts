import type { Beginning, Matcher } from './matcher';
import { patternMatcher } from './pattern';

/** Returns a matcher for problems of one line each, with named groups as in a pattern. */
export function oneLine(name: string, begins: Omit<Beginning, 'line'>, regexp: RegExp): Matcher {
  return patternMatcher({ name, begins, patterns: [{ regexp }] });
}

/** `a.c:3:5: error: …`, a common format. */
export const afterColon = { holds: [': error: ', ': warning: ', ': fatal error: '] };
