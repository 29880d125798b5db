import { compilerMatchers } from './compilers';
import { javascriptMatchers } from './javascript';
import { linterMatchers } from './linters';
import type { Matcher } from './matcher';
import { testMatchers } from './tests';

/** Matchers with more detail come before those that recognise only a stack. */
export const builtInMatchers: readonly Matcher[] = [...compilerMatchers, ...linterMatchers, ...testMatchers, ...javascriptMatchers];
