import { execFile } from 'node:child_process';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { promisify } from 'node:util';
import { isMap, isPair, isScalar, isSeq, LineCounter, type Pair, parseDocument, visit } from 'yaml';

/** A manual approval in a pipeline. `path` is relative to the root with `/`, `line` counts from 1. */
export interface ManualApproval {
  readonly path: string;
  readonly line: number;
  readonly message: string;
  /** True if settings outside the repository decide whether the pipeline waits. */
  readonly isPossible?: true;
}

const globs = [
  ':(glob)**/.gitlab-ci.yml',
  ':(glob)**/*.gitlab-ci.yml',
  ':(glob).gitlab/ci/**/*.yml',
  ':(glob).github/workflows/*.yml',
  ':(glob).github/workflows/*.yaml',
  ':(glob)**/Jenkinsfile*',
  ':(glob)**/*.jenkinsfile',
  ':(glob)**/delivery.yaml',
];
const largest = 500_000;

/**
 * Returns the manual approvals in the repository's CI files, by file and line: GitLab jobs with `when: manual`, GitHub
 * workflows that deploy only when started by hand or wait for reviewers, Jenkins `input`, and steps of `delivery.yaml` that
 * ask a person. Unreadable files are skipped: their own service reports them.
 */
export async function findManualApprovals(root: string): Promise<ManualApproval[]> {
  const list = ['ls-files', '-co', '--exclude-standard', '--deduplicate', '-z', '--', ...globs];
  const answer = await promisify(execFile)('git', list, { cwd: root, maxBuffer: 64 * 1024 * 1024 }).catch(() => undefined);
  const files = (answer?.stdout ?? '').split('\0').filter((file) => file !== '');
  const found = await Promise.all(files.sort().map(async (file) => handoversIn(file, await contentOf(path.join(root, file)))));
  return found.flat();
}

async function contentOf(file: string): Promise<string> {
  try {
    const { size } = await fs.stat(file);
    return size > largest ? '' : await fs.readFile(file, 'utf8');
  } catch {
    return '';
  }
}

function handoversIn(file: string, content: string): ManualApproval[] {
  const name = path.posix.basename(file);
  const places = /^Jenkinsfile|\.jenkinsfile$/.test(name) ? jenkins(content) : yamlHandovers(file, content);
  return places.map((place) => ({ path: file, ...place })).sort((a, b) => a.line - b.line);
}

type Place = Omit<ManualApproval, 'path'>;

function jenkins(content: string): Place[] {
  const blank = (text: string): string => text.replace(/[^\n'"]/g, ' ');
  // Strings and comments are not code of the pipeline.
  const code = content.replace(/'''[\s\S]*?'''|"""[\s\S]*?"""|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|\/\*[\s\S]*?\*\/|\/\/.*/g, (part) =>
    part.startsWith('/') ? part.replace(/[^\n]/g, ' ') : blank(part),
  );
  return code.split('\n').flatMap((line, index) => {
    const isInput = /(?:^|[{;=]|\breturn\b)\s*input\s*(\(|\{|message\b|id\b|'|")/.test(line);
    return isInput ? [{ line: index + 1, message: 'the pipeline waits for a person at `input`' }] : [];
  });
}

function yamlHandovers(file: string, content: string): Place[] {
  const lineCounter = new LineCounter();
  try {
    const { contents, errors } = parseDocument(content, { lineCounter, prettyErrors: false, uniqueKeys: false });
    if (errors.length > 0 || !isMap(contents)) return [];
    const lineOf = (node: unknown): number => lineCounter.linePos((node as { range?: readonly number[] | null }).range?.[0] ?? 0).line;
    if (path.posix.basename(file) === 'delivery.yaml') return steps(contents, lineOf);
    if (!file.startsWith('.github/')) return gitlab(contents, lineOf);
    // Exported workflows name environments for GitHub's record of deployments.
    return content.startsWith('# Written by `deliver export ') ? [] : github(contents, lineOf);
  } catch {
    return [];
  }
}

function steps(contents: unknown, lineOf: (node: unknown) => number): Place[] {
  const all = pairsOf(pairsOf(contents).find((pair) => textOf(pair.key) === 'steps')?.value);
  return all.flatMap((step) => {
    const run = pairsOf(step.value).find((pair) => textOf(pair.key) === 'run')?.value;
    if (!isScalar(run)) return [];
    const isBlock = run.type === 'BLOCK_LITERAL';
    return interactiveCommands(textOf(run) ?? '').map(({ line, what }) => ({
      // The text of a block scalar starts on the line after its indicator.
      line: lineOf(run) + (isBlock ? line + 1 : 0),
      message: `step ${textOf(step.key) ?? ''} ${what}`,
    }));
  });
}

function gitlab(contents: unknown, lineOf: (node: unknown) => number): Place[] {
  return pairsOf(contents).flatMap((job) => {
    const places: Place[] = [];
    if (isMap(job.value) || isSeq(job.value))
      visit(job.value, {
        Pair(_, pair) {
          if (textOf(pair.key) !== 'when' || textOf(pair.value) !== 'manual') return;
          places.push({ line: lineOf(pair.key), message: `job ${textOf(job.key) ?? ''} waits for a person: \`when: manual\`` });
        },
      });
    return places;
  });
}

function github(contents: unknown, lineOf: (node: unknown) => number): Place[] {
  const workflow = pairsOf(contents);
  const on = workflow.find((pair) => textOf(pair.key) === 'on');
  const jobs = pairsOf(workflow.find((pair) => textOf(pair.key) === 'jobs')?.value);
  const places: Place[] = [];
  for (const job of jobs) {
    const environment = pairsOf(job.value).find((pair) => textOf(pair.key) === 'environment');
    if (!environment) continue;
    const name = textOf(environment.value) ?? textOf(pairsOf(environment.value).find((pair) => textOf(pair.key) === 'name')?.value) ?? '';
    places.push({
      line: lineOf(environment.key),
      message: `job ${textOf(job.key) ?? ''} may wait for the reviewers of environment ${name}`,
      isPossible: true,
    });
  }
  const onlyByHand = on && triggersOf(on.value).every((trigger) => trigger === 'workflow_dispatch');
  // A job that calls another workflow is judged by that workflow's name.
  const called = jobs.map((job) => textOf(pairsOf(job.value).find((pair) => textOf(pair.key) === 'uses')?.value));
  const deploys = [textOf(workflow.find((pair) => textOf(pair.key) === 'name')?.value), ...jobs.map((job) => textOf(job.key)), ...called];
  if (onlyByHand && (places.length > 0 || deploys.some((word) => /deploy|release|publish|promote/i.test(word ?? '')))) {
    places.push({ line: lineOf(on.key), message: 'the workflow deploys only when a person starts it: `workflow_dispatch`' });
  }
  return places;
}

function triggersOf(node: unknown): (string | undefined)[] {
  if (isMap(node)) return pairsOf(node).map((pair) => textOf(pair.key));
  return isSeq(node) ? node.items.map(textOf) : [textOf(node)];
}

function pairsOf(node: unknown): Pair[] {
  return isMap(node) ? node.items.filter((item) => isPair(item)) : [];
}

function textOf(node: unknown): string | undefined {
  return isScalar(node) && typeof node.value === 'string' ? node.value : undefined;
}

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
