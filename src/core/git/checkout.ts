import * as fs from 'node:fs';
import * as path from 'node:path';
import { execGit } from './git';
import type { Repository } from './repository';
import { alternates } from './object-store';
import { fail, messageOf, ok, type Result } from '../model/result';
import type { RepositoryHome } from '../support/home';
import { copySettings } from './checkout-settings';

/** What a checkout holds, as far as more must be done about it. */
export interface Checkout {
  readonly root: string;
  readonly hasAttributes: boolean;
  /** Paths and commits, as the tree records them. */
  readonly submodules: readonly { readonly folder: string; readonly commit: string }[];
}

/** In a checkout's git folder: which submodules were checked out below it. */
export const submodulesName = 'deliver-submodules';

/** What is kept of a checkout's git folder. All else is what a step or a killed git left there. */
const kept = new Set(['objects', 'info', 'config', 'HEAD', 'index', 'lfs', submodulesName]);

/**
 * Puts exactly a commit's tree into `root`: a clone that borrows the repository's objects, with its
 * history, tags and remotes. Unchanged files are not written again; ignored ones stay. Answers what is
 * now checked out.
 */
export async function checkOut(root: string, commit: string, repository: Repository, home: RepositoryHome): Promise<Result<Checkout>> {
  try {
    return await putInto(root, commit, repository, home);
  } catch (error) {
    // A step may have left anything: files of another user, folders in place of files.
    return fail('machinery', `${root} could not be filled: ${messageOf(error)}`);
  }
}

async function putInto(root: string, commit: string, repository: Repository, home: RepositoryHome): Promise<Result<Checkout>> {
  const call = { folder: root };
  const gitFolder = path.join(root, '.git');
  // A link, or a clone that a step made, would lead out of the slot.
  for (const folder of [root, gitFolder, path.join(gitFolder, 'objects')]) {
    if (!isFolder(folder)) fs.rmSync(folder, { force: true });
  }
  if (!fs.existsSync(path.join(gitFolder, 'config'))) {
    fs.mkdirSync(root, { recursive: true });
    const made = await execGit(['init', '-q', '--template=', '.'], call);
    if (!made.ok) return made;
  }
  for (const name of fs.readdirSync(gitFolder)) {
    if (!kept.has(name)) fs.rmSync(path.join(gitFolder, name), { recursive: true, force: true });
  }
  borrow(gitFolder, repository, home);
  const [settings, refs] = await Promise.all([copySettings(gitFolder, repository), copyRefs(gitFolder, commit, repository)]);
  if (!settings.ok) return settings;
  if (!refs.ok) return refs;
  const read = await execGit(['read-tree', '--reset', '-u', commit], call);
  if (!read.ok) return read;
  const [cleaned, listed] = await Promise.all([execGit(['clean', '-ffdq'], call), execGit(['ls-files', '--stage', '-z'], call)]);
  if (!cleaned.ok) return cleaned;
  if (!listed.ok) return listed;
  const entries = listed.value.split('\0');
  return ok({
    root,
    hasAttributes: entries.some((entry) => /[\t/]\.gitattributes$/.test(entry)),
    submodules: entries.filter((entry) => entry.startsWith('160000 ')).map(submodule),
  });
}

function submodule(entry: string): { folder: string; commit: string } {
  return { folder: entry.slice(entry.indexOf('\t') + 1), commit: entry.split(' ')[1] ?? '' };
}

/** Lets a clone read the repository's objects and ours, and ignore what the user's clone ignores. */
function borrow(gitFolder: string, repository: Repository, home: RepositoryHome): void {
  fs.mkdirSync(home.objects, { recursive: true });
  for (const folder of ['objects/info', 'info', 'refs/heads']) fs.mkdirSync(path.join(gitFolder, folder), { recursive: true });
  fs.writeFileSync(path.join(gitFolder, 'objects', 'info', 'alternates'), alternates(repository, home));
  for (const name of ['shallow', 'info/exclude', 'info/attributes']) {
    const source = path.join(repository.commonGitFolder, name);
    if (fs.existsSync(source)) fs.copyFileSync(source, path.join(gitFolder, name));
    else fs.rmSync(path.join(gitFolder, name), { force: true });
  }
  fs.rmSync(path.join(gitFolder, 'info', 'sparse-checkout'), { force: true });
}

/** The user's tags and branches as they are now; what a step made of its own is gone. */
async function copyRefs(gitFolder: string, commit: string, repository: Repository): Promise<Result<void>> {
  const refs = await execGit(['for-each-ref', '--format=%(objectname) %(refname)', 'refs/tags', 'refs/remotes', 'refs/heads'], {
    folder: repository.root,
  });
  if (!refs.ok) return refs;
  fs.writeFileSync(path.join(gitFolder, 'packed-refs'), `# pack-refs with: sorted \n${refs.value}`);
  fs.writeFileSync(path.join(gitFolder, 'HEAD'), `${commit}\n`);
  return ok(undefined);
}

function isFolder(file: string): boolean {
  return fs.lstatSync(file, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
