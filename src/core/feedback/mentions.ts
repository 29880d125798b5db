import type { FeedbackItem } from './item';
import type { Frame } from '../model/problem';

const mostPlaces = 3;
const mostLooked = 100;
const mostLetters = 20_000;
/** `src/cart.ts`, `src/cart.ts:12`, `src/cart.ts#L12`; a name without a folder must have an ending and a line. */
const path = /(?<![\w./@-])((?:[\w.@-]+\/)+[\w.@-]*\w|[\w-]+\.[A-Za-z]\w{0,9}(?=:\d|#L\d))(?:(?::|#L)(\d{1,7})(?::(\d{1,5}))?)?/g;

/** The files that a text speaks of, as they are written there. Addresses of the web are none. */
export function filesMentioned({ title, body = '' }: FeedbackItem): Frame[] {
  const text = `${title}\n${body}`.slice(0, mostLetters).replace(/\b[a-z][\w+.-]*:\/\/\S+/gi, ' ');
  const found = [...text.matchAll(path)].slice(0, mostLooked).map(([, file = '', line, column]) => ({
    file,
    ...(line !== undefined && { line: Number(line) }),
    ...(line !== undefined && column !== undefined && { column: Number(column) }),
  }));
  const keys = found.map(({ file, line }) => `${file}:${line ?? ''}`);
  return found.filter((_, index) => keys.indexOf(keys[index] ?? '') === index).slice(0, mostPlaces);
}

/** The words of a commit's message, to ask which items it names. */
export class MessageWords {
  private readonly words: ReadonlySet<string>;

  constructor(message: string) {
    this.words = new Set(message.split(/[\s,;()[\]<>"'`]+/).flatMap((word) => [word, word.replace(/[.:!?]+$/, '')]));
  }

  /** By its reference, its address or its id, as a word of its own. A number alone names nothing. */
  name({ id, reference, url }: FeedbackItem): boolean {
    const name = reference ?? id;
    return (name.length >= 2 && !/^\d+$/.test(name) && this.words.has(name)) || (url !== undefined && this.words.has(url));
  }
}
