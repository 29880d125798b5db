import type { Beginning, Matcher } from './matcher';
import { patternMatcher } from './pattern';

/** A matcher for problems that are told on one line each, with groups named as in a pattern. */
export function oneLine(name: string, begins: Omit<Beginning, 'line'>, regexp: RegExp): Matcher {
  return patternMatcher({ name, begins, patterns: [{ regexp }] });
}

/** `a.c:3:5: error: …`, as many tools write it. */
export const afterColon = { holds: [': error: ', ': warning: ', ': fatal error: '] };
