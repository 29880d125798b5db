import type { PlainLog } from '../ci-client';

const newline = 0x0a;
const plus = 0x2b;
/** Of the time and the stream in front of each line: `2024-05-22T12:43:46.962646Z 00O `. */
const headerLength = 32;
const header = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z [0-9a-f]{2}[EO][ +]$/;
/** Longer ones are no marks. */
const longestMark = 1024;
const mark = /section_(?:start|end):\d+:[\w.-]+(?:\[[^\]\r\n]*\])?\r\x1b\[0K/g;

/**
 * A log of GitLab without its own marks: those of sections (docs.gitlab.com: ci/jobs/job_logs), and the times of runners with
 * FF_TIMESTAMPS, as GitLab's own reader takes them (lib/gitlab/ci/ansi2json/converter.rb). What steps print stays as it is, byte
 * for byte.
 */
export class GitlabPlainLog implements PlainLog {
  private readonly times = new LineTimes();
  private readonly sections = new SectionMarks();

  push(bytes: Buffer): Buffer {
    return this.sections.push(this.times.push(bytes));
  }

  flush(): Buffer {
    return Buffer.concat([this.sections.push(this.times.flush()), this.sections.flush()]);
  }
}

/**
 * A line that begins with a time and `+` goes on from the line before of its stream, whose end is not one. The runner writes each
 * stream by itself, so that lines of others may lie between (gitlab-org/gitlab-runner, package timestamper).
 */
class LineTimes {
  /** Known from the first line on: what a step prints may look like a time, too. */
  private hasTimes: boolean | undefined;
  private rest: Buffer = Buffer.alloc(0);
  private atLineStart = true;
  /** Of the line that is being read, as `00O`; empty for one without a time. */
  private stream = '';

  push(bytes: Buffer): Buffer {
    this.rest = this.rest.length === 0 ? bytes : Buffer.concat([this.rest, bytes]);
    if (this.hasTimes === undefined) {
      if (couldBeHeader(this.rest)) return Buffer.alloc(0);
      this.hasTimes = isHeader(this.rest);
    }
    if (!this.hasTimes) return this.flush();
    const pieces: Buffer[] = [];
    for (;;) {
      if (this.atLineStart) {
        // The end of the line before comes with the line, which says whether it was one.
        const start = this.rest[0] === newline ? 1 : 0;
        const line = this.rest.subarray(start);
        if (line.length === 0 || couldBeHeader(line)) break;
        const is = isHeader(line);
        const stream = is ? line.toString('latin1', headerLength - 4, headerLength - 1) : '';
        const goesOn = is && line[headerLength - 1] === plus && stream === this.stream;
        this.stream = stream;
        if (start === 1 && !goesOn) pieces.push(this.rest.subarray(0, 1));
        this.rest = is ? line.subarray(headerLength) : line;
        this.atLineStart = false;
      }
      const end = this.rest.indexOf(newline);
      pieces.push(end < 0 ? this.rest : this.rest.subarray(0, end));
      this.rest = end < 0 ? Buffer.alloc(0) : this.rest.subarray(end);
      if (end < 0) break;
      this.atLineStart = true;
    }
    return Buffer.concat(pieces);
  }

  flush(): Buffer {
    const { rest } = this;
    this.rest = Buffer.alloc(0);
    return rest;
  }
}

function isHeader(line: Buffer): boolean {
  return header.test(line.toString('latin1', 0, headerLength));
}

const model = '0000-00-00T00:00:00.000000Z 00O ';

/** Whether more bytes have to come before it is known. */
function couldBeHeader(line: Buffer): boolean {
  if (line.length >= headerLength) return false;
  const text = line.toString('latin1');
  return header.test(text + model.slice(text.length));
}

class SectionMarks {
  private rest = '';

  push(bytes: Buffer): Buffer {
    // Bytes as characters of one byte each: nothing is decoded, nothing is lost.
    const text = (this.rest + bytes.toString('latin1')).replace(mark, '');
    const cut = heldBack(text);
    this.rest = text.slice(cut);
    return Buffer.from(text.slice(0, cut), 'latin1');
  }

  flush(): Buffer {
    const { rest } = this;
    this.rest = '';
    return Buffer.from(rest, 'latin1');
  }
}

const unfinished =
  /(?:s|se|sec|sect|secti|sectio|section|section_|section_(?:s|st|sta|star|e|en)|section_(?:start|end)(?::\d*(?::[\w.-]*(?:\[[^\]\r\n]*\]?)?(?:\r(?:\x1b(?:\[(?:0)?)?)?)?)?)?)$/;

/** From where on the text may be a mark that has not come to its end. */
function heldBack(text: string): number {
  const from = Math.max(0, text.length - longestMark);
  const match = unfinished.exec(text.slice(from));
  return match ? from + match.index : text.length;
}
