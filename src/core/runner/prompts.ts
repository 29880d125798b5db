/** What a program that wanted an answer from a person leaves as its last words. */
interface Prompt {
  readonly sign: RegExp;
  /** What it asked for, and what to do instead. */
  readonly says: (match: RegExpExecArray) => readonly [asked: string, instead: string];
}

/** How many of the last lines tell: what was asked earlier was answered. */
const lastLines = 14;

const prompts: readonly Prompt[] = [
  {
    sign: /^fatal: could not read (Username|Password) for '([^'\n]*)'/m,
    says: ([, what = '', host = '']) => [
      `git asked for the ${what === 'Username' ? 'user name' : 'password'} for ${withoutUser(host)}`,
      'give it a credential helper or a token as a secret',
    ],
  },
  {
    sign: /^sudo: (?:a terminal is required|a password is required|no tty present)/m,
    says: () => ['sudo asked for a password', 'let the step do without it, or allow the command without a password (NOPASSWD)'],
  },
  {
    sign: /^Host key verification failed\.\s*$/m,
    says: () => ['ssh asked whether to trust an unknown host', 'add its key to known_hosts (ssh-keyscan)'],
  },
  {
    sign: /Permission denied \([^)\n]*\b(?:password|keyboard-interactive)\b[^)\n]*\)/,
    says: () => ['ssh was let in by no key and asked for a password', 'give it a key that the host knows'],
  },
  {
    sign: /^the input device is not a TTY|cannot attach stdin to a TTY-enabled container because stdin is not a terminal/m,
    says: () => ['docker was told to use a terminal', 'leave out -it (or -t)'],
  },
  {
    sign: /Cannot perform an interactive login from a non TTY device/,
    says: () => ['docker login asked for a password', 'pass --username, and a secret with --password-stdin'],
  },
  {
    sign: /^gh: To use GitHub CLI in automation, set the GH_TOKEN environment variable|^To get started with GitHub CLI, please run:\s+gh auth login/m,
    says: () => ['gh asked to be logged in', 'declare GH_TOKEN as a secret of the step'],
  },
  {
    sign: /^\s*\$ gcloud auth login\s*$/m,
    says: () => ['gcloud asked to be logged in', 'let the step log in with a service account (gcloud auth login --cred-file)'],
  },
  {
    sign: /Please run 'az login' to set ?up (?:an )?account/,
    says: () => ['az asked to be logged in', 'let the step log in with a service principal (az login --service-principal)'],
  },
  {
    sign: /^gpg: .*Inappropriate ioctl for device/m,
    says: () => ['gpg asked for a passphrase', 'give it one as a secret (--batch --pinentry-mode loopback)'],
  },
  {
    sign: /^Press \^C at any time to quit\.\s*\n(?:package )?name: /m,
    says: () => ['npm init asked what the package is', 'pass --yes'],
  },
  {
    sign: /^npm notice Log in on \S+\s*\nUsername:/m,
    says: () => ['npm login asked who you are', 'declare a token as a secret and name it in .npmrc'],
  },
  {
    sign: /^EOFError: EOF when reading a line\s*(?:\n|$)|gcloud crashed \(EOFError\)/m,
    says: () => ['a Python program asked for a line of input', 'give it what it asks for as an argument or in `env`'],
  },
  {
    sign: /ExitPromptError: User force closed the prompt with (?!SIG)/,
    says: () => ['a program asked a question', 'give it the answer as an argument or in `env`'],
  },
  {
    sign: /\[?ERR_USE_AFTER_CLOSE\]?: readline was closed/,
    says: () => ['a Node program asked for a line of input', 'give it what it asks for as an argument or in `env`'],
  },
];

/** Why a step failed that asked a person, told by the end of what it printed: a delivery has no terminal to answer from. */
export function promptReason(tail: string): string | undefined {
  const end = tail.replaceAll('\r', '').trimEnd().split('\n').slice(-lastLines).join('\n');
  // A host with another key than before is to be looked into, not to be trusted.
  if (/Host key for .* has changed|HOST IDENTIFICATION HAS CHANGED/.test(end)) return undefined;
  for (const { sign, says } of prompts) {
    const match = sign.exec(end);
    if (!match) continue;
    const [asked, instead] = says(match);
    return `${asked}, and a delivery has no terminal to answer from: ${instead}`;
  }
  return undefined;
}

function withoutUser(address: string): string {
  return address.replace(/\/\/[^/@]*@/, '//');
}
