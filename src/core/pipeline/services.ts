import { existsSync } from 'node:fs';
import * as path from 'node:path';
import { execGit } from '../git/git';
import { valueOf } from '../model/result';

/**
 * Returns the folders of a working copy with a `delivery.yaml` that is not ignored, sorted and relative to the root with `/`
 * (empty for the root). Empty if git fails.
 */
export async function findServices(root: string): Promise<{ folder: string; file: string }[]> {
  const list = ['ls-files', '-co', '--exclude-standard', '--deduplicate', '-z', '--', ':(glob)**/delivery.yaml'];
  const listed = valueOf(await execGit(list, { folder: root })) ?? '';
  const files = listed.split('\0').filter((file) => file !== '' && existsSync(path.join(root, file)));
  const services = files.map((file) => ({ folder: file.slice(0, Math.max(0, file.lastIndexOf('/'))), file }));
  return services.sort((a, b) => (a.folder < b.folder ? -1 : a.folder > b.folder ? 1 : 0));
}
