import type { Severity } from '../../model/problem';
import type { LinePattern } from './groups';
import type { PatternMatcher } from './pattern';

/** An error in a matcher, at a path inside its definition. */
export interface MatcherError {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** Matchers and patterns that other extensions contribute, in VS Code's format. Their names start with `$`. */
export interface Contributed {
  readonly matchers: Readonly<Record<string, unknown>>;
  readonly patterns: Readonly<Record<string, unknown>>;
}

export const nothingContributed: Contributed = { matchers: {}, patterns: {} };

const groups = ['file', 'location', 'line', 'column', 'severity', 'code', 'message'] as const;

/**
 * Reads a problem matcher in VS Code's format
 * (https://code.visualstudio.com/docs/debugtest/tasks#_defining-a-problem-matcher). Keys that
 * concern only the editor (`owner`, `applyTo`, `background`) are ignored.
 */
export function readMatcher(
  definition: unknown,
  name: string,
  contributed: Contributed,
): { readonly matcher?: PatternMatcher; readonly errors: readonly MatcherError[] } {
  const errors: MatcherError[] = [];
  const own = mapping(definition);
  const { base: named } = own;
  const base = typeof named === 'string' ? contributed.matchers[bare(named)] : undefined;
  if (named !== undefined && base === undefined) errors.push({ path: ['base'], message: 'there is no such matcher to build on' });
  const merged = { ...mapping(base), ...own };
  const patterns = readPatterns(merged['pattern'], contributed, errors);
  const severity = readSeverity(merged['severity'], errors);
  if (errors.length > 0) return { errors };
  const source = merged['source'] ?? merged['owner'];
  const label = typeof merged['name'] === 'string' ? merged['name'] : name;
  return {
    matcher: { name: label, ...(typeof source === 'string' && { source }), ...(severity && { severity }), patterns, ...folderOf(merged) },
    errors,
  };
}

/** A step knows no folder but the workspace folder. The path resolver searches for other paths. */
function folderOf(definition: Record<string, unknown>): { folder?: string } {
  const { fileLocation } = definition;
  const [kind, folder] = Array.isArray(fileLocation) ? (fileLocation as unknown[]) : [];
  const below =
    kind === 'relative' && typeof folder === 'string' ? /^\$\{(?:workspaceFolder|workspaceRoot)\}\/(.+)$/.exec(folder)?.[1] : undefined;
  return below === undefined ? {} : { folder: below.replace(/\/$/, '') };
}

function readPatterns(given: unknown, contributed: Contributed, errors: MatcherError[]): LinePattern[] {
  const path = ['pattern'];
  if (typeof given === 'string') {
    const named = contributed.patterns[bare(given)] ?? mapping(contributed.matchers[bare(given)])['pattern'];
    if (named === undefined || typeof named === 'string') {
      errors.push({ path, message: `there is no pattern ${given}` });
      return [];
    }
    return readPatterns(named, contributed, errors);
  }
  const list: unknown[] = Array.isArray(given) ? given : given === undefined ? [] : [given];
  if (list.length === 0) errors.push({ path, message: 'a matcher needs a `pattern` with a `regexp`' });
  const patterns = list.flatMap(
    (one, index) => readPattern(one, Array.isArray(given) ? [...path, index] : path, index === list.length - 1, errors) ?? [],
  );
  const [only] = patterns;
  const namesNothing = patterns.every((pattern) => groups.every((group) => pattern[group] === undefined));
  // As in VS Code: the default groups are file, line, column and message.
  if (only && patterns.length === 1 && namesNothing) return [{ ...only, file: 1, line: 2, column: 3, message: 0 }];
  return patterns;
}

function readPattern(given: unknown, path: readonly (string | number)[], isLast: boolean, errors: MatcherError[]): LinePattern | undefined {
  const pattern = mapping(given);
  const text = pattern['regexp'];
  if (typeof text !== 'string') {
    errors.push({ path, message: 'a pattern needs a `regexp`' });
    return undefined;
  }
  let regexp: RegExp;
  try {
    regexp = new RegExp(text);
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/^Invalid regular expression: /, '') : String(error);
    errors.push({ path: [...path, 'regexp'], message: `this is no regular expression: ${why}` });
    return undefined;
  }
  const known: Partial<Record<(typeof groups)[number], number>> = {};
  for (const group of groups) {
    const value = pattern[group];
    if (value === undefined) continue;
    if (typeof value === 'number' && Number.isInteger(value) && value >= 0) known[group] = value;
    else errors.push({ path: [...path, group], message: `\`${group}\` is the number of a group of the regular expression` });
  }
  const loop = pattern['loop'] === true;
  if (loop && !isLast) errors.push({ path: [...path, 'loop'], message: '`loop` goes with the last pattern only' });
  return { regexp, ...known, ...(loop && { loop }), ...(pattern['kind'] === 'file' && { kind: 'file' as const }) };
}

function readSeverity(given: unknown, errors: MatcherError[]): Severity | undefined {
  if (given === undefined) return undefined;
  if (given === 'error' || given === 'warning' || given === 'info') return given;
  errors.push({ path: ['severity'], message: 'a severity is error, warning or info' });
  return undefined;
}

function bare(name: string): string {
  return name.replace(/^\$/, '');
}

function mapping(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}
