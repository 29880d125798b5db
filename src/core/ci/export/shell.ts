import type { ExportOptions } from '../ci-service';
import { isGlob, plainGlobs } from './plain-globs';

/** Quotes a word for a POSIX shell if necessary. */
export function word(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replace(/'/g, `'\\''`)}'`;
}

/** Quotes a glob for bash: only its wildcards stay special. */
export function globWord(glob: string): string {
  return glob.replace(/[^\w@%+=:,./*?[\]{}()|!-]/g, (letter) => (letter === '\n' ? `$'\\n'` : `\\${letter}`));
}

/**
 * Returns whether a command behaves differently in a shell that stops at the first failure. CI services use such a shell, local runs do
 * not.
 */
export function isCompound(command: string): boolean {
  return /[\n;]/.test(command.trim());
}

/** Returns a command that makes up to `attempts` attempts, for CI services without retries. */
export function retried(command: string, attempts: number): string {
  if (attempts < 2) return command;
  const line = command.trimEnd();
  // A here-document ends at the start of a line.
  const body = line.includes('\n') ? line : `  ${line}`;
  // Neither `||` nor `if`: to the left of them, a shell ignores the `set -e` of the command.
  const loop = [`for number in ${Array.from({ length: attempts }, (_, index) => index + 1).join(' ')}; do`, '  attempt', '  result=$?'];
  return ['set +e', 'attempt() (', body, ')', ...loop, '  [ $result -eq 0 ] && break', 'done', 'exit $result'].join('\n');
}

/** Returns the command by which a job runs a step with Deliver. */
export function deliverStep(step: string, { package: file = '', up }: ExportOptions & { readonly up: string }): string {
  return `npx --yes --package ${word(`${up}${file}`)} deliver step ${word(step)}`;
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
