import { git } from '../git/git';
import { valueOf } from '../model/result';
import type { NewCommit } from './new-commits';

/** Of a branch that was never pushed before. */
const mostCommits = 500;

/**
 * Those of these folders that a commit touches: relative to the root with `/`, empty for the root, which every
 * commit touches. All where git cannot tell.
 */
export async function touchedFolders(root: string, made: NewCommit, folders: readonly string[]): Promise<string[]> {
  if (folders.every((folder) => folder === '')) return [...folders];
  const files = await changedFiles(root, made);
  return folders.filter((folder) => folder === '' || !files || files.some((file) => file.startsWith(`${folder}/`)));
}

async function changedFiles(root: string, { commit, since, firstOf }: NewCommit): Promise<string[] | undefined> {
  const options = ['--name-only', '-z', '--no-renames', '--no-ext-diff', '--no-relative'];
  const log = ['-c', 'log.showRoot=true', 'log', '--no-show-signature', '--format=', ...options];
  const others = firstOf?.replace(/^refs\/remotes\//, '');
  const between =
    since !== undefined
      ? ['diff', ...options, since, commit, '--']
      : others !== undefined && [...log, `--max-count=${mostCommits}`, commit, '--not', `--exclude=${others}`, '--remotes', '--'];
  const changed = between ? valueOf(await git({ folder: root }, (client) => client.raw(between))) : undefined;
  // The first commit of all touches all of its files.
  const told =
    changed ?? valueOf(await git({ folder: root }, (client) => client.raw([...log, '-1', '-m', '--first-parent', commit, '--'])));
  return told?.split('\0').filter((file) => file !== '');
}
