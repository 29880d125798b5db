import { shellCommands, type ShellCommand } from './shell-commands';

interface ConditionalClient {
  readonly line: number;
  /** The action, as in `reads an answer (read -p)`. */
  readonly what: string;
}

/**
 * Returns the commands of a step that always wait for a person, with their line (from 0). Commands that may ask, or get
 * their answer from a file or pipe, are not included.
 */
export function interactiveCommands(run: string): ConditionalClient[] {
  return shellCommands(run).flatMap((command) => {
    const what = asks(command);
    return what === undefined ? [] : [{ line: command.line, what }];
  });
}

function asks({ words, isFed }: ShellCommand): string | undefined {
  const [program = '', first = '', second = ''] = words;
  const has = (flag: RegExp): boolean => words.slice(1).some((word) => flag.test(word));
  const called = [program, first, second].join(' ').trim();
  if (program === 'read' && !isFed && has(/^-[a-z]*p/)) return 'reads an answer: `read -p`';
  if (/^npm (login|adduser)\b/.test(called)) return `asks for a login: \`npm ${first}\``;
  if (/^docker (run|exec)\b/.test(called) && hasTerminal(words)) return `wants a terminal: \`docker ${first} -it\``;
  if (called === 'gh auth login' && !has(/^--with-token$/)) return 'asks for a login: `gh auth login`';
  if (called === 'gcloud auth login' && !has(/^--cred-file\b/)) return 'asks for a login: `gcloud auth login`';
  if (/^az login\b/.test(called) && !has(/^(--service-principal|--identity|-i|--federated-token|-p|--password)\b/))
    return 'asks for a login: `az login`';
  return undefined;
}

/** docker needs a terminal only if both `-i` and `-t` come before the image. */
function hasTerminal(words: readonly string[]): boolean {
  const options = words.slice(2, words.findIndex((word, index) => index > 1 && !word.startsWith('-')) >>> 0);
  const has = (letter: string, long: string): boolean =>
    options.some((option) => option === long || (/^-[a-z]+$/.test(option) && option.includes(letter)));
  return has('i', '--interactive') && has('t', '--tty');
}
