import * as fs from 'node:fs';
import { readTail } from '../support/file-tail';

/** One line of a reflog: how a ref came from one commit to another. */
export interface RefMove {
  /** Absent where the ref came into being. */
  readonly from?: string;
  readonly to: string;
  /** When, in milliseconds; git notes whole seconds. */
  readonly at: number;
  /** What git did, as in `commit (amend): Say hello`. */
  readonly message: string;
}

/** The end of a log that is read: far more than one look ever misses. */
const tailBytes = 256 * 1024;

export function refMove(line: string): RefMove | undefined {
  const [, from = '', to = '', seconds, message = ''] =
    /^([0-9a-f]{40,64}) ([0-9a-f]{40,64}) [^\t]*> (\d+) [^\t]*(?:\t(.*))?$/.exec(line) ?? [];
  if (to === '' || isNone(to)) return undefined;
  return { ...(!isNone(from) && { from }), to, at: Number(seconds) * 1000, message };
}

/** What a reflog gains from one look to the next. git rewrites the file when it cleans up: the lines tell, not the size. */
export class Reflog {
  private last: string | undefined;
  private stamp = '';

  constructor(readonly file: string) {}

  /** Whether git keeps one. */
  get exists(): boolean {
    return fs.existsSync(this.file);
  }

  /** The lines that came since the last call, oldest first; at the first call what stands at its end. */
  read(): RefMove[] {
    const stat = fs.statSync(this.file, { throwIfNoEntry: false });
    const stamp = stat ? `${stat.ino} ${stat.size} ${stat.mtimeMs}` : '';
    if (!stat || stamp === this.stamp) return [];
    this.stamp = stamp;
    const text = readTail(this.file, tailBytes);
    // A line is there when its end is.
    const lines = text
      .slice(0, text.lastIndexOf('\n') + 1)
      .split('\n')
      .slice(0, -1);
    const moves = (this.last === undefined ? lines : after(this.last, lines)).flatMap((line) => refMove(line) ?? []);
    this.last = lines.at(-1) ?? this.last;
    return moves;
  }
}

/** The lines after one that was the last; where it was cleaned up, those that are younger. */
function after(last: string, lines: readonly string[]): readonly string[] {
  const known = lines.lastIndexOf(last);
  if (known >= 0) return lines.slice(known + 1);
  const before = refMove(last);
  const first = lines.findIndex((line) => {
    const { at = 0, from } = refMove(line) ?? {};
    return before && (at > before.at || (at === before.at && from === before.to));
  });
  return first < 0 ? [] : lines.slice(first);
}

function isNone(commit: string): boolean {
  return /^0+$/.test(commit);
}
