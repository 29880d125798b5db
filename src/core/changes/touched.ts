import { gitOrUndefined } from './git';
import type { NewCommit } from './new-commits';

/**
 * Those of these folders that a commit touches: relative to the root with `/`, empty for the root, which every
 * commit touches. All where git cannot tell.
 */
export async function touchedFolders(root: string, made: NewCommit, folders: readonly string[]): Promise<string[]> {
  if (folders.every((folder) => folder === '')) return [...folders];
  const files = await changedFiles(root, made);
  return folders.filter((folder) => folder === '' || !files || files.some((file) => file.startsWith(`${folder}/`)));
}

async function changedFiles(root: string, { commit, since }: NewCommit): Promise<string[] | undefined> {
  const options = ['--name-only', '-z', '--no-renames', '--no-ext-diff', '--no-relative'];
  const call = { folder: root };
  const changed = since === undefined ? undefined : await gitOrUndefined(['diff', ...options, since, commit, '--'], call);
  // The first commit of all touches all of its files.
  const alone = ['-c', 'log.showRoot=true', 'log', '-1', '-m', '--first-parent', '--no-show-signature', '--format=', ...options];
  const told = changed ?? (await gitOrUndefined([...alone, commit, '--'], call));
  return told?.split('\0').filter((file) => file !== '');
}
