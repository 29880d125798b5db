import type { FoundProblem, Frame } from '../../model/problem';
import type { Beginning, Matcher, Search } from './matcher';

/** A failure that a tool tells in several lines: a title, what is wrong, where. */
export interface Block {
  readonly name: string;
  /** Without `line`: that is the head. */
  readonly begins: Omit<Beginning, 'line'>;
  /** The line that begins a block; its group `title` names the test, its group `message` says what is wrong. */
  readonly head: RegExp;
  /** A frame of the stack, if the line is one. */
  readonly frame: (line: string) => Frame | undefined;
  /** Of the lines before the stack, those that say what is wrong: their first group; without it every line is. */
  readonly message?: RegExp;
  /** A line that is no part of the block. */
  readonly ends?: RegExp;
  /** The last line of a block. */
  readonly last?: RegExp;
  /** Other lines stand between those of the stack: only `ends`, `last` or another head ends the block. */
  readonly brokenStack?: true;
  /** The stack is printed with the call that failed last. */
  readonly outermostFirst?: true;
  /** Without these it is no problem. */
  readonly needs: 'frames' | 'message';
  /** The whole message of what was gathered. */
  readonly words?: (lines: readonly string[]) => string;
}

/** Longer blocks are cut: something else was taken for one. */
const mostLines = 300;
const mostFrames = 50;

export function block(format: Block): Matcher {
  return { name: format.name, begins: { ...format.begins, line: format.head }, start: (found) => new BlockSearch(format, found) };
}

interface Draft {
  readonly title: string | undefined;
  readonly logLine: number;
  readonly said: string[];
  readonly frames: Frame[];
}

class BlockSearch implements Search {
  private draft: Draft | undefined;

  constructor(
    private readonly format: Block,
    private readonly found: (problem: FoundProblem) => void,
  ) {}

  line(text: string, number: number): boolean {
    const { format } = this;
    const head = format.head.exec(text);
    if (head) {
      this.end();
      const { title, message } = head.groups ?? {};
      this.draft = { title: title?.trim(), logLine: number, said: message ? [message.trim()] : [], frames: [] };
      // A head may be the place as well.
      this.addFrame(text);
      return true;
    }
    if (!this.draft) return false;
    if (format.ends?.test(text) || number - this.draft.logLine > mostLines) return this.over();
    if (this.addFrame(text)) return true;
    if (this.draft.frames.length > 0 && !format.brokenStack) return this.over();
    this.addMessage(text);
    return format.last?.test(text) ? this.over() : true;
  }

  end(): void {
    const { draft, format } = this;
    this.draft = undefined;
    if (!draft) return;
    const said = (format.words ?? firstSentence)(draft.said);
    if (format.needs === 'frames' ? draft.frames.length === 0 : said === '') return;
    const frames = format.outermostFirst ? [...draft.frames].reverse() : draft.frames;
    this.found({
      severity: 'error',
      message: [draft.title, said].filter((part) => part !== undefined && part !== '').join(': '),
      source: format.name,
      ...(frames.length > 0 && { frames }),
      logLine: draft.logLine,
    });
  }

  private over(): boolean {
    this.end();
    return false;
  }

  private addFrame(text: string): boolean {
    const frame = this.format.frame(text);
    if (!frame || !this.draft) return false;
    if (this.draft.frames.length < mostFrames) this.draft.frames.push(frame);
    return true;
  }

  private addMessage(text: string): void {
    const { message } = this.format;
    const said = message ? message.exec(text)?.[1] : text;
    if (said !== undefined && said.trim() !== '' && this.draft && this.draft.said.length < 30) this.draft.said.push(said.trim());
  }
}

/** The first line, and the next where it only announces that. */
export function firstSentence(lines: readonly string[]): string {
  const [first = '', second] = lines;
  return first.endsWith(':') && second !== undefined ? `${first} ${second}` : first;
}
