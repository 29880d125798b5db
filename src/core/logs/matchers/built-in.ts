import { compilerMatchers } from './compilers';
import { javascriptMatchers } from './javascript';
import { linterMatchers } from './linters';
import type { Matcher } from './matcher';
import { nativeMatchers } from './native';
import { pythonMatchers } from './python';
import { testMatchers } from './tests';

export const builtInMatchers: readonly Matcher[] = [
  ...compilerMatchers,
  ...linterMatchers,
  ...pythonMatchers,
  ...nativeMatchers,
  ...testMatchers,
  ...javascriptMatchers,
];
