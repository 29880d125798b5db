import * as path from 'node:path';

/** A place that a log line mentions; columns of the mention in the line from 0, `line` and `column` from 1. */
export interface Mention {
  readonly start: number;
  readonly end: number;
  readonly path: string;
  readonly line?: number;
  readonly column?: number;
}

const wholeLog = /whole log: (.+)$/;
// A path with a folder or an extension, then `:12:5`, `:12`, `(12,5)` or nothing.
const place =
  /((?:(?<![A-Za-z])[A-Za-z]:)?[\w.@+~\-/\\]*[\w@+~-](?:\.[A-Za-z]\w{0,9}|[/\\][\w.@+-]+))(?::(\d{1,7})(?::(\d{1,7}))?|\((\d{1,7})(?:,\s?(\d{1,7}))?\))?/g;

/** The paths in a line of a log; whether they exist is for the caller to see. */
export function mentionsIn(text: string): Mention[] {
  const whole = wholeLog.exec(text);
  if (whole?.[1] !== undefined) return [{ start: text.length - whole[1].length, end: text.length, path: whole[1] }];
  return [...text.slice(0, 1000).matchAll(place)].flatMap((match) => {
    const [all, file = '', colonLine, colonColumn, parenLine, parenColumn] = match;
    const [line, column] = [colonLine ?? parenLine, colonColumn ?? parenColumn];
    const isFile = file.startsWith('///') && text.slice(0, match.index).endsWith('file:');
    const isAddress = text[match.index - 1] === ':' || text.slice(match.index - 3, match.index) === '://';
    // Addresses are links of their own, and a version is no file.
    if ((isAddress && !isFile) || /^[\d.]+$/.test(file)) return [];
    return {
      start: match.index - (isFile ? 'file:'.length : 0),
      end: match.index + all.length,
      path: isFile ? file.slice(2) : file,
      ...(line !== undefined && { line: Number(line) }),
      ...(column !== undefined && { column: Number(column) }),
    };
  });
}

/** Where steps run and where the user works: the same files under two roots. */
export interface Roots {
  /** The user's working copy. */
  readonly repository: string;
  /** The service's folder in it. */
  readonly folder: string;
  /** Checkouts that steps ran in. */
  readonly slots: readonly string[];
}

/** The files of the user's working copy that a mentioned path may mean, best first; never outside of it. */
export function candidates(mentioned: string, roots: Roots): string[] {
  const { repository, folder, slots } = roots;
  if (!path.isAbsolute(mentioned)) return within(repository, [path.resolve(folder, mentioned), path.resolve(repository, mentioned)]);
  const slot = slots.find((root) => isBelow(root, mentioned));
  return within(repository, [slot === undefined ? mentioned : path.join(repository, path.relative(slot, mentioned))]);
}

function within(root: string, files: readonly string[]): string[] {
  return [...new Set(files)].filter((file) => isBelow(root, file));
}

function isBelow(root: string, file: string): boolean {
  const relative = path.relative(root, file);
  return relative !== '' && !relative.startsWith('..') && !path.isAbsolute(relative);
}
