import { textOf } from '../../support/json-value';
import { ok, type CiFailure, type CiResult, type LogEnd, type PlainLog, type RemoteJob } from '../ci-client';
import { readFrom } from '../conditional-client';
import { isOver } from './jobs';
import { wrong, type GitlabProject } from './project';

/** The rest of a long log is left for the next read. */
const maxReads = 5;

/**
 * Reads the log of a job. GitLab documents no ranges (gitlab-org/gitlab#30391), and does not mark the end of a log. The log of a finished
 * job is complete once a second answer adds nothing: a single answer may be outdated.
 */
export async function readTrace(
  project: GitlabProject,
  job: RemoteJob,
  from: number,
  write: (bytes: Buffer) => void,
  signal: AbortSignal,
): Promise<CiResult<LogEnd>> {
  let at = from;
  for (let answers = 1; ; answers++) {
    const before = at;
    const failure = await readPart(project, job, at, (bytes) => ((at += bytes.length), write(bytes)), signal);
    if (failure) return failure;
    if (!isOver(job.state)) return ok({ isWhole: false });
    if (answers > 1 && at === before) break;
    if (answers === maxReads) return ok({ isWhole: false });
  }
  return (at === 0 ? await missingLogReason(project, job, signal) : undefined) ?? ok({ isWhole: true });
}

async function readPart(
  project: GitlabProject,
  job: RemoteJob,
  from: number,
  write: (bytes: Buffer) => void,
  signal: AbortSignal,
): Promise<CiFailure | undefined> {
  const answer = await readFrom(project.client, project.path(`/jobs/${encodeURIComponent(job.id)}/trace`), from, write, signal);
  if (answer.state === 'answered') project.client.heard(answer.headers);
  else if (answer.status !== 404 && answer.status !== 410) return answer;
  else return (await missingLogReason(project, job, signal)) ?? gone(`GitLab has no log of ${job.name}`);
  return undefined;
}

/** Returns why a log is missing, or undefined if it is simply empty. */
async function missingLogReason(project: GitlabProject, job: RemoteJob, signal: AbortSignal): Promise<CiFailure | undefined> {
  const current = await project.record(`/jobs/${encodeURIComponent(job.id)}`, 'a job', signal);
  if (current.state === 'failed') return current;
  return textOf(current.value['erased_at']) === undefined ? undefined : gone(`the log of ${job.name} was erased`);
}

function gone(message: string): CiFailure {
  return { ...wrong(message), status: 404, gone: true };
}

const newline = 0x0a;
const plus = 0x2b;
/** Length of the time and stream before each line: `2024-05-22T12:43:46.962646Z 00O `. */
const headerLength = 32;
const header = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z [0-9a-f]{2}[EO][ +]$/;
/** Marks are never longer. */
const maxMarkLength = 1024;
const mark = /section_(?:start|end):\d+:[\w.-]+(?:\[[^\]\r\n]*\])?\r\x1b\[0K/g;

/**
 * Removes GitLab's marks from a log: sections (docs.gitlab.com: ci/jobs/job_logs) and the times of runners with FF_TIMESTAMPS
 * (lib/gitlab/ci/ansi2json/converter.rb). All other bytes stay.
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
 * Removes times. A line with a time and `+` continues the previous line of its stream. The runner writes each stream separately, so lines
 * of others may be in between (gitlab-org/gitlab-runner, package timestamper).
 */
class LineTimes {
  /** Decided by the first line: a step may print similar times. */
  private hasTimes: boolean | undefined;
  private rest: Buffer = Buffer.alloc(0);
  private atLineStart = true;
  /** Stream of the current line, as `00O`; empty without a time. */
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
        // The line break is held back, because the next line may continue this one.
        const start = this.rest[0] === newline ? 1 : 0;
        const line = this.rest.subarray(start);
        if (line.length === 0 || couldBeHeader(line)) break;
        const hasHeader = isHeader(line);
        const stream = hasHeader ? line.toString('latin1', headerLength - 4, headerLength - 1) : '';
        const continues = hasHeader && line[headerLength - 1] === plus && stream === this.stream;
        this.stream = stream;
        if (start === 1 && !continues) pieces.push(this.rest.subarray(0, 1));
        this.rest = hasHeader ? line.subarray(headerLength) : line;
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

/** Returns whether more bytes are needed to decide. */
function couldBeHeader(line: Buffer): boolean {
  if (line.length >= headerLength) return false;
  const text = line.toString('latin1');
  return header.test(text + model.slice(text.length));
}

class SectionMarks {
  private rest = '';

  push(bytes: Buffer): Buffer {
    // A character per byte: nothing is decoded, nothing is lost.
    const text = (this.rest + bytes.toString('latin1')).replace(mark, '');
    const cut = completeLength(text);
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

/** Returns where an incomplete mark may begin. */
function completeLength(text: string): number {
  const from = Math.max(0, text.length - maxMarkLength);
  const match = unfinished.exec(text.slice(from));
  return match ? from + match.index : text.length;
}
