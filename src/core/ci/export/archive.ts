import { isGlob, plainGlobs } from './plain-globs';
import { globWord, word } from './shell';

/** What a step made, in words for the shell that packs it: with modes and links, which CI services do not keep by themselves. */
interface Packed {
  /** Relative to where the shell runs. */
  readonly words: readonly string[];
  /** For tar, each with a space after it. */
  readonly without: string;
  /** It takes bash to find the files. */
  readonly isForBash: boolean;
}

function packed(outputs: readonly string[]): Packed {
  const wanted = outputs.filter((output) => !output.startsWith('!'));
  const paths = plainGlobs(wanted)?.wanted ?? wanted;
  const without = (plainGlobs(outputs)?.unwanted ?? []).map((path) => `--exclude=${word(path)} `).join('');
  const isForBash = paths.some(isGlob) || wanted.some((path) => /[({]/.test(path));
  return { words: paths.map((path) => (isForBash ? globWord(path) : word(path))), without, isForBash };
}

export interface Packing {
  readonly command: string;
  readonly isForBash: boolean;
}

const bashGlobs = 'shopt -s globstar nullglob dotglob extglob\n';

/** With GNU tar. `archive`: as it stands in the command. */
export function packing(outputs: readonly string[], archive: string): Packing {
  const { words, without, isForBash } = packed(outputs);
  const nothing = isForBash ? '-T /dev/null ' : '';
  const command = `tar --ignore-failed-read -czf ${archive} ${nothing}${without}${words.join(' ')}`;
  return { command: `${isForBash ? bashGlobs : ''}${command}`, isForBash };
}

/** With any tar: what is not there is left out before. */
export function packingAnywhere(outputs: readonly string[], archive: string): Packing {
  const { words, without, isForBash } = packed(outputs);
  const command = [
    'set --',
    `for each in ${words.join(' ')}; do if [ -e "$each" ]; then set -- "$@" "$each"; fi; done`,
    'if [ $# -eq 0 ]; then set -- -T /dev/null; fi',
    `tar -czf ${archive} ${without}"$@"`,
  ].join('\n');
  return { command: `${isForBash ? bashGlobs : ''}${command}`, isForBash };
}
