import type { Step } from '../model/pipeline';
import type { CommandEnd } from '../process/command';
import { promptReason } from './prompts';

/** What the machine, not the code, did to a command: told by how it ended and by its last lines. */
interface Cause {
  readonly sign: RegExp;
  readonly says: (match: RegExpExecArray) => string;
}

const causes: readonly Cause[] = [
  {
    sign: /(?:ENOSPC|No space left on device|There is not enough space on the disk)/,
    says: () => 'the disk is full: free some space, then run it again',
  },
  {
    sign: /(?:EADDRINUSE|[Aa]ddress already in use)(?:\D{0,80}?\b(\d{2,5})\b)?/,
    says: ([, port]) =>
      `${port === undefined ? 'a port' : `port ${port}`} is taken by another program: end that, or let the step choose a free port (0)`,
  },
  {
    sign: /(?:JavaScript heap out of memory|java\.lang\.OutOfMemoryError|fatal error: runtime: out of memory|std::bad_alloc|ENOMEM|Cannot allocate memory|\bMemoryError\b)/,
    says: () => 'it ran out of memory: give it more, or let it do less at a time',
  },
];

/** A sentence for a step that did not pass, where its exit code alone does not say it: what happened, and what to do next. */
export function failureReason(step: Step, end: CommandEnd, tail: string): string | undefined {
  if (end.error !== undefined) return `it could not be started: ${end.error}`;
  if (end.ended === 'timeout')
    return `it took longer than its timeout of ${seconds(step.timeoutMs ?? 0)}: make it faster, or raise \`timeout\``;
  if (end.exitCode === 127) return notFound(tail);
  if (end.exitCode === 126) return notExecutable(tail);
  const asked = end.signal === undefined && end.exitCode !== 137 ? promptReason(tail) : undefined;
  if (asked !== undefined) return asked;
  for (const { sign, says } of causes) {
    const match = sign.exec(tail);
    if (match) return says(match);
  }
  const killed = end.signal === 'SIGKILL' || end.exitCode === 137;
  if (killed) return 'it was killed, as the system does when memory runs out: give it more, or let it do less at a time';
  return end.signal === undefined ? undefined : `it was ended by ${end.signal}`;
}

function notFound(tail: string): string {
  const name = /(?:^|[:\s])([^\s:]+): (?:command )?not found\s*$/m.exec(tail)?.[1] ?? /command not found: (\S+)/.exec(tail)?.[1];
  const what = name === undefined ? 'a command of it' : `the command ${name}`;
  return `${what} was not found: is it misspelt, not installed, or is the step that installs it missing in \`needs\`?`;
}

function notExecutable(tail: string): string | undefined {
  const name = /(?:^|\s)([^\s:]+): Permission denied\s*$/m.exec(tail)?.[1];
  return name === undefined ? undefined : `${name} may not be executed: git update-index --chmod=+x ${name}`;
}

function seconds(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${ms / 1000} s`;
}
