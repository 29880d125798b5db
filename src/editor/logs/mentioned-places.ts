import * as path from 'node:path';

/** A place in code that a log line mentions. `start` and `end` are columns in the log line from 0; `line` and `column` count from 1. */
export interface Mention {
  readonly start: number;
  readonly end: number;
  readonly path: string;
  readonly line?: number;
  readonly column?: number;
}

const fullLog = /Full log: (.+)$/;
// Matches a path with a folder or an extension, followed by `:12:5`, `:12`, `(12,5)` or nothing.
const place =
  /((?:(?<![A-Za-z])[A-Za-z]:)?[\w.@+~\-/\\]*[\w@+~-](?:\.[A-Za-z]\w{0,9}|[/\\][\w.@+-]+))(?::(\d{1,7})(?::(\d{1,7}))?|\((\d{1,7})(?:,\s?(\d{1,7}))?\))?/g;

/** Returns the paths in a log line. The files need not exist. */
export function mentionsIn(text: string): Mention[] {
  const full = fullLog.exec(text);
  if (full?.[1] !== undefined) return [{ start: text.length - full[1].length, end: text.length, path: full[1] }];
  return [...text.slice(0, 1000).matchAll(place)].flatMap((match) => {
    const [all, file = '', colonLine, colonColumn, parenLine, parenColumn] = match;
    const [line, column] = [colonLine ?? parenLine, colonColumn ?? parenColumn];
    const isFile = file.startsWith('///') && text.slice(0, match.index).endsWith('file:');
    const isAddress = text[match.index - 1] === ':' || text.slice(match.index - 3, match.index) === '://';
    // VS Code links addresses itself, and a version is not a file.
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

/** The roots of the same files, in the working copy and in the checkouts of steps. */
export interface Roots {
  /** The root of the working copy. */
  readonly repository: string;
  /** The service's folder in the working copy. */
  readonly folder: string;
  readonly slots: readonly string[];
}

/** Returns the files of the working copy that a path may refer to, best first. Never returns a file outside. */
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
