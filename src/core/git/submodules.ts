import * as fs from 'node:fs';
import * as path from 'node:path';
import { execGit } from './git';
import { valueOf } from '../model/result';
import { openRoot, type Repository } from './repository';
import type { RepositoryHome } from '../support/home';
import { isText, listOf, readCached } from '../support/record';
import { checkOut, submodulesFile, type Checkout, pointerNotices } from './checkout';

/**
 * Checks out the submodules of a checkout at the commits that its tree records, from the user's clones of
 * them. Returns a notice for each one that failed.
 */
async function checkOutSubmodules(
  { root, submodules }: Checkout,
  repository: Repository,
  home: RepositoryHome,
  prefix = '',
): Promise<string[]> {
  removeFormerSubmodules(
    root,
    submodules.map((module) => module.folder),
  );
  if (submodules.length === 0) return [];
  const names = await submoduleNames(root);
  const notices: string[] = [];
  for (const { folder, commit } of submodules) {
    const subject = `submodule ${prefix}${folder} is not checked out`;
    const module = await cloneOf(folder, names.get(folder), repository);
    const target = path.join(root, folder);
    if (!module) {
      notices.push(`${subject}: it is not cloned in the working copy. Run git submodule update --init.`);
    } else if (isBehindLink(root, folder)) {
      notices.push(`${subject}: its path leads through a symbolic link`);
    } else {
      const done = await checkOut(target, commit, module, home);
      if (!done.ok) notices.push(`${subject}: ${done.failure.message}`);
      else notices.push(...(await checkOutRest(done.value, module, home, `${prefix}${folder}/`)));
    }
  }
  return notices;
}

/** Checks out the submodules of a checkout. Returns notices about missing submodules and missing files of Git LFS. */
export async function checkOutRest(checkout: Checkout, repository: Repository, home: RepositoryHome, prefix = ''): Promise<string[]> {
  return [...(await pointerNotices(checkout, prefix)), ...(await checkOutSubmodules(checkout, repository, home, prefix))];
}

/** Removes the `.git` of each former submodule that is a plain folder of the tree now. */
function removeFormerSubmodules(root: string, folders: readonly string[]): void {
  const record = path.join(root, '.git', submodulesFile);
  const before = readList(record);
  for (const folder of before.filter((each) => !folders.includes(each) && !isBehindLink(root, `${each}/.git`)))
    fs.rmSync(path.join(root, folder, '.git'), { recursive: true, force: true });
  if (folders.length > 0 || before.length > 0) fs.writeFileSync(record, JSON.stringify(folders));
}

function readList(file: string): string[] {
  return readCached<string[]>(file, listOf(isText)) ?? [];
}

/**
 * Returns the user's clone of a submodule. It is in the git folder, or where the submodule's own `.git` says: an old git, a worktree
 * or `--separate-git-dir` made it.
 */
async function cloneOf(folder: string, name = folder, repository: Repository): Promise<Repository | undefined> {
  const root = path.join(repository.root, folder);
  const absorbed = [repository.gitFolder, repository.commonGitFolder].map((gitFolder) => path.join(gitFolder, 'modules', name));
  // A name with `..` would lead out of the git folder. git refuses it too.
  const folders = name.split(/[\\/]/).includes('..') ? [] : absorbed;
  const gitFolder = folders.find((each) => fs.existsSync(path.join(each, 'HEAD')));
  if (gitFolder !== undefined) return { root, gitFolder, commonGitFolder: gitFolder };
  return openRoot(root);
}

function isBehindLink(root: string, folder: string): boolean {
  const parent = path.join(root, path.dirname(folder));
  return fs.existsSync(parent) && fs.realpathSync(parent) !== path.join(fs.realpathSync(root), path.dirname(folder));
}

/** Returns the names of the submodules in `.gitmodules`, by path. */
export async function submoduleNames(root: string): Promise<Map<string, string>> {
  if (!fs.existsSync(path.join(root, '.gitmodules'))) return new Map();
  const listed =
    valueOf(await execGit(['config', '--file', '.gitmodules', '-z', '--get-regexp', '^submodule\\..*\\.path$'], { folder: root })) ?? '';
  const entries = listed.split('\0').filter((entry) => entry !== '');
  return new Map(
    entries.map((entry) => [entry.slice(entry.indexOf('\n') + 1), entry.slice('submodule.'.length, entry.indexOf('\n') - '.path'.length)]),
  );
}
