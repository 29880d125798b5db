import * as fs from 'node:fs';
import * as path from 'node:path';
import { execGit } from './git';
import { valueOf } from '../model/result';
import type { Repository } from './repository';
import type { RepositoryHome } from '../support/home';
import { checkOut, submodulesName, type Checkout, pointerNotices } from './checkout';

/**
 * Checks out the submodules of a checkout at the commits that its tree records, from the user's own
 * clones of them. Answers a sentence for each that could not be.
 */
async function checkOutSubmodules(
  { root, submodules }: Checkout,
  repository: Repository,
  home: RepositoryHome,
  within = '',
): Promise<string[]> {
  forgetOthers(
    root,
    submodules.map((module) => module.folder),
  );
  if (submodules.length === 0) return [];
  const names = await submoduleNames(root);
  const notices: string[] = [];
  for (const { folder, commit } of submodules) {
    const shown = `submodule ${within}${folder} is not checked out`;
    const module = cloneOf(folder, names.get(folder), repository);
    const target = path.join(root, folder);
    if (!module) {
      notices.push(`${shown}: it is not cloned in the working copy (git submodule update --init)`);
    } else if (isBehindLink(root, folder)) {
      notices.push(`${shown}: a link lies in the way`);
    } else {
      const done = await checkOut(target, commit, module, home);
      if (!done.ok) notices.push(`${shown}: ${done.failure.message}`);
      else notices.push(...(await moreOf(done.value, module, home, `${within}${folder}/`)));
    }
  }
  return notices;
}

/** What a checkout needs beyond its own files, and what of it could not be had. */
export async function moreOf(checkout: Checkout, repository: Repository, home: RepositoryHome, within = ''): Promise<string[]> {
  return [...(await pointerNotices(checkout, within)), ...(await checkOutSubmodules(checkout, repository, home, within))];
}

/** What was a submodule in the tree before, and is a plain folder now, is no repository any more. */
function forgetOthers(root: string, folders: readonly string[]): void {
  const record = path.join(root, '.git', submodulesName);
  const before = readList(record);
  for (const folder of before.filter((each) => !folders.includes(each) && !isBehindLink(root, `${each}/.git`)))
    fs.rmSync(path.join(root, folder, '.git'), { recursive: true, force: true });
  if (folders.length > 0 || before.length > 0) fs.writeFileSync(record, JSON.stringify(folders));
}

function readList(file: string): string[] {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8')) as string[];
  } catch {
    return [];
  }
}

/** The user's clone of a submodule: in the git folder, or, as older ones are, in the submodule's own. */
function cloneOf(folder: string, name = folder, repository: Repository): Repository | undefined {
  const absorbed = [repository.gitFolder, repository.commonGitFolder].map((gitFolder) => path.join(gitFolder, 'modules', name));
  // git itself takes no name with `..`: it would lead out of the git folder.
  const folders = [...(name.split(/[\\/]/).includes('..') ? [] : absorbed), path.join(repository.root, folder, '.git')];
  const gitFolder = folders.find((each) => fs.existsSync(path.join(each, 'HEAD')));
  return gitFolder === undefined ? undefined : { root: gitFolder, gitFolder, commonGitFolder: gitFolder };
}

function isBehindLink(root: string, folder: string): boolean {
  const parent = path.join(root, path.dirname(folder));
  return fs.existsSync(parent) && fs.realpathSync(parent) !== path.join(fs.realpathSync(root), path.dirname(folder));
}

/** Path to name, as `.gitmodules` says. */
async function submoduleNames(root: string): Promise<Map<string, string>> {
  const listed =
    valueOf(await execGit(['config', '--file', '.gitmodules', '-z', '--get-regexp', '^submodule\\..*\\.path$'], { folder: root })) ?? '';
  const entries = listed.split('\0').filter((entry) => entry !== '');
  return new Map(
    entries.map((entry) => [entry.slice(entry.indexOf('\n') + 1), entry.slice('submodule.'.length, entry.indexOf('\n') - '.path'.length)]),
  );
}
