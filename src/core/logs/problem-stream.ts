import type { FoundProblem } from '../model/problem';
import type { Beginning, Found, FoundDetails, Matcher, Search } from './matchers/matcher';

/** Called before and after a matcher reads a line, so that a matcher that never returns can be named. */
export interface Watch {
  reading(matcher: string, line: number): void;
  done(): void;
}

interface Running {
  readonly matcher: Matcher;
  readonly search: Search;
  waiting: boolean;
  /** The number of the line that it read last. */
  read: number;
}

/** The maximum number of failed tests whose names are kept for the comparison with a summary. */
const mostTitles = 5000;

const directory = /^(?:\S+?(?:\[\d+\])?: )?(?<way>Entering|Leaving) directory [`'"](?<folder>.+?)['"]$/;
const script = /^> (?:@[\w.-]+\/)?[\w.-]+@\S+ \S+(?: (?<folder>(?:\/|[A-Za-z]:\\).*))?$/;
const project = /^> (?:nx run )?(?<folder>@?[\w./-]+):[\w.-]+(?: {2}\[.*\])?$/;
const location = /^npm (?:error|ERR!) location (?<folder>\S.*)$/;
const traced = /^\++ cd (?<folder>[^\s;&|$]+)$/;

/**
 * Runs problem matchers over the output of one program: a log, or the lines of a log that have the same prefix. `folder` is
 * the folder or the package that the prefix names.
 */
export class ProblemStream {
  private readonly running: readonly Running[];
  /** Matchers that can start on any line, on a line with a word, and on a line with a first character. */
  private readonly always: readonly Running[];
  private readonly byWord: readonly Running[];
  private readonly byFirst = new Map<string, Running[]>();
  private open = 0;
  private number = 0;
  /** Stacks inside the open block of a test runner. */
  private stacks: FoundProblem[] = [];
  /** The lines of the latest blocks: the first and the last. */
  private readonly blocks: (readonly [number, number])[] = [];
  private readonly titles = new Set<string>();
  private readonly untitled: FoundProblem[] = [];
  private readonly folders: string[];
  /** Problems of an npm script. npm names the script's folder afterwards. */
  private ofScript: FoundProblem[] | undefined;

  constructor(
    matchers: readonly Matcher[],
    private readonly found: Found,
    private readonly watch: Watch | undefined,
    private readonly folder?: string,
  ) {
    this.folders = folder === undefined ? [] : [folder];
    const all = matchers.some((one) => one.begins) ? [...matchers, this.folderMatcher()] : matchers;
    this.running = all.map((matcher) => ({
      matcher,
      search: matcher.start((problem, details) => this.take(matcher, problem, details)),
      waiting: false,
      read: 0,
    }));
    this.always = this.running.filter((one) => !one.matcher.begins);
    this.byWord = this.running.filter((one) => one.matcher.begins?.holds);
    for (const one of this.running) {
      for (const first of one.matcher.begins?.first ?? '') this.byFirst.set(first, [...(this.byFirst.get(first) ?? []), one]);
    }
  }

  /** Each line is needed: a match is open, or a matcher has no beginning. */
  get needsAll(): boolean {
    return this.open > 0 || this.always.length > 0;
  }

  /** Returns the conditions on which a match can start. */
  beginnings(): readonly Omit<Beginning, 'line'>[] {
    return this.running.flatMap(({ matcher }) => matcher.begins ?? []);
  }

  /** `holds` is true if the line contains a word with which a match can start. */
  line(text: string, number: number, holds: boolean): void {
    this.number = number;
    if (this.open > 0) for (const one of this.running) if (one.waiting) this.read(one, text);
    this.begin(this.byFirst.get(/[^ \t]/.exec(text)?.[0] ?? ''), text);
    if (holds) this.begin(this.byWord, text);
    this.begin(this.always, text);
    if (this.stacks.length > 0 && !this.isInBlock()) this.release();
  }

  end(): void {
    for (const { search, matcher } of this.running) this.watched(matcher, () => search.end());
    this.release();
    this.endScript(undefined);
  }

  private begin(these: readonly Running[] | undefined, text: string): void {
    if (!these) return;
    for (const one of these) {
      const { begins } = one.matcher;
      if (one.read < this.number && (!begins || begins.line(text))) this.read(one, text);
    }
  }

  private read(one: Running, text: string): void {
    const before = one.waiting;
    one.read = this.number;
    this.watched(one.matcher, () => (one.waiting = one.search.line(text, this.number)));
    if (one.waiting !== before) this.open += one.waiting ? 1 : -1;
  }

  private watched(matcher: Matcher, work: () => void): void {
    this.watch?.reading(matcher.name, this.number);
    work();
    this.watch?.done();
  }

  private isInBlock(): boolean {
    return this.running.some(({ waiting, matcher }) => waiting && !matcher.isStack);
  }

  private take(matcher: Matcher, problem: FoundProblem, details: FoundDetails | undefined): void {
    if (details?.isSummary && this.isKnown(problem, details.title)) return;
    const folder = 'folder' in problem ? problem.folder : this.folders.at(-1);
    const whole = folder === undefined ? problem : { ...problem, folder };
    const { logLine = 0 } = problem;
    if (matcher.isStack) {
      if (this.blocks.some(([from, to]) => logLine >= from && logLine <= to)) return;
      if (!this.isInBlock()) this.pass(whole);
      else this.stacks.push(whole);
      return;
    }
    const last = details?.lastLine ?? logLine;
    this.stacks = this.stacks.filter((stack) => (stack.logLine ?? 0) < logLine || (stack.logLine ?? 0) > last);
    this.blocks.push([logLine, last]);
    if (this.blocks.length > 20) this.blocks.shift();
    if (!details?.isSummary) this.remember(problem, details?.title);
    this.pass(whole);
  }

  private pass(problem: FoundProblem): void {
    if (this.ofScript) this.ofScript.push(problem);
    else this.found(problem);
  }

  /** Reports the stacks that no block contains. */
  private release(): void {
    for (const stack of this.stacks) this.pass(stack);
    this.stacks = [];
  }

  /** A summary may name a test without its class, folder or arguments. */
  private remember(problem: FoundProblem, title: string | undefined): void {
    if (this.titles.size > mostTitles * 8 || this.untitled.length > mostTitles) return;
    if (title === undefined) {
      this.untitled.push(problem);
      return;
    }
    for (const each of [plain(title), plain(title.replace(/[([].*$/, ''))]) {
      this.titles.add(`${problem.source} ${each}`);
      for (const { index } of [...each.matchAll(/[.\s]/g)].slice(-8)) this.titles.add(`${problem.source} ${each.slice(index + 1)}`);
    }
  }

  private isKnown({ source, message }: FoundProblem, title: string | undefined): boolean {
    if (title !== undefined && this.titles.has(`${source} ${plain(title)}`)) return true;
    const said = message.slice((title?.length ?? -2) + 2).replace(/(?:\.\.\.|…)$/, '');
    const at = this.untitled.findIndex((one) => one.source === source && said !== '' && bare(one.message).startsWith(bare(said)));
    if (at >= 0) this.untitled.splice(at, 1);
    return at >= 0;
  }

  /** Follows the lines that name the folder to which paths are relative. */
  private folderMatcher(): Matcher {
    const lines = [directory, script, project, location, traced];
    return {
      name: 'folder',
      isStack: true,
      begins: {
        first: '>+',
        holds: ['ntering directory', 'eaving directory', 'npm error location', 'npm ERR! location'],
        line: (text) => lines.some((each) => each.test(text)),
      },
      start: () => ({ line: (text) => this.follow(text), end: () => {} }),
    };
  }

  private follow(text: string): boolean {
    const { way, folder } = (directory.exec(text) ?? traced.exec(text))?.groups ?? {};
    if (way === 'Leaving') this.folders.pop();
    else if (way === 'Entering' && folder !== undefined) this.folders.push(folder);
    else if (folder !== undefined) this.folders.splice(-1, 1, joinFolders(this.folders.at(-1), folder));
    const run = project.exec(text)?.groups?.['folder'];
    if (run !== undefined) {
      this.endScript(undefined);
      this.folders.splice(0, Infinity, run);
    }
    const started = script.exec(text);
    if (started) {
      this.endScript(undefined);
      this.ofScript = [];
      if (started.groups?.['folder'] !== undefined) this.folders.splice(0, Infinity, started.groups['folder']);
    }
    const ended = location.exec(text)?.groups?.['folder'];
    if (ended !== undefined) this.endScript(ended);
    return false;
  }

  private endScript(folder: string | undefined): void {
    for (const problem of this.ofScript ?? [])
      this.found(folder === undefined || ('folder' in problem && problem.folder !== this.folder) ? problem : { ...problem, folder });
    this.ofScript = undefined;
  }
}

/** Returns a folder that is relative to another. */
export function joinFolders(base: string | undefined, folder: string): string {
  return base === undefined || /^(?:\/|[A-Za-z]:[\\/])/.test(folder) ? folder : `${base}/${folder}`;
}

function plain(title: string): string {
  return title.trim().replace(/::/g, '.');
}

function bare(message: string): string {
  return message.replace(/^AssertionError: /, '');
}
