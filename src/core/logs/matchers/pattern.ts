import type { FoundProblem, Severity } from '../../model/problem';
import type { Beginning, Matcher, Search } from './matcher';

/** A pattern for one line: a regular expression and, as in VS Code's format, the meaning of its groups. Named groups work too. */
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
}

type Part = 'file' | 'location' | 'line' | 'column' | 'severity' | 'code' | 'message';
const parts: readonly Part[] = ['file', 'location', 'line', 'column', 'severity', 'code', 'message'];

/** A problem matcher in VS Code's format; see https://code.visualstudio.com/docs/debugtest/tasks#_defining-a-problem-matcher */
export interface PatternMatcher {
  readonly name: string;
  /** The source of the problems; absent: the name. */
  readonly source?: string;
  readonly severity?: Severity;
  readonly patterns: readonly LinePattern[];
  /** The base of relative paths, relative to the repository's root. */
  readonly folder?: string;
  /** The trigger; `line` defaults to the first pattern. */
  readonly begins?: Omit<Beginning, 'line'>;
}

/** Consecutive lines match the patterns in order. The groups of all lines make the problem. */
export function patternMatcher(definition: PatternMatcher): Matcher {
  const [first] = definition.patterns;
  return {
    name: definition.name,
    ...(definition.begins && first && { begins: { ...definition.begins, line: first.regexp } }),
    start: (found) => new PatternSearch(definition, found),
  };
}

type Groups = Partial<Record<Part, string>>;

class PatternSearch implements Search {
  private next = 0;
  private groups: Groups = {};
  private began = 0;

  constructor(
    private readonly definition: PatternMatcher,
    private readonly found: (problem: FoundProblem) => void,
  ) {}

  line(text: string, number: number): boolean {
    const { patterns } = this.definition;
    const groups = this.match(text);
    if (!groups) {
      const again = this.next > 0;
      this.next = 0;
      // The line that ends a problem may start another.
      return again ? this.line(text, number) : false;
    }
    if (this.next === 0) [this.began, this.groups] = [number, {}];
    const isLast = this.next === patterns.length - 1;
    if (!isLast) {
      this.groups = { ...this.groups, ...groups };
      this.next += 1;
      return true;
    }
    const loops = patterns[this.next]?.loop === true;
    this.report({ ...this.groups, ...groups }, loops ? number : this.began);
    if (!loops) this.next = 0;
    return loops;
  }

  end(): void {
    this.next = 0;
  }

  private match(text: string): Groups | undefined {
    const pattern = this.definition.patterns[this.next];
    const match = pattern?.regexp.exec(text);
    if (!pattern || !match) return undefined;
    const groups: Groups = {};
    for (const part of parts) {
      const number = pattern[part];
      const value = number === undefined ? match.groups?.[part] : match[number];
      if (value !== undefined && value !== '') groups[part] = value;
    }
    return groups;
  }

  private fileOf(printed: string): string {
    const { folder } = this.definition;
    const isAbsolute = /^(?:[/\\]|[A-Za-z]:[\\/]|file:)/.test(printed);
    return folder === undefined || isAbsolute ? printed : `${folder}/${printed}`;
  }

  private report(groups: Groups, logLine: number): void {
    const { definition } = this;
    const [line, column] = groups.location?.split(',') ?? [groups.line, groups.column];
    const message = groups.message?.trim() ?? '';
    if (message === '' && groups.file === undefined) return;
    this.found({
      severity: severityOf(groups.severity) ?? definition.severity ?? 'error',
      message: groups.code === undefined ? message : `${message} (${groups.code})`,
      source: definition.source ?? definition.name,
      ...(groups.file !== undefined && { file: this.fileOf(groups.file.trim()) }),
      ...(isNumber(line) && { line: Math.max(1, Number(line)) }),
      ...(isNumber(column) && { column: Math.max(1, Number(column)) }),
      logLine,
    });
  }
}

function isNumber(text: string | undefined): boolean {
  return text !== undefined && /^\d{1,9}$/.test(text.trim());
}

/** Maps severity words and their first letters as VS Code does. */
function severityOf(word: string | undefined): Severity | undefined {
  switch (word?.toLowerCase()) {
    case 'error':
    case 'fatal error':
    case 'e':
      return 'error';
    case 'warning':
    case 'warn':
    case 'w':
      return 'warning';
    case 'info':
    case 'note':
    case 'hint':
    case 'i':
      return 'info';
    default:
      return undefined;
  }
}

/** Returns a matcher for problems of one line each, with named groups as in a pattern. */
export function oneLine(name: string, begins: Omit<Beginning, 'line'>, regexp: RegExp): Matcher {
  return patternMatcher({ name, begins, patterns: [{ regexp }] });
}

/** `a.c:3:5: error: …`, a common format. */
export const afterColon = { holds: [': error: ', ': warning: ', ': fatal error: '] };
