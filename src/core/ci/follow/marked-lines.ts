import * as fs from 'node:fs';

/** What is longer was not printed by us. */
const mostBytes = 256 * 1024;
const mostLines = 1_000;

/**
 * The lines of a log that hold a mark, each from its first mark on, of those after `from` (in bytes). The log may be larger than
 * memory, and a line without end; at most 1,000 lines are answered, none that is longer than 256 kB from its mark on.
 */
export async function markedLines(file: string, from: number, mark: string): Promise<string[]> {
  const lines: string[] = [];
  let rest: Buffer = Buffer.alloc(0);
  /** The line that goes on was told, or is too long. */
  let isPassed = false;
  for await (const piece of fs.createReadStream(file, { start: from, highWaterMark: 1 << 20 })) {
    rest = Buffer.concat([rest, piece as Buffer]);
    for (;;) {
      const begin: number = isPassed ? 0 : rest.indexOf(mark);
      if (begin < 0) rest = rest.subarray(-(Buffer.byteLength(mark) - 1));
      else rest = rest.subarray(begin);
      const end = begin < 0 ? -1 : rest.indexOf('\n');
      if (end < 0) {
        isPassed ||= begin >= 0 && rest.length > mostBytes;
        if (isPassed) rest = Buffer.alloc(0);
        break;
      }
      if (!isPassed && end <= mostBytes) lines.push(rest.toString('utf8', 0, end));
      if (lines.length === mostLines) return lines;
      rest = rest.subarray(end + 1);
      isPassed = false;
    }
  }
  return rest.indexOf(mark) === 0 ? [...lines, rest.toString()] : lines;
}
