import { readMatcher, type Contributed } from './definition';
import { matcherNames } from './names';
import type { PatternMatcher } from './pattern';

/** What is looked for in a log. It can be handed to another thread. */
export interface SelectedMatchers {
  /** Names of built-in matchers; absent: all. */
  readonly builtIn?: readonly string[];
  /** Of the step itself or of an extension. */
  readonly own: readonly PatternMatcher[];
}

/**
 * What a step's `problems` ask for: names of built-in matchers, names with `$` that extensions of the
 * editor contribute, and matchers of its own. Without it all built-in ones are tried. Each that is not
 * known here is a sentence.
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
