import type { Step } from '../../model/pipeline';
import { graceMs } from '../../process/command';
import type { ExportOptions } from '../ci-service';
import { isGlob, plainGlobs } from './plain-globs';

/** Quotes a word for a POSIX shell if necessary. */
export function word(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : quoted(text);
}

function quoted(text: string): string {
  return `'${text.replace(/'/g, `'\\''`)}'`;
}

/** Quotes a glob for bash: only its wildcards stay special. */
export function globWord(glob: string): string {
  return glob.replace(/[^\w@%+=:,./*?[\]{}()|!-]/g, (letter) => (letter === '\n' ? `$'\\n'` : `\\${letter}`));
}

/** Words that a shell handles itself: they can change the shell of the whole job, and shells differ in them. */
const shellWords = new Set(
  (
    '. : [ alias bg break builtin caller case cd command compgen complete compopt continue coproc declare dirs disown do done echo elif else ' +
    'enable esac eval exec exit export false fc fg fi for function getopts hash help history if in jobs kill let local logout mapfile popd ' +
    'printf pushd pwd read readarray readonly return select set shift shopt source suspend test then time times trap true type typeset ulimit ' +
    'umask unalias unset until wait while'
  ).split(' '),
);

/** Returns whether a command is one program with plain arguments, which every shell runs in the same way. */
export function isProgram(command: string): boolean {
  const [program = ''] = command.trim().split(' ');
  return /^[\w./][\w@%+=:,./ -]*$/.test(command.trim()) && !program.includes('=') && !shellWords.has(program);
}

/** Returns a command that any shell runs as a local run does: by `sh`, without `set -e` and `pipefail`. */
export function runBySh(command: string, timeoutMs?: number): string {
  const limit = timeoutMs === undefined ? '' : `timeout -k ${graceMs / 1000} ${Math.ceil(timeoutMs / 1000)} `;
  return `${limit}${isProgram(command) ? command.trim() : `sh -c ${quoted(command)}`}`;
}

/** Returns a command that makes up to `attempts` attempts, each with its own timeout. It ends with the exit code of the last attempt. */
export function retried(command: string, attempts: number, timeoutMs?: number): string {
  const numbers = Array.from({ length: attempts }, (_, index) => index + 1);
  return `for attempt in ${numbers.join(' ')}; do\n  ${runBySh(command, timeoutMs)} && break\ndone`;
}

/** Returns commands that fail if a secret of the step is not set, as a local run does. CI services pass on an empty text. */
export function secretChecks({ secrets }: Step): string[] {
  return secrets.map((name) => `test -n "$${name}" || { echo "The secret ${name} is not set." >&2; exit 1; }`);
}

/**
 * Returns the command by which a job runs a step with Deliver. `root` is the variable with the checkout's folder: `npx` resolves relative
 * paths from the nearest package.json.
 */
export function deliverStep(step: string, { package: file = '' }: ExportOptions, root: string): string {
  return `npx --yes --package "$${root}"/${word(file)} deliver step ${word(step)}`;
}

export interface Packing {
  readonly command: string;
  /** The command needs bash for its globs. */
  readonly isForBash: boolean;
}

const bashGlobs = 'shopt -s globstar nullglob dotglob extglob\n';

/** Returns the GNU tar command that packs outputs with their modes and links, which CI services lose. `archive` is inserted unquoted. */
export function packing(outputs: readonly string[], archive: string): Packing {
  const wanted = outputs.filter((output) => !output.startsWith('!'));
  const paths = plainGlobs(wanted)?.wanted ?? wanted;
  const without = (plainGlobs(outputs)?.unwanted ?? []).map((path) => `--exclude=${word(path)} `).join('');
  const isForBash = paths.some(isGlob) || wanted.some((path) => /[({]/.test(path));
  const words = paths.map((path) => (isForBash ? globWord(path) : word(path)));
  const nothing = isForBash ? '-T /dev/null ' : '';
  const command = `tar --ignore-failed-read -czf ${archive} ${nothing}${without}${words.join(' ')}`;
  return { command: `${isForBash ? bashGlobs : ''}${command}`, isForBash };
}
