import { isGlob, plainGlobs } from './globs';
import { globWord, word } from './shell';

/** Packs what a step made: with modes and links, which what CI services keep by themselves lacks. */
export interface Packing {
  readonly command: string;
  /** It takes bash to find the files. */
  readonly isForBash: boolean;
}

/** `archive`: as it stands in the command. Paths are relative to where that runs. */
export function packing(outputs: readonly string[], archive: string): Packing {
  const wanted = outputs.filter((output) => !output.startsWith('!'));
  const paths = plainGlobs(wanted)?.wanted ?? wanted;
  const without = (plainGlobs(outputs)?.unwanted ?? []).map((path) => `--exclude=${word(path)} `).join('');
  const isForBash = paths.some(isGlob) || wanted.some((path) => /[({]/.test(path));
  const options = isForBash ? 'shopt -s globstar nullglob dotglob extglob\n' : '';
  const nothing = isForBash ? '-T /dev/null ' : '';
  const words = paths.map((path) => (isForBash ? globWord(path) : word(path))).join(' ');
  return { command: `${options}tar --ignore-failed-read -czf ${archive} ${nothing}${without}${words}`, isForBash };
}
