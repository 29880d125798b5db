import { StringDecoder } from 'node:string_decoder';

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
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]|\udb40[\udc00-\udc7f]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** Returns text from outside without characters that could change how it is shown. */
export function plain(text: string): string {
  return text.replace(/\r\n?/g, '\n').replace(unsafeCharacters, '');
}

/** Returns the JSON of a value, with escapes for characters that could change how it is shown. */
export function plainJson(value: unknown): string {
  return JSON.stringify(value).replace(unsafeCharacters, (text) =>
    Array.from({ length: text.length }, (_, at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`).join(''),
  );
}

const anyEscape = new RegExp(escapes.source, 'g');
const colour = /^(?:\x1b\[|\x9b)[\d:;]*m$/;
/** A code, or a carriage return before a line feed, that the next chunk may complete. */
const openEnd = /(?:\x1b(?:\[[\x20-\x3f]*|[\]PX^_][^\x07\x1b\n]*\x1b?)?|\r)$/;
const maxOpenLength = 4096;

/** Makes the output of a program safe for a terminal: only colours and styles remain of its codes. */
export class ColouredText {
  private rest = '';
  private readonly decoder = new StringDecoder('utf8');

  take(bytes: Buffer): string {
    const text = this.rest + this.decoder.write(bytes);
    const open = openEnd.exec(text)?.[0] ?? '';
    this.rest = open.length > maxOpenLength ? '' : open;
    return colouredText(text.slice(0, text.length - this.rest.length));
  }
}

/** Returns text without the terminal codes that are no colour or style, and without characters that change how text is shown. */
export function colouredText(text: string): string {
  // An incomplete string ends with its line. Otherwise it would hide the lines after it.
  return text.replace(/[^\n]+/g, (line) => {
    const codes: string[] = [];
    const parts = line.replace(/\0/g, '').replace(anyEscape, (code) => (colour.test(code) && codes.push(code) > 0 ? '\0' : ''));
    const cleaned = parts.replace(/\r$/, '').split('\0').map(plain);
    return cleaned.map((part, at) => part + (codes[at] ?? '')).join('');
  });
}
