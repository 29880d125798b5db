import * as fs from 'node:fs';
import * as path from 'node:path';
import { type Result, fail, messageOf, ok, valueOf } from '../model/result';
import type { RepositoryHome } from '../support/home';
import { execGit } from './git';
import { alternates } from './object-store';
import type { Repository } from './repository';

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

/** The user's settings that a checkout must share to see the same files and to reach the same remotes. */
const shared = new RegExp(
  [
    '^(remote|url|user|filter|lfs|submodule)\\.',
    '^core\\.(autocrlf|eol|symlinks|filemode|ignorecase|precomposeunicode|longpaths|excludesfile|attributesfile|sshcommand)$',
    '^extensions\\.(partialclone|objectformat)$',
  ].join('|'),
);

const own =
  '[core]\n\trepositoryformatversion = 1\n\tbare = false\n\tlogallrefupdates = false\n[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n';

/** Gives a checkout the settings of the user's clone; what a step has set is gone. */
export async function copySettings(gitFolder: string, repository: Repository): Promise<Result<void>> {
  const listed = await execGit(['config', '--local', '--includes', '--list', '-z'], { folder: repository.root });
  if (!listed.ok) return listed;
  const entries = listed.value.split('\0').map((entry) => /^([^\n]+)(?:\n(.*))?$/s.exec(entry));
  const settings = entries.flatMap((match) => {
    const [, key = '', value = 'true'] = match ?? [];
    return shared.test(key) ? [setting(key, isRemote(key) ? reachable(value, repository.root) : value)] : [];
  });
  const text = [own, ...settings].join('');
  const file = path.join(gitFolder, 'config');
  if (fs.readFileSync(file, 'utf8') !== text) fs.writeFileSync(file, text);
  return ok(undefined);
}

/** One setting in git's own syntax; `remote.a.b.url` has the subsection `a.b`. */
function setting(key: string, value: string): string {
  const [first, last] = [key.indexOf('.'), key.lastIndexOf('.')];
  const quote = (text: string): string => `"${text.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n')}"`;
  const section = first === last ? key.slice(0, first) : `${key.slice(0, first)} ${quote(key.slice(first + 1, last))}`;
  return `[${section}]\n\t${key.slice(last + 1)} = ${quote(value)}\n`;
}

function isRemote(key: string): boolean {
  return /^remote\..*\.(push)?url$/.test(key);
}

/** A folder that is named relative to the user's clone is another one seen from a slot. */
function reachable(url: string, root: string): string {
  const isFolder = !/^[\w+.-]+:\/\//.test(url) && !/^[^/]*:/.test(url);
  return isFolder ? path.resolve(root, url) : url;
}

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
