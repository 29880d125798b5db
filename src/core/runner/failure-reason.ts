import type { Step } from '../model/pipeline';
import type { CommandEnd } from '../process/command';
import { promptReason } from './prompts';

/** A failure of the machine, not of the code, that the last lines of a log show. */
interface Cause {
  readonly sign: RegExp;
  readonly reason: (match: RegExpExecArray) => string;
}

const causes: readonly Cause[] = [
  {
    sign: /(?:ENOSPC|No space left on device|There is not enough space on the disk)/,
    reason: () => 'the disk is full: free some space, then run it again',
  },
  {
    sign: /(?:EADDRINUSE|[Aa]ddress already in use)(?:\D{0,80}?\b(\d{2,5})\b)?/,
    reason: ([, port]) =>
      `${port === undefined ? 'a port' : `port ${port}`} is in use by another program: end it, or let the step choose a free port (0)`,
  },
  {
    sign: /(?:JavaScript heap out of memory|java\.lang\.OutOfMemoryError|fatal error: runtime: out of memory|std::bad_alloc|ENOMEM|Cannot allocate memory|\bMemoryError\b)/,
    reason: () => 'it ran out of memory: raise the limit, or reduce the parallel work',
  },
];

/** Returns a sentence with the cause and the remedy for a step that did not pass, or undefined if its exit code says it all. */
export function failureReason(step: Step, end: CommandEnd, tail: string): string | undefined {
  if (end.error !== undefined) return `it could not be started: ${end.error}`;
  if (end.ended === 'timeout') return `it exceeded its timeout of ${seconds(step.timeoutMs ?? 0)}: make it faster, or raise \`timeout\``;
  if (end.exitCode === 127) return notFound(tail);
  if (end.exitCode === 126) return notExecutable(tail);
  const asked = end.signal === undefined && end.exitCode !== 137 ? promptReason(tail) : undefined;
  if (asked !== undefined) return asked;
  for (const { sign, reason } of causes) {
    const match = sign.exec(tail);
    if (match) return reason(match);
  }
  const killed = end.signal === 'SIGKILL' || end.exitCode === 137;
  if (killed) return 'it was killed, probably because memory ran out: raise the limit, or reduce the parallel work';
  return end.signal === undefined ? undefined : `it was ended by ${end.signal}`;
}

function notFound(tail: string): string {
  const name = /(?:^|[:\s])([^\s:]+): (?:command )?not found\s*$/m.exec(tail)?.[1] ?? /command not found: (\S+)/.exec(tail)?.[1];
  const command = name === undefined ? 'a command of the step' : `the command ${name}`;
  return `${command} was not found: check its spelling, install it, or add the step that installs it to \`needs\``;
}

function notExecutable(tail: string): string | undefined {
  const name = /(?:^|\s)([^\s:]+): Permission denied\s*$/m.exec(tail)?.[1];
  return name === undefined ? undefined : `${name} is not executable: run git update-index --chmod=+x ${name}`;
}

function seconds(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${ms / 1000} s`;
}
