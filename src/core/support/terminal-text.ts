/** A line longer than this is given in pieces: a program that never ends its line must not fill the memory. */
const longestLine = 64 * 1024;

// Control sequences: CSI, then strings such as OSC up to their end, then escapes of two or three characters.
const escapes =
  /(?:\x1b\[|\x9b)([\x30-\x3f]*)[\x20-\x2f]*([\x40-\x7e])|\x1b[\]PX^_](?:[^\x07\x1b]|\x1b(?!\\))*(?:\x07|\x1b\\|$)|(?:\x1b\[|\x9b)[\x20-\x3f]*$|\x1b[\x20-\x2f]*[\x30-\x7e]?/y;

const control = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/;

/**
 * A program's output as plain text lines: colours and other terminal codes are gone, and a progress
 * bar that was drawn over itself is left as it last looked. Feed it chunks as they come; a code or a
 * line may be split between two.
 */
export class PlainLines {
  private rest = '';

  take(chunk: string): string[] {
    const lines = (this.rest + chunk).split('\n');
    this.rest = lines.pop() ?? '';
    while (this.rest.length > longestLine) {
      const cut = safeCut(this.rest);
      lines.push(this.rest.slice(0, cut));
      this.rest = this.rest.slice(cut);
    }
    return lines.map(plainLine);
  }

  /** What came after the last line's end, and starts anew. */
  end(): string[] {
    const { rest } = this;
    this.rest = '';
    return rest === '' ? [] : [plainLine(rest)];
  }
}

/** One line without its end, as a terminal would leave it. */
export function plainLine(line: string): string {
  const text = line.endsWith('\r') ? line.slice(0, -1) : line;
  return control.test(text) ? drawn(text) : text;
}

/** Plays the line on a terminal of one endless row. */
function drawn(text: string): string {
  let row: string[] = [];
  let column = 0;
  for (let at = 0; at < text.length;) {
    escapes.lastIndex = at;
    const escape = escapes.exec(text);
    if (escape && escape[0] !== '') {
      const [, parameters = '', final] = escape;
      const count = Number.parseInt(parameters, 10);
      if (final === 'K') row = erased(row, column, count || 0);
      else if (final === 'G') column = Math.min((count || 1) - 1, longestLine);
      else if (final === 'C') column = Math.min(column + (count || 1), longestLine);
      else if (final === 'D') column = Math.max(0, column - (count || 1));
      at += escape[0].length;
      continue;
    }
    const character = text[at++] ?? '';
    if (character === '\r') column = 0;
    else if (character === '\b') column = Math.max(0, column - 1);
    else if (!control.test(character)) row[column++] = character;
  }
  return Array.from(row, (character: string | undefined) => character ?? ' ')
    .join('')
    .trimEnd();
}

/** Mode 0 erases from the cursor on, 1 up to it, 2 the whole row. */
function erased(row: string[], column: number, mode: number): string[] {
  if (mode === 0) return row.slice(0, column);
  if (mode === 1) return row.map((character, index) => (index <= column ? ' ' : character));
  return [];
}

/** Not inside a code that began shortly before. */
function safeCut(text: string): number {
  const escape = text.lastIndexOf('\x1b', longestLine);
  return escape > longestLine - 100 ? escape : longestLine;
}
