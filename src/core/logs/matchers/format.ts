import type { FoundProblem, Frame, Severity } from '../../model/problem';
import { frameOf, groupsOf, type Groups, type Pattern } from './groups';
import type { Beginning, Found, Matcher, Search } from './matcher';
import { sentence } from './sentence';

/**
 * The format of one tool's problems. A problem is a head (one line, or consecutive lines) and optionally a body: the
 * message and the stack. A group is a line above several problems: the test or the file that they share. The named groups
 * of the patterns make the problem: `file`, `line`, `column`, `severity`, `code`, `message`, `title`, `folder`.
 */
export interface Format {
  readonly name: string;
  /** The source of the problems; absent: the name. */
  readonly source?: string;
  /** The trigger; absent: each line is tested. */
  readonly begins?: Omit<Beginning, 'line'>;
  readonly severity?: Severity;
  /** The tool counts columns from 0. */
  readonly columnsFrom0?: true;
  /** The base of relative paths. */
  readonly folder?: string;
  readonly isStack?: true;
  /** The tool prints files without their folders, wherever it runs. */
  readonly hasBareNames?: true;

  /**
   * Lines that a tool prints before the head they belong to. With a `title`, all lines up to the next one belong to the test
   * of that title. Without, only the lines that match do.
   */
  readonly before?: RegExp;
  /** The line above several problems, which then need no title or file themselves. */
  readonly group?: Pattern | readonly Pattern[];
  /** A line after the group. Absent: each line that is no head. */
  readonly groupEnds?: RegExp;
  /** A head needs no group. */
  readonly groupIsOptional?: true;
  /** A group without problems is a problem. */
  readonly groupFails?: true;
  readonly head: Pattern | readonly Pattern[];
  /** A head that is no problem, because another matcher describes it better. */
  readonly not?: RegExp;

  /** The log has only heads. */
  readonly isWholeLog?: true;

  /** A line of the stack, innermost call first. */
  readonly frame?: RegExp | ((line: string) => Frame | undefined);
  /** The stack is printed with the innermost call last. */
  readonly outermostFirst?: true;
  /** Other lines may stand between the frames: only `ends`, `last` or another head ends the body. */
  readonly brokenStack?: true;
  /** A line of the message, in the first group. Absent: each line before the stack. */
  readonly message?: RegExp;
  /** A line of the message that names a place, for a failure without a stack in delivered code. */
  readonly place?: RegExp;
  /** A line after the body. */
  readonly ends?: RegExp;
  /** The last line of the body. */
  readonly last?: RegExp;
  /** The part that a body must have to be a problem. */
  readonly needs?: 'frames' | 'message';
  /** Composes the message from the lines of the body. Undefined: this is no problem. */
  readonly words?: (lines: readonly string[], title: string | undefined) => string | undefined;

  /** A line of a list that repeats all failures. It is a problem only if its test is not known. */
  readonly summary?: Pattern;
  /** A line after the problems of a folder, with the group `folder`. */
  readonly footer?: RegExp;
}

/** The maximum number of lines of a body. A longer one is probably something else. */
const mostLines = 300;
const mostFrames = 50;
const mostSaid = 40;

/** Returns the matcher of a format. */
export function matcher(format: Format): Matcher {
  const { name, begins, isStack } = format;
  const [group] = patterns(format.group);
  const starts = [
    ...(group && !format.groupIsOptional ? [] : patterns(format.head).slice(0, 1)),
    ...[group, format.before, format.summary].filter((each) => each !== undefined),
  ];
  return {
    name,
    ...(isStack && { isStack }),
    ...(begins && { begins: { ...begins, line: (text) => starts.some((each) => groupsOf(each, text) !== undefined) } }),
    start: (found) => new FormatSearch(format, found),
  };
}

/** Returns the matchers of formats that share a name. */
export function matchers(name: string, formats: readonly Omit<Format, 'name'>[]): Matcher[] {
  return formats.map((format) => matcher({ name, ...format }));
}

function patterns(given: Pattern | readonly Pattern[] | undefined): readonly Pattern[] {
  return given === undefined ? [] : Array.isArray(given) ? (given as readonly Pattern[]) : [given as Pattern];
}

interface Draft {
  readonly groups: Groups;
  readonly logLine: number;
  readonly said: string[];
  readonly frames: Frame[];
  place?: Frame;
  /** The last line that the problem is made of. */
  lastLine: number;
}

interface Group {
  readonly groups: Groups;
  readonly logLine: number;
  problems: number;
}

interface Line {
  readonly text: string;
  readonly number: number;
}

class FormatSearch implements Search {
  private group: Group | undefined;
  private draft: Draft | undefined;
  /** The matched part of a head or a group that has several lines. */
  private part: { readonly of: 'group' | 'head'; readonly groups: Groups; readonly lines: readonly Line[] } | undefined;
  private recording: string | undefined;
  private readonly recorded = new Map<string, Line[]>();
  /** Problems whose folder follows. */
  private held: Parameters<Found>[] = [];
  /** A failed group without problems. Its parts may follow. */
  private alone: Group | undefined;
  /** The titles of failed parts: `TestTable/` for `TestTable/one`. */
  private readonly parents = new Set<string>();
  private readonly hasBody: boolean;
  private readonly lists: { readonly group: readonly Pattern[]; readonly head: readonly Pattern[] };

  constructor(
    private readonly format: Format,
    private readonly found: Found,
  ) {
    const { frame, message, ends, last } = format;
    this.hasBody = [frame, message, ends, last].some((part) => part !== undefined);
    this.lists = { group: patterns(format.group), head: patterns(format.head) };
  }

  line(text: string, number: number): boolean {
    this.read(text, number);
    return [this.group, this.draft, this.part, this.recording].some((open) => open !== undefined) || this.held.length > 0;
  }

  end(): void {
    this.closeGroup();
    this.closeAlone();
    this.release(undefined);
  }

  private read(text: string, number: number): void {
    const { format } = this;
    if (this.continues(text, number)) return;
    const footer = format.footer?.exec(text)?.groups;
    if (footer) {
      this.closeGroup();
      this.closeAlone();
      return this.release(footer['folder']);
    }
    if (this.summarises(text, number) || this.isBefore(text, number)) return;
    if (format.isWholeLog && !this.isWhole(text, number)) {
      this.held = [];
      return;
    }
    const mayBegin = this.lists.group.length === 0 || this.group !== undefined || format.groupIsOptional === true;
    if (mayBegin && this.starts('head', text, number)) return;
    if (this.starts('group', text, number)) return;
    if (this.draft) return this.body(text, number);
    if (this.group) {
      if (format.not?.test(text)) this.group.problems += 1;
      if (format.groupEnds?.test(text) ?? true) this.closeGroup();
    }
    if (this.recording !== undefined) this.record(this.recording, { text, number });
  }

  /** Any other line shows that the heads are something else. */
  private isWhole(text: string, number: number): boolean {
    const [head] = this.lists.head;
    return (number === 1 || this.held.length > 0) && head !== undefined && groupsOf(head, text) !== undefined;
  }

  /** Reads the next line of a head or a group that has several. */
  private continues(text: string, number: number): boolean {
    const { part } = this;
    if (!part) return false;
    this.part = undefined;
    const next = this.lists[part.of][part.lines.length];
    const groups = next && groupsOf(next, text);
    if (groups) this.matched(part.of, { ...part.groups, ...groups }, [...part.lines, { text, number }]);
    // The lines are none of a head, so they belong to the open body.
    else for (const line of part.lines) if (this.draft) this.body(line.text, line.number);
    return groups !== undefined;
  }

  private starts(kind: 'group' | 'head', text: string, number: number): boolean {
    const [first] = this.lists[kind];
    const groups = first && groupsOf(first, text);
    if (!groups || (kind === 'head' && this.format.not?.test(text))) return false;
    this.matched(kind, groups, [{ text, number }]);
    return true;
  }

  private matched(kind: 'group' | 'head', groups: Groups, lines: readonly Line[]): void {
    const logLine = lines[0]?.number ?? 0;
    if (lines.length < this.lists[kind].length) this.part = { of: kind, groups, lines };
    else if (kind === 'group') this.openGroup({ groups, logLine, problems: 0 });
    else this.openDraft({ groups, logLine, said: [], frames: [], lastLine: lines.at(-1)?.number ?? logLine });
  }

  private openGroup(group: Group): void {
    this.closeGroup();
    if (this.alone && group.groups.title?.startsWith(`${this.alone.groups.title}/`)) this.alone = undefined;
    this.closeAlone();
    this.group = group;
    this.recording = undefined;
    this.replay(group.groups.title ?? '');
  }

  private openDraft(draft: Draft): void {
    this.closeDraft();
    if (draft.groups.message !== undefined) draft.said.push(draft.groups.message);
    this.draft = draft;
    if (!this.hasBody) return this.closeDraft();
    if (this.lists.group.length === 0) this.replay('');
  }

  private body(text: string, number: number): void {
    const { format, draft } = this;
    if (!draft) return;
    const isOver = format.ends?.test(text) === true || number - draft.logLine > mostLines;
    if (isOver || !this.extend(draft, { text, number })) {
      this.closeDraft();
      if (this.group && (format.groupEnds?.test(text) ?? isOver)) this.closeGroup();
    }
  }

  /** Adds a line to the body. Returns false if the body ends with or before it. */
  private extend(draft: Draft, { text, number }: Line): boolean {
    const { format } = this;
    const frame = typeof format.frame === 'function' ? format.frame(text) : format.frame && frameOf(format.frame, text);
    if (frame) {
      if (draft.frames.length < mostFrames) draft.frames.push(frame);
      draft.lastLine = number;
      return true;
    }
    if (draft.frames.length > 0 && !format.brokenStack) return false;
    draft.place ??= format.place && frameOf(format.place, text);
    const said = format.message ? format.message.exec(text)?.[1] : text;
    if (said !== undefined) draft.lastLine = number;
    if (said !== undefined && draft.said.length < mostSaid) draft.said.push(said.trimEnd());
    return format.last?.test(text) !== true;
  }

  private closeDraft(): void {
    const { draft, format, group } = this;
    this.draft = undefined;
    if (!draft) return;
    const groups: Groups = { ...group?.groups, ...draft.groups };
    const title = groups.title?.trim();
    const lines = draft.said.filter((line) => line.trim() !== '');
    const message = format.words ? format.words(draft.said, title) : [title, sentence(lines)].filter(Boolean).join(': ');
    const hasPlace = draft.frames.length > 0 || draft.place !== undefined || draft.groups.file !== undefined;
    const isMissing = format.needs === 'frames' ? !hasPlace : format.needs === 'message' && lines.length === 0;
    if (message === undefined || isMissing || (message === '' && groups.file === undefined)) return;
    if (group) group.problems += 1;
    this.report(groups, message, draft, this.placeOf(draft, groups));
  }

  /** Returns the place: the head's own, then the stack, then a file that only the group or the message names. */
  private placeOf(draft: Draft, groups: Groups): Partial<FoundProblem> {
    const named = this.named(groups);
    const stack = this.format.outermostFirst ? [...draft.frames].reverse() : draft.frames;
    const isOwn = draft.groups.line !== undefined;
    if (stack.length === 0 && draft.place === undefined) return named ?? {};
    const last = [draft.place, isOwn ? undefined : named].filter((place) => place && !stack.some(({ file }) => file === place.file));
    return { frames: [isOwn ? named : undefined, ...stack, ...last].filter((frame) => frame !== undefined) };
  }

  private named(groups: Groups): Frame | undefined {
    if (groups.file === undefined) return undefined;
    const [line, column] = groups.location?.split(',') ?? [groups.line, groups.column];
    const { columnsFrom0, folder } = this.format;
    const file = groups.file.trim();
    return {
      file: folder === undefined || isAbsolute(file) ? file : `${folder}/${file}`,
      ...(isNumber(line) && { line: Math.max(1, Number(line)) }),
      ...(isNumber(line) && isNumber(column) && { column: Math.max(1, Number(column) + (columnsFrom0 ? 1 : 0)) }),
    };
  }

  private report(
    groups: Groups,
    message: string,
    from: Pick<Draft, 'logLine' | 'lastLine'>,
    place: Partial<FoundProblem>,
    isSummary?: true,
  ): void {
    const { format } = this;
    const problem: FoundProblem = {
      severity: severityOf(groups.severity) ?? format.severity ?? 'error',
      message: groups.code === undefined ? message.trim() : `${message.trim()} (${groups.code})`,
      source: format.source ?? format.name,
      ...place,
      ...(format.hasBareNames ? { folder: undefined } : groups.folder !== undefined && { folder: groups.folder }),
      logLine: from.logLine,
    };
    const { title } = groups;
    for (let at = title?.indexOf('/') ?? -1; at >= 0; at = title?.indexOf('/', at + 1) ?? -1) this.parents.add(title?.slice(0, at) ?? '');
    const found = { lastLine: from.lastLine, ...(title !== undefined && { title }), ...(isSummary && { isSummary }) };
    if (format.footer || format.isWholeLog) this.held.push([problem, found]);
    else this.found(problem, found);
  }

  private closeGroup(): void {
    this.part = undefined;
    this.closeDraft();
    const { group } = this;
    this.group = undefined;
    if (group?.problems === 0 && this.format.groupFails) this.alone = group;
  }

  private closeAlone(): void {
    const { alone } = this;
    this.alone = undefined;
    const title = alone?.groups.title;
    if (alone && title !== undefined && !this.parents.has(title))
      this.report(alone.groups, title, { logLine: alone.logLine, lastLine: alone.logLine }, this.named(alone.groups) ?? {});
  }

  private release(folder: string | undefined): void {
    for (const [problem, test] of this.held) this.found({ ...problem, ...(folder !== undefined && { folder }) }, test);
    this.held = [];
    this.recorded.clear();
    this.recording = undefined;
    this.parents.clear();
  }

  private summarises(text: string, number: number): boolean {
    const { summary } = this.format;
    const groups = summary && groupsOf(summary, text);
    if (!groups) return false;
    this.closeGroup();
    const message = [groups.title, groups.message].filter(Boolean).join(': ');
    this.report(groups, message, { logLine: number, lastLine: number }, this.named(groups) ?? {}, true);
    return true;
  }

  private isBefore(text: string, number: number): boolean {
    const match = this.format.before?.exec(text);
    if (!match) return false;
    this.closeGroup();
    this.recording = match.groups?.['title'];
    if (this.recording === undefined) this.record('', { text, number });
    return true;
  }

  private record(title: string, line: Line): void {
    const lines = this.recorded.get(title);
    if (!lines) this.recorded.set(title, [line]);
    else if (lines.length < mostLines) lines.push(line);
  }

  /** Reads the lines of a test, or before a head, that were printed before it. */
  private replay(title: string): void {
    const lines = this.recorded.get(title) ?? [];
    this.recorded.delete(title);
    for (const { text, number } of lines) {
      if (this.group && this.starts('head', text, number)) continue;
      if (this.draft && this.group) this.body(text, number);
      else if (this.draft) this.extend(this.draft, { text, number });
    }
  }
}

/** Returns true for a path that no folder changes. */
export function isAbsolute(file: string): boolean {
  return /^(?:[/\\<]|[A-Za-z]:[\\/]|[a-z][\w+.-]*:)/.test(file);
}

function isNumber(text: string | undefined): boolean {
  return text !== undefined && /^\d{1,9}$/.test(text.trim());
}

/** Maps severity words and their first letters as VS Code does, and the marks of linters. */
function severityOf(word: string | undefined): Severity | undefined {
  if (word === undefined) return undefined;
  if (/^(?:(?:fatal )?error|e|err|✖|×|✘)$/i.test(word)) return 'error';
  if (/^(?:warning|warn|w|!|⚠|‼|▲)$/i.test(word)) return 'warning';
  return /^(?:info|note|notice|hint|style|i|ℹ)$/i.test(word) ? 'info' : undefined;
}

/** Words of many compilers between place and message. */
export const afterColon = [': error: ', ': warning: ', ': fatal error: '];

/** `12) ` before an entry of a list. Digits alone are too common as a first character. */
export const numbered = Array.from('0123456789', (digit) => `${digit}) `);
