import { shellCommands, type ShellCommand } from './shell-commands';

interface ConditionalClient {
  readonly line: number;
  /** What it does, as in `reads an answer (read -p)`. */
  readonly what: string;
}

/**
 * The commands of a step that wait for a person whatever happens, by their line in it (from 0). Only what is
 * certain from the text: a command that may ask, or is handed its answer, is none.
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

/** Both are needed for docker to refuse: `-i` and `-t`, together or apart, before the image. */
function hasTerminal(words: readonly string[]): boolean {
  const options = words.slice(2, words.findIndex((word, index) => index > 1 && !word.startsWith('-')) >>> 0);
  const has = (letter: string, long: string): boolean =>
    options.some((option) => option === long || (/^-[a-z]+$/.test(option) && option.includes(letter)));
  return has('i', '--interactive') && has('t', '--tty');
}
