import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { isScalar } from 'yaml';
import type { ApprovalPlace } from '../ci/ci-service';
import { ciServices, findCiServiceByFile } from '../ci/registry';
import { approvalsInYaml, pairsOf, textOf, valueOf } from '../ci/yaml-approvals';
import { definitionName } from '../model/pipeline';
import { execGit } from '../git/git';

/** A place where a delivery waits for a person; `path` is relative to the root, with `/`. */
export interface ManualApproval extends ApprovalPlace {
  readonly path: string;
}

const maxBytes = 500_000;

/**
 * Returns the manual approvals in the pipeline files of a repository, by file and line: those that CI services know, and steps of
 * `delivery.yaml` whose command waits for input. Skips a file that cannot be read: its own CI service reports it.
 */
export async function findManualApprovals(root: string): Promise<ManualApproval[]> {
  const globs = [...ciServices.flatMap(({ approvals }) => approvals?.files ?? []), `**/${definitionName}`];
  const list = ['ls-files', '-co', '--exclude-standard', '--deduplicate', '-z', '--', ...globs.map((glob) => `:(glob)${glob}`)];
  const listed = await execGit(list, { folder: root });
  const files = (listed.ok ? listed.value : '').split('\0').filter((file) => file !== '');
  const found = await Promise.all(
    files.sort().map(async (file) => {
      const places = await approvalsIn(file, await contentOf(path.join(root, file)));
      return places.map((place) => ({ path: file, ...place })).sort((a, b) => a.line - b.line);
    }),
  );
  return found.flat();
}

async function contentOf(file: string): Promise<string> {
  try {
    const { size } = await fs.stat(file);
    return size > maxBytes ? '' : await fs.readFile(file, 'utf8');
  } catch {
    return '';
  }
}

async function approvalsIn(file: string, content: string): Promise<readonly ApprovalPlace[]> {
  if (path.posix.basename(file) === definitionName) return interactiveSteps(content);
  return (await findCiServiceByFile(file)?.approvals?.find(content)) ?? [];
}

function interactiveSteps(content: string): ApprovalPlace[] {
  return approvalsInYaml(content, (entries, lineOf) =>
    pairsOf(valueOf(entries, 'steps')).flatMap((step) => {
      const run = valueOf(pairsOf(step.value), 'run');
      if (!isScalar(run)) return [];
      const isBlock = run.type === 'BLOCK_LITERAL';
      return interactiveCommands(textOf(run) ?? '').map(({ line, what }) => ({
        // The text of a block starts on the line after its mark.
        line: lineOf(run) + (isBlock ? line + 1 : 0),
        message: `step ${textOf(step.key) ?? ''} ${what}`,
      }));
    }),
  );
}

interface InteractiveCommand {
  readonly line: number;
  /** The action, as in `reads an answer (read -p)`. */
  readonly what: string;
}

/**
 * Returns the commands of a step that always wait for a person, with their line (from 0). Commands that may ask, or get
 * their answer from a file or pipe, are not included.
 */
export function interactiveCommands(run: string): InteractiveCommand[] {
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

/** A simple command of a shell script, as far as it can be read without running it. */
export interface ShellCommand {
  readonly words: readonly string[];
  /** The first line, from 0. */
  readonly line: number;
  /** The input comes from a file, a text or another command. */
  readonly isFed: boolean;
}

/** Words before a command that are not the command itself. */
const before = /^(?:!|\{|if|then|elif|else|while|until|do|time|exec|command|env|\w+=.*)$/s;

/** Returns the simple commands of a shell script, up to the first here-document. */
export function shellCommands(text: string): ShellCommand[] {
  const commands: ShellCommand[] = [];
  let words: string[] = [];
  let word: string | undefined;
  let [line, begun, isFed] = [0, 0, false];
  const endWord = (): void => {
    if (word !== undefined && (words.length > 0 || !before.test(word))) {
      if (words.length === 0) begun = line;
      words.push(word);
    }
    word = undefined;
  };
  const endCommand = (feedsNext = false): void => {
    endWord();
    if (words.length > 0) commands.push({ words, line: begun, isFed });
    words = [];
    isFed = feedsNext;
  };
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? '';
    if (char === '\\') {
      if (text[at + 1] === '\n') line++;
      else word = (word ?? '') + (text[at + 1] ?? '');
      at++;
    } else if (char === "'" || char === '"') {
      const end = closing(text, at, char);
      const quoted = text.slice(at + 1, end);
      word = (word ?? '') + quoted;
      line += quoted.split('\n').length - 1;
      at = end;
    } else if (char === '#' && word === undefined) {
      const end = text.indexOf('\n', at);
      at = (end < 0 ? text.length : end) - 1;
    } else if (char === '<') {
      if (/^<<-?\s*['"\\]?\w/.test(text.slice(at))) {
        isFed = true;
        break;
      }
      isFed = true;
      endWord();
    } else if (char === '\n' || char === ';' || char === '&' || char === '|' || char === '(' || char === ')') {
      const isPipe = char === '|' && text[at + 1] !== '|' && text[at - 1] !== '|';
      endCommand(isPipe);
      if (char === '\n') line++;
    } else if (/\s/.test(char)) endWord();
    else word = (word ?? '') + char;
  }
  endCommand();
  return commands;
}

function closing(text: string, open: number, quote: string): number {
  for (let at = open + 1; at < text.length; at++) {
    if (quote === '"' && text[at] === '\\') at++;
    else if (text[at] === quote) return at;
  }
  return text.length;
}
