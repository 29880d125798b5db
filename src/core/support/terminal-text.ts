/** A longer line is split, so that a program without line breaks cannot fill the memory. */
const maxLineLength = 64 * 1024;

// CSI sequences, then strings such as OSC up to their end, then escapes of two or three characters.
const escapes =
  /(?:\x1b\[|\x9b)([\x30-\x3f]*)[\x20-\x2f]*([\x40-\x7e])|\x1b[\]PX^_](?:[^\x07\x1b]|\x1b(?!\\))*(?:\x07|\x1b\\|$)|(?:\x1b\[|\x9b)[\x20-\x3f]*$|\x1b[\x20-\x2f]*[\x30-\x7e]?/y;

const control = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/;

/**
 * Turns the output of a program into plain lines, without colours and other terminal codes. A progress bar keeps its
 * last state. Codes and lines may be split over chunks.
 */
export class PlainLines {
  private rest = '';

  take(chunk: string): string[] {
    const lines = (this.rest + chunk).split('\n');
    this.rest = lines.pop() ?? '';
    while (this.rest.length > maxLineLength) {
      const cut = safeCut(this.rest);
      lines.push(this.rest.slice(0, cut));
      this.rest = this.rest.slice(cut);
    }
    return lines.map(plainLine);
  }

  /** Returns the rest after the last line break, and resets. */
  end(): string[] {
    const { rest } = this;
    this.rest = '';
    return rest === '' ? [] : [plainLine(rest)];
  }
}

/** Returns a line as a terminal would show it. */
export function plainLine(line: string): string {
  const text = line.endsWith('\r') ? line.slice(0, -1) : line;
  return control.test(text) ? render(text) : text;
}

/** Renders a line on a terminal with one endless row. */
function render(text: string): string {
  let row: string[] = [];
  let column = 0;
  for (let at = 0; at < text.length;) {
    escapes.lastIndex = at;
    const escape = escapes.exec(text);
    if (escape && escape[0] !== '') {
      const [, parameters = '', final] = escape;
      const count = Number.parseInt(parameters, 10);
      if (final === 'K') row = erased(row, column, count || 0);
      else if (final === 'G') column = Math.min((count || 1) - 1, maxLineLength);
      else if (final === 'C') column = Math.min(column + (count || 1), maxLineLength);
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

/** Mode 0 erases from the cursor, 1 up to the cursor, 2 the row. */
function erased(row: string[], column: number, mode: number): string[] {
  if (mode === 0) return row.slice(0, column);
  if (mode === 1) return row.map((character, index) => (index <= column ? ' ' : character));
  return [];
}

/** Returns a length that does not split a terminal code. */
function safeCut(text: string): number {
  const escape = text.lastIndexOf('\x1b', maxLineLength);
  return escape > maxLineLength - 100 ? escape : maxLineLength;
}

/** Control characters except line breaks and tabs, direction marks, invisible characters, lone surrogates. */
const unsafeCharacters =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** Returns text from outside without characters that could change how it is shown. */
export function plain(text: string): string {
  return text.replace(/\r\n?/g, '\n').replace(unsafeCharacters, '');
}
