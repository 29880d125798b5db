import { isGlob, plainGlobs } from './plain-globs';
import { globWord, word } from './shell';

export interface Packing {
  readonly command: string;
  /** It takes bash to find the files. */
  readonly isForBash: boolean;
}

const bashGlobs = 'shopt -s globstar nullglob dotglob extglob\n';

/**
 * Returns the command of GNU tar that packs a step's outputs with modes and links, which CI services lose. `archive`: as it stands
 * in the command.
 */
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
