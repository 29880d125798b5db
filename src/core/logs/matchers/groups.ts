import type { Frame } from '../../model/problem';

const parts = ['file', 'location', 'line', 'column', 'severity', 'code', 'message', 'title', 'folder'] as const;

/** The parts of a problem that a line names. */
export type Groups = Partial<Record<(typeof parts)[number], string>>;

/** A pattern for one line: a regular expression with named groups, or with numbered ones as in VS Code's format. */
export type Pattern = RegExp | LinePattern;

export interface LinePattern {
  readonly regexp: RegExp;
  readonly file?: number;
  readonly location?: number;
  readonly line?: number;
  readonly column?: number;
  readonly severity?: number;
  readonly code?: number;
  readonly message?: number;
  /** The place is the file, without a line. */
  readonly kind?: 'file' | 'location';
  /** On the last pattern only: each consecutive line that matches is a problem. */
  readonly loop?: boolean;
  /** Reads groups that need more than a pattern. */
  readonly read?: (groups: Readonly<Record<string, string | undefined>>) => Groups;
}

/** Returns the parts that a line names, or undefined if it does not match. */
export function groupsOf(pattern: Pattern, text: string): Groups | undefined {
  const isPlain = pattern instanceof RegExp;
  const match = (isPlain ? pattern : pattern.regexp).exec(text);
  if (!match) return undefined;
  const numbers: Partial<Record<string, unknown>> = isPlain ? {} : { ...pattern };
  const named = !isPlain && pattern.read ? pattern.read(match.groups ?? {}) : match.groups;
  const groups: Groups = {};
  for (const part of parts) {
    const number = numbers[part];
    const value = typeof number === 'number' ? match[number] : named?.[part];
    if (value !== undefined && value !== '') groups[part] = value;
  }
  return groups;
}

const longestLine = 2000;

/** Returns the frame that a line names. */
export function frameOf(pattern: RegExp, text: string): Frame | undefined {
  if (text.length > longestLine) return undefined;
  const { file, line, column } = pattern.exec(text)?.groups ?? {};
  if (file === undefined) return undefined;
  return { file: file.trim(), ...(line !== undefined && { line: Number(line) }), ...(column !== undefined && { column: Number(column) }) };
}
