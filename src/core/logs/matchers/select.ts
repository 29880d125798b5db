import { readMatcher, type Contributed } from './definition';
import { matcherNames } from './names';
import type { PatternMatcher } from './pattern';

/** The matchers for a log. Can be sent to a worker thread. */
export interface SelectedMatchers {
  /** Names of built-in matchers; absent: all. */
  readonly builtIn?: readonly string[];
  /** Matchers of the step itself or of an extension. */
  readonly own: readonly PatternMatcher[];
}

/**
 * Selects the matchers for a step's `problems`: names of built-in matchers, names with `$` that other extensions contribute,
 * and inline matchers. Without `problems`, all built-in matchers are used. Returns a message for each unknown name.
 */
export function selectMatchers(
  problems: readonly (string | Readonly<Record<string, unknown>>)[] | undefined,
  contributed: Contributed,
): { readonly wanted: SelectedMatchers; readonly notices: readonly string[] } {
  if (problems === undefined) return { wanted: { own: [] }, notices: [] };
  const builtIn: string[] = [];
  const own: PatternMatcher[] = [];
  const notices: string[] = [];
  for (const [index, problem] of problems.entries()) {
    if (typeof problem !== 'string') {
      const { matcher, errors } = readMatcher(problem, `problems ${index + 1}`, contributed);
      if (matcher) own.push(matcher);
      notices.push(...errors.map((error) => `problem matcher ${index + 1}: ${error.message}`));
      continue;
    }
    const name = problem.replace(/^\$/, '');
    const definition = problem.startsWith('$') ? contributed.matchers[name] : undefined;
    const { matcher, errors } = definition === undefined ? {} : readMatcher(definition, name, contributed);
    if (matcher) own.push(matcher);
    else if (matcherNames.includes(name)) builtIn.push(name);
    else
      notices.push(
        errors?.[0]
          ? `the problem matcher ${problem} cannot be used: ${errors[0].message}`
          : `the problem matcher ${problem} is not known here: an extension of the editor may bring it`,
      );
  }
  return { wanted: { builtIn, own }, notices };
}
