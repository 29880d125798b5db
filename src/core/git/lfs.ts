import * as fs from 'node:fs';
import * as path from 'node:path';
import { execGit } from './git';
import type { Checkout } from './checkout';
import { valueOf } from '../model/result';

/** No pointer is as long: git-lfs itself looks no further. */
const pointerBound = 1024;
const shownFiles = 3;

/**
 * A sentence on the files of a checkout that are Git LFS pointers in place of their content, as they
 * are where git-lfs is not set up or the content is not there. `within` goes before each path.
 */
export async function pointerNotices({ root, hasAttributes }: Checkout, within = ''): Promise<string[]> {
  if (!hasAttributes) return [];
  const call = { folder: root };
  // Few repositories use LFS; that none of the attributes names it is quickly known.
  const attributes = valueOf(await execGit(['grep', '--cached', '-lF', 'filter=lfs', '--', ':(glob)**/.gitattributes'], call));
  if (attributes === undefined) return [];
  const listed = valueOf(await execGit(['ls-files', '-z', '--', ':(attr:filter=lfs)'], call)) ?? '';
  const pointers = listed.split('\0').filter((name) => name !== '' && isPointer(path.join(root, name)));
  if (pointers.length === 0) return [];
  const named = pointers.slice(0, shownFiles).map((name) => `${within}${name}`);
  const more = pointers.length > shownFiles ? ` and ${pointers.length - shownFiles} more` : '';
  return [`Git LFS files are only pointers, without their content: ${named.join(', ')}${more} (git lfs install, git lfs pull)`];
}

function isPointer(file: string): boolean {
  const stat = fs.lstatSync(file, { throwIfNoEntry: false });
  return stat?.isFile() === true && stat.size < pointerBound && fs.readFileSync(file, 'utf8').startsWith('version https://git-lfs');
}
