import type { Frame } from '../../model/problem';

const call = /^\s*at (?:.*? \()?((?:file:\/\/|node:|[A-Za-z]:[\\/])?[^():]+(?:\([^():]*\)[^():]*)*):(\d+):(\d+)\)?(?: \{)?$/;

/** A line of a stack as V8 prints it (https://v8.dev/docs/stack-trace-api); also those that name no file. */
export function nodeFrame(line: string): Frame | undefined {
  if (line.length > 2000) return undefined;
  const match = call.exec(line);
  if (match) return { file: match[1] ?? '', line: Number(match[2]), column: Number(match[3]) };
  return /^\s+at .*(?:<anonymous>|\(native\)|\(index \d+\))/.test(line) ? { file: '<anonymous>' } : undefined;
}

/** The kinds of errors that JavaScript throws, at the beginning of a line. */
export const errorHead = '(?:[A-Za-z_$][\\w.$]*)?(?:Error|Exception)(?: \\[\\w+\\])?';

/** How the line ends or goes on after the name of an error. */
export const errorEnds = ['Error: ', 'Error\n', 'Error [', 'Exception: ', 'Exception\n'];
