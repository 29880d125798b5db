import { ok, type CiResult, type LogEnd, type PlainLog, type RemoteJob } from '../ci-client';
import type { GithubRepository } from './github-repository';

/** A log that is missing this long after its job never comes. */
const timeoutMs = 10 * 60_000;

/** Reads the log of a job. GitHub has it seconds after the job ends, behind a redirect. */
export async function readJobLog(
  job: RemoteJob,
  from: number,
  write: (bytes: Buffer) => void,
  repository: GithubRepository,
  now: number,
  signal: AbortSignal,
): Promise<CiResult<LogEnd>> {
  const isOver = job.state !== 'waiting' && job.state !== 'running';
  if (!isOver || !job.hasLog) return ok({ isWhole: isOver });
  const answer = await repository.bytes(`/actions/jobs/${job.id}/logs`, from, write, signal);
  if (answer.state === 'answered') return ok({ isWhole: true });
  if (answer.status === 410) return { ...answer, message: `GitHub deleted the log of ${job.name}, because it is too old` };
  if (answer.status !== 404) return answer;
  const isLate = job.finishedAt !== undefined && now - Date.parse(job.finishedAt) > timeoutMs;
  return isLate ? { ...answer, message: `GitHub has no log of ${job.name}`, gone: true } : ok({ isWhole: false });
}

const newline = 0x0a;
/** The prefix of a line fits: byte order mark, time and mark. */
const maxPrefixLength = 64;
const nothing = Buffer.alloc(0);

/** The time before a line, with seven decimal places and one space. */
const linePrefix = /^(?:\xef\xbb\xbf)?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z /;
const byteOrderMark = /^\xef\xbb\xbf/;

/** Marks of the runner in its logs (docs.github.com, workflow commands). */
const marks: Readonly<Record<string, string>> = {
  group: '▸ ',
  error: 'Error: ',
  warning: 'Warning: ',
  notice: 'Notice: ',
  debug: 'Debug: ',
  section: '',
  command: '$ ',
};

/** Removes the times and marks before the lines of a log. All other bytes stay, also if they are not UTF-8. */
export function plainGithubLog(): PlainLog {
  // The start of the current line, until its prefix is complete.
  let start: Buffer = nothing;
  let isInLine = false;
  let isFirst = true;
  const decide = (): Buffer => {
    const text = plainStart(start.toString('latin1'), isFirst);
    isFirst = false;
    start = nothing;
    return text;
  };
  return {
    push: (bytes) => {
      const pieces: Buffer[] = [];
      for (let at = 0; at < bytes.length;) {
        const end = bytes.indexOf(newline, at) + 1;
        const isEnd = end > 0;
        const rest = bytes.subarray(at, isEnd ? end : undefined);
        const taken = isInLine ? rest : rest.subarray(0, maxPrefixLength - start.length);
        if (isInLine) pieces.push(taken);
        else {
          start = Buffer.concat([start, taken]);
          if (start.length >= maxPrefixLength || start.at(-1) === newline) {
            isInLine = true;
            pieces.push(decide());
          }
        }
        at += taken.length;
        if (taken.at(-1) === newline) isInLine = false;
      }
      return Buffer.concat(pieces);
    },
    flush: () => (start.length === 0 ? nothing : decide()),
  };
}

/** Returns the start of a line (one character per byte) without GitHub's prefix. */
function plainStart(start: string, isFirst: boolean): Buffer {
  const time = linePrefix.exec(start)?.[0];
  const text = time === undefined ? (isFirst ? start.replace(byteOrderMark, '') : start) : start.slice(time.length);
  if (/^##\[endgroup\]\r?\n?$/.test(text)) return nothing;
  const [mark = '', name = ''] = /^##\[([a-z]+)\]/.exec(text) ?? [];
  const replacement = name === 'endgroup' ? '' : marks[name];
  const rest = Buffer.from(replacement === undefined ? text : text.slice(mark.length), 'latin1');
  return replacement === undefined ? rest : Buffer.concat([Buffer.from(replacement), rest]);
}
