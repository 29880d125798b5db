import type { Frame } from '../model/problem';
import { frameOf } from './matchers/groups';

/** The frame formats of several languages. Stacks that print the innermost call last are reversed. */
const notations: readonly { readonly frame: RegExp; readonly outermostFirst?: true }[] = [
  { frame: /^E?\s*File "(?<file>.+?)", line (?<line>\d+)/, outermostFirst: true },
  { frame: /^(?<file>\S[^:\n]*\.py):(?<line>\d+): (?:[\w.]*|in .+)$/, outermostFirst: true },
  { frame: /^\s+at .* in (?<file>.+):line (?<line>\d+)$/ },
  { frame: /panicked at (?:'.*', )?(?<file>[^\s:][^:]*\.rs):(?<line>\d+):(?<column>\d+)/ },
  { frame: /^\s*❯ (?:\S.* )?(?<file>[^\s❯][^:]*):(?<line>\d+):(?<column>\d+)$/ },
  { frame: /\bin (?:test )?file (?<file>\S.*?), line (?<line>\d+)/ },
  { frame: /\[(?<file>\S+\.rb):(?<line>\d+)\]:?$/ },
  {
    frame:
      /^\s*(?:at )?(?<file>\S[^:\n]*\.(?:go|php|rb|ts|js|mjs|cjs|tsx|jsx|c|cc|cpp|cxx|h|hpp)):(?<line>\d+)(?::(?<column>\d+))?(?=\D|$)/,
  },
];

/** Returns the frames of a stack trace of any language, innermost call first. Empty if there are none. */
export function traceFrames(trace: string): Frame[] {
  const lines = trace.split('\n').map((line) => line.trimEnd());
  const node = lines.flatMap((line) => nodeFrame(line) ?? []).filter((frame) => frame.line !== undefined);
  if (node.length > 0) return node;
  const java = lines.flatMap((line) => javaFrame(line) ?? []);
  if (java.length > 0) return java;
  for (const { frame, outermostFirst } of notations) {
    const found = lines.flatMap((line) => frameOf(frame, line) ?? []);
    if (found.length > 0) return outermostFirst ? found.reverse() : found;
  }
  return [];
}

/** `at com.acme.CartTest.adds(CartTest.java:12)`: the package gives the folder. */
export function javaFrame(line: string): Frame | undefined {
  const [, type = '', file, number] =
    /^\s*at (?:[\w.@-]+\/)*([\w.$]+)\.[\w$<>]+\(([\w$]+\.(?:java|kt|scala|groovy)):(\d+)\)/.exec(line) ?? [];
  if (file === undefined) return undefined;
  const folder = type.split('.').slice(0, -1).join('/');
  return { file: folder === '' ? file : `${folder}/${file}`, line: Number(number) };
}

const call =
  /^\s*at (?:async )?(?:.*? \()?((?:(?!https?:)[a-z][\w-]*:\/\/|node:|[A-Za-z]:[\\/])?[^():]+(?:\([^():]*\)[^():]*)*):(\d+):(\d+)\)?(?: \{)?$/;

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
