import * as fs from 'node:fs';
import * as path from 'node:path';
import { git, gitOrUndefined } from '../changes/git';
import type { Repository } from '../changes/repository';
import type { RepositoryHome } from '../home';
import { checkOut } from './checkout';

/**
 * Checks out the submodules of a checkout at the commits that its tree records, from the user's own
 * clones of them. Answers a sentence for each that could not be.
 */
export async function checkOutSubmodules(root: string, repository: Repository, home: RepositoryHome): Promise<string[]> {
  if (!fs.existsSync(path.join(root, '.gitmodules'))) return [];
  const listing = await git(['ls-files', '--stage', '-z'], { folder: root });
  if (!listing.ok) return [listing.failure.message];
  const names = await submoduleNames(root);
  const notices: string[] = [];
  for (const line of listing.value.split('\0').filter((entry) => entry.startsWith('160000 '))) {
    const folder = line.slice(line.indexOf('\t') + 1);
    const commit = line.split(' ')[1] ?? '';
    const gitFolder = path.join(repository.commonGitFolder, 'modules', names.get(folder) ?? folder);
    if (!fs.existsSync(gitFolder)) {
      notices.push(`submodule ${folder} is not checked out: it is not cloned in the working copy (git submodule update --init)`);
      continue;
    }
    const module: Repository = { root: gitFolder, gitFolder, commonGitFolder: gitFolder };
    const target = path.join(root, folder);
    const done = await checkOut(target, commit, module, home);
    if (!done.ok) notices.push(`submodule ${folder} is not checked out: ${done.failure.message}`);
    else notices.push(...(await checkOutSubmodules(target, module, home)));
  }
  return notices;
}

/** Path to name, as `.gitmodules` says. */
async function submoduleNames(root: string): Promise<Map<string, string>> {
  const listed =
    (await gitOrUndefined(['config', '--file', '.gitmodules', '-z', '--get-regexp', '^submodule\\..*\\.path$'], { folder: root })) ?? '';
  const entries = listed.split('\0').filter((entry) => entry !== '');
  return new Map(
    entries.map((entry) => [entry.slice(entry.indexOf('\n') + 1), entry.slice('submodule.'.length, entry.indexOf('\n') - '.path'.length)]),
  );
}
