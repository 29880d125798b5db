import type { Frame } from '../../model/problem';

const call = /^\s*at (?:.*? \()?((?:file:\/\/|node:|[A-Za-z]:[\\/])?[^():]+(?:\([^():]*\)[^():]*)*):(\d+):(\d+)\)?(?: \{)?$/;

/** A stack frame as printed by V8 (https://v8.dev/docs/stack-trace-api), also without a file. */
export function nodeFrame(line: string): Frame | undefined {
  if (line.length > 2000) return undefined;
  const match = call.exec(line);
  if (match) return { file: match[1] ?? '', line: Number(match[2]), column: Number(match[3]) };
  return /^\s+at .*(?:<anonymous>|\(native\)|\(index \d+\))/.test(line) ? { file: '<anonymous>' } : undefined;
}

/** A JavaScript error at the start of a line. */
export const errorHead = '(?:[A-Za-z_$][\\w.$]*)?(?:Error|Exception)(?: \\[\\w+\\])?';

/** The end of the error's name. */
export const errorEnds = ['Error: ', 'Error\n', 'Error [', 'Exception: ', 'Exception\n'];
