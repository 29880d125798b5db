import type { FoundProblem, Frame } from '../../model/problem';
import type { Beginning, Matcher, Search } from './matcher';

/** A failure that a tool prints as a block of lines: title, message, stack. */
export interface Block {
  readonly name: string;
  /** The trigger; `line` defaults to the head. */
  readonly begins: Omit<Beginning, 'line'>;
  /** The first line of a block, with the groups `title` (the test) and `message`. */
  readonly head: RegExp;
  /** Parses a frame of the stack. */
  readonly frame: (line: string) => Frame | undefined;
  /** The message lines before the stack, in their first group. Absent: all lines before the stack. */
  readonly message?: RegExp;
  /** A line after the block. */
  readonly ends?: RegExp;
  /** The last line of a block. */
  readonly last?: RegExp;
  /** Other lines may stand between the frames: only `ends`, `last` or another head ends the block. */
  readonly brokenStack?: true;
  /** The stack is printed with the innermost call last. */
  readonly outermostFirst?: true;
  /** Parts that a block must have to be a problem. */
  readonly needs: 'frames' | 'message';
  /** Composes the message from the collected lines. */
  readonly words?: (lines: readonly string[]) => string;
}

/** The maximum number of lines of a block. A longer one is probably something else. */
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
      // A head may also name the place.
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

/** Returns the first line, and also the next one if the first only introduces it. */
export function firstSentence(lines: readonly string[]): string {
  const [first = '', second] = lines;
  return first.endsWith(':') && second !== undefined ? `${first} ${second}` : first;
}

/** `12) ` before an entry of a list. Digits alone are too common as a first character. */
export const numbered = Array.from('0123456789', (digit) => `${digit}) `);
