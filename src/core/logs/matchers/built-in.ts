import { compilerMatchers } from './compilers';
import { javascriptMatchers } from './javascript';
import { linterMatchers } from './linters';
import type { Matcher } from './matcher';
import { testMatchers } from './tests';

/** Those that know more of a failure come before those that know only its stack. */
export const builtInMatchers: readonly Matcher[] = [...compilerMatchers, ...linterMatchers, ...testMatchers, ...javascriptMatchers];
