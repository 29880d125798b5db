import { nodeFrame } from './matchers/node-frames';
import type { Frame } from '../model/problem';

/** The frame formats of several languages. Stacks that print the innermost call last are reversed. */
const notations: readonly { readonly frame: RegExp; readonly outermostFirst?: true }[] = [
  { frame: /^\s*File "(.+?)", line (\d+)/, outermostFirst: true },
  { frame: /^(\S[^:\n]*\.py):(\d+): \w*$/, outermostFirst: true },
  { frame: /^\s+at .* in (.+):line (\d+)$/ },
  { frame: /panicked at (?:'.*', )?([^\s:][^:]*\.rs):(\d+):(\d+)/ },
  { frame: /^\s*❯ (?:\S.* )?([^\s❯][^:]*):(\d+):(\d+)$/ },
  { frame: /^\s*(\S[^:\n]*\.(?:go|php|rb|ts|js|mjs|cjs|tsx|jsx)):(\d+)(?::(\d+))?\b/ },
];

const longestLine = 2000;

/** Returns the frames of a stack trace of any language, innermost call first. Empty if there are none. */
export function traceFrames(trace: string): Frame[] {
  const lines = trace.split('\n').map((line) => line.trimEnd().slice(0, longestLine));
  const node = lines.flatMap((line) => nodeFrame(line) ?? []).filter((frame) => frame.line !== undefined);
  if (node.length > 0) return node;
  const java = lines.flatMap((line) => javaFrame(line) ?? []);
  if (java.length > 0) return java;
  for (const { frame, outermostFirst } of notations) {
    const found = lines.flatMap((line) => {
      const [, file, number, column] = frame.exec(line) ?? [];
      return file === undefined ? [] : [{ file, line: Number(number), ...(column !== undefined && { column: Number(column) }) }];
    });
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
