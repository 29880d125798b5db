import type { Step } from '../model/pipeline';
import type { CommandEnd } from '../process/command';

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
  if (end.ended === 'timeout') return [timeoutReason(step), end.left].filter((part) => part !== undefined).join('; ');
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

export function timeoutReason(step: Step): string {
  return `it exceeded its timeout of ${seconds(step.timeoutMs ?? 0)}: make it faster, or raise \`timeout\``;
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

/** The last lines of a program that waited for an answer from a person. */
interface Prompt {
  readonly sign: RegExp;
  /** Returns the question, and how to answer it without a person. */
  readonly explain: (match: RegExpExecArray) => readonly [question: string, remedy: string];
}

/** The number of last lines to search. A question in an earlier line was answered. */
const lastLines = 14;

const prompts: readonly Prompt[] = [
  {
    sign: /^fatal: could not read (Username|Password) for '([^'\n]*)'/m,
    explain: ([, what = '', host = '']) => [
      `git asked for the ${what === 'Username' ? 'user name' : 'password'} for ${withoutUser(host)}`,
      'give it a credential helper or a token as a secret',
    ],
  },
  {
    sign: /^sudo: (?:a terminal is required|a password is required|no tty present)/m,
    explain: () => ['sudo asked for a password', 'let the step do without it, or allow the command without a password (NOPASSWD)'],
  },
  {
    sign: /^Host key verification failed\.\s*$/m,
    explain: () => ['ssh asked whether to trust an unknown host', 'add its key to known_hosts (ssh-keyscan)'],
  },
  {
    sign: /Permission denied \([^)\n]*\b(?:password|keyboard-interactive)\b[^)\n]*\)/,
    explain: () => ['ssh was let in by no key and asked for a password', 'give it a key that the host knows'],
  },
  {
    sign: /^the input device is not a TTY|cannot attach stdin to a TTY-enabled container because stdin is not a terminal/m,
    explain: () => ['docker needs a terminal', 'leave out -it (or -t)'],
  },
  {
    sign: /Cannot perform an interactive login from a non TTY device/,
    explain: () => ['docker login asked for a password', 'pass --username, and a secret with --password-stdin'],
  },
  {
    sign: /^gh: To use GitHub CLI in automation, set the GH_TOKEN environment variable|^To get started with GitHub CLI, please run:\s+gh auth login/m,
    explain: () => ['gh asked to be logged in', 'declare GH_TOKEN as a secret of the step'],
  },
  {
    sign: /^\s*\$ gcloud auth login\s*$/m,
    explain: () => ['gcloud asked to be logged in', 'let the step log in with a service account (gcloud auth login --cred-file)'],
  },
  {
    sign: /Please run 'az login' to set ?up (?:an )?account/,
    explain: () => ['az asked to be logged in', 'let the step log in with a service principal (az login --service-principal)'],
  },
  {
    sign: /^gpg: .*Inappropriate ioctl for device/m,
    explain: () => ['gpg asked for a passphrase', 'give it one as a secret (--batch --pinentry-mode loopback)'],
  },
  {
    sign: /^Press \^C at any time to quit\.\s*\n(?:package )?name: /m,
    explain: () => ['npm init asked what the package is', 'pass --yes'],
  },
  {
    sign: /^npm notice Log in on \S+\s*\nUsername:/m,
    explain: () => ['npm login asked who you are', 'declare a token as a secret and name it in .npmrc'],
  },
  {
    sign: /^EOFError: EOF when reading a line\s*(?:\n|$)|gcloud crashed \(EOFError\)/m,
    explain: () => ['a Python program asked for a line of input', 'give it what it asks for as an argument or in `env`'],
  },
  {
    sign: /ExitPromptError: User force closed the prompt with (?!SIG)/,
    explain: () => ['a program asked a question', 'give it the answer as an argument or in `env`'],
  },
  {
    sign: /\[?ERR_USE_AFTER_CLOSE\]?: readline was closed/,
    explain: () => ['a Node program asked for a line of input', 'give it what it asks for as an argument or in `env`'],
  },
];

/** Returns why a step failed that asked a person, from the end of its log. A delivery has no terminal for an answer. */
export function promptReason(tail: string): string | undefined {
  const end = tail.replaceAll('\r', '').trimEnd().split('\n').slice(-lastLines).join('\n');
  // A changed host key may be an attack: it must not be added to known_hosts without a check.
  if (/Host key for .* has changed|HOST IDENTIFICATION HAS CHANGED/.test(end)) return undefined;
  for (const { sign, explain } of prompts) {
    const match = sign.exec(end);
    if (!match) continue;
    const [asked, instead] = explain(match);
    return `${asked}, and a delivery has no terminal to answer from: ${instead}`;
  }
  return undefined;
}

function withoutUser(address: string): string {
  return address.replace(/\/\/[^/@]*@/, '//');
}
