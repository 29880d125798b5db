import * as fs from 'node:fs';
import * as path from 'node:path';
import { type Result, fail, messageOf, ok, valueOf } from '../model/result';
import type { RepositoryHome } from '../support/home';
import { execGit } from './git';
import { alternates, objectEnvironment } from './object-store';
import { dependencyFolders, findStaleFiles, readRecord, recordName, restrictModes, writeRecord } from './kept-files';
import { inGitFolder, type Repository } from './repository';

export interface Checkout {
  readonly root: string;
  readonly hasAttributes: boolean;
  /** The submodules that the tree records. */
  readonly submodules: readonly { readonly folder: string; readonly commit: string }[];
}

/** The file in a checkout's git folder that lists the submodules below it. */
export const submodulesFile = 'deliver-submodules';

/** Everything else in a checkout's git folder was left there by a step or a killed git. */
const keptNames = new Set(['objects', 'info', 'config', 'HEAD', 'index', 'lfs', submodulesFile, recordName]);

/**
 * Checks out exactly a commit's tree in `root`: a clone that borrows the repository's objects, with its
 * history, tags and remotes. Unchanged files are not written again. Ignored files stay, unless the commit lacks a file
 * that an ignored one seems to be built from.
 */
export async function checkOut(root: string, commit: string, repository: Repository, home: RepositoryHome): Promise<Result<Checkout>> {
  try {
    return await checkOutInto(root, commit, repository, home);
  } catch (error) {
    // A step may have left files of another user, or folders in place of files.
    return fail('machinery', `could not check out into ${root}: ${messageOf(error)}`);
  }
}

async function checkOutInto(root: string, commit: string, repository: Repository, home: RepositoryHome): Promise<Result<Checkout>> {
  const call = { folder: root };
  const gitFolder = path.join(root, '.git');
  // A link that a step made could point outside the slot.
  for (const folder of [root, gitFolder, path.join(gitFolder, 'objects')]) {
    if (!isFolder(folder)) fs.rmSync(folder, { force: true });
  }
  const isNew = !fs.existsSync(path.join(gitFolder, 'config'));
  if (isNew) {
    fs.mkdirSync(root, { recursive: true });
    const initialized = await execGit(['init', '-q', '--template=', '.'], call);
    if (!initialized.ok) return initialized;
  }
  for (const name of fs.readdirSync(gitFolder)) {
    if (!keptNames.has(name)) fs.rmSync(path.join(gitFolder, name), { recursive: true, force: true });
  }
  borrowObjects(gitFolder, repository, home);
  const before = readRecord(gitFolder);
  const [settings, refs, changed] = await Promise.all([
    copySettings(gitFolder, repository),
    copyRefs(gitFolder, commit, repository),
    changedFiles(before?.commit, commit, repository, home),
  ]);
  if (!settings.ok) return settings;
  if (!refs.ok) return refs;
  const read = await execGit(['read-tree', '--reset', '-u', commit], call);
  if (!read.ok) return read;
  const [cleaned, listed] = await Promise.all([execGit(['clean', '-ffdq'], call), execGit(['ls-files', '--stage', '-z'], call)]);
  if (!cleaned.ok) return cleaned;
  if (!listed.ok) return listed;
  const entries = listed.value.split('\0');
  if (!isNew && (await findStaleFiles(root, changed?.removed))) {
    const purged = await execGit(['clean', '-ffdxq', ...dependencyFolders.flatMap((name) => ['-e', name])], call);
    if (!purged.ok) return purged;
  }
  const written = changed?.written ?? entries.map((entry) => entry.slice(entry.indexOf('\t') + 1));
  const modes = await restrictModes(root, repository.root, written, before?.modes ?? {});
  writeRecord(gitFolder, { commit, modes }, before);
  return ok({
    root,
    hasAttributes: entries.some((entry) => /[\t/]\.gitattributes$/.test(entry)),
    submodules: entries.filter((entry) => entry.startsWith('160000 ')).map(submodule),
  });
}

/** Returns the files that differ between two commits; undefined if unknown. */
async function changedFiles(
  from: string | undefined,
  to: string,
  repository: Repository,
  home: RepositoryHome,
): Promise<{ readonly written: readonly string[]; readonly removed: readonly string[] } | undefined> {
  if (from === undefined) return undefined;
  if (from === to) return { written: [], removed: [] };
  const { folder, env } = inGitFolder(repository);
  const args = ['diff-tree', '-r', '-z', '--no-renames', '--name-status', from, to];
  const listed = valueOf(await execGit(args, { folder, env: { ...env, ...objectEnvironment(repository, home) } }));
  if (listed === undefined) return undefined;
  const [written, removed]: [string[], string[]] = [[], []];
  const fields = listed.split('\0');
  for (let at = 0; at + 1 < fields.length; at += 2) (fields[at] === 'D' ? removed : written).push(fields[at + 1] ?? '');
  return { written, removed };
}

function submodule(entry: string): { folder: string; commit: string } {
  return { folder: entry.slice(entry.indexOf('\t') + 1), commit: entry.split(' ')[1] ?? '' };
}

/** Lets a clone read the repository's objects and Deliver's, and ignore the same files as the user's clone. */
function borrowObjects(gitFolder: string, repository: Repository, home: RepositoryHome): void {
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

/** Copies the user's tags and branches, and drops those that a step made. */
async function copyRefs(gitFolder: string, commit: string, repository: Repository): Promise<Result<void>> {
  const args = ['for-each-ref', '--format=%(objectname) %(refname)', 'refs/tags', 'refs/remotes', 'refs/heads'];
  const refs = await execGit(args, inGitFolder(repository));
  if (!refs.ok) return refs;
  fs.writeFileSync(path.join(gitFolder, 'packed-refs'), `# pack-refs with: sorted \n${refs.value}`);
  fs.writeFileSync(path.join(gitFolder, 'HEAD'), `${commit}\n`);
  return ok(undefined);
}

function isFolder(file: string): boolean {
  return fs.lstatSync(file, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** Settings of the user that a checkout needs, to hold the same files and to reach the same remotes. */
const sharedSetting = new RegExp(
  [
    '^(remote|url|user|filter|lfs|submodule)\\.',
    '^core\\.(autocrlf|eol|symlinks|filemode|ignorecase|precomposeunicode|longpaths|excludesfile|attributesfile|sshcommand)$',
    '^extensions\\.(partialclone|objectformat)$',
  ].join('|'),
);

const checkoutConfig =
  '[core]\n\trepositoryformatversion = 1\n\tbare = false\n\tlogallrefupdates = false\n[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n';

/** Copies the settings of the user's clone, and drops those that a step made. */
export async function copySettings(gitFolder: string, repository: Repository): Promise<Result<void>> {
  const listed = await execGit(['config', '--list', '--includes', '--show-scope', '--show-origin', '-z'], inGitFolder(repository));
  if (!listed.ok) return listed;
  const fields = listed.value.split('\0');
  const settings: string[] = [];
  for (let at = 0; at + 2 < fields.length; at += 3) {
    const [scope = '', origin = '', entry = ''] = fields.slice(at, at + 3);
    const [, key = '', value = 'true'] = /^([^\n]+)(?:\n(.*))?$/s.exec(entry) ?? [];
    if (!sharedSetting.test(key) || !isOfClone(scope, origin, key)) continue;
    settings.push(setting(key, isRemoteUrl(key) ? absoluteUrl(value, repository.root) : value));
  }
  const text = [checkoutConfig, ...settings].join('');
  const file = path.join(gitFolder, 'config');
  if (fs.readFileSync(file, 'utf8') !== text) fs.writeFileSync(file, text);
  return ok(undefined);
}

/**
 * Returns true for a setting that a checkout elsewhere lacks: of the clone or the worktree, or of a file that the user's
 * configuration includes, perhaps only below the folder of the clone (`includeIf`).
 */
function isOfClone(scope: string, origin: string, key: string): boolean {
  if (scope === 'local' || scope === 'worktree') return true;
  const isMainFile = /[\\/](\.gitconfig|git[\\/]config)$/.test(origin) || origin === `file:${process.env['GIT_CONFIG_GLOBAL']}`;
  return scope === 'global' && !isMainFile && !/^(remote|submodule)\./.test(key);
}

/** Returns a setting in the syntax of git's configuration. The subsection of `remote.a.b.url` is `a.b`. */
function setting(key: string, value: string): string {
  const [first, last] = [key.indexOf('.'), key.lastIndexOf('.')];
  const quote = (text: string): string => `"${text.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n')}"`;
  const section = first === last ? key.slice(0, first) : `${key.slice(0, first)} ${quote(key.slice(first + 1, last))}`;
  return `[${section}]\n\t${key.slice(last + 1)} = ${quote(value)}\n`;
}

function isRemoteUrl(key: string): boolean {
  return /^remote\..*\.(push)?url$/.test(key);
}

/** Returns a URL that is also valid in a slot: a relative path is relative to the user's clone. */
function absoluteUrl(url: string, root: string): string {
  const isFolder = !/^[\w+.-]+:\/\//.test(url) && !/^[^/]*:/.test(url);
  return isFolder ? path.resolve(root, url) : url;
}

/** The size limit of a pointer by the specification of Git LFS. */
const maxPointerBytes = 1024;
const maxShownFiles = 3;

/**
 * Returns a notice about the files of a checkout that are Git LFS pointers in place of their content: git-lfs
 * is not set up, or the content was not fetched. `prefix` goes before each path.
 */
export async function pointerNotices({ root, hasAttributes }: Checkout, prefix = ''): Promise<string[]> {
  if (!hasAttributes) return [];
  const call = { folder: root };
  // Few repositories use LFS, and this check is fast.
  const attributes = valueOf(await execGit(['grep', '--cached', '-lF', 'filter=lfs', '--', ':(glob)**/.gitattributes'], call));
  if (attributes === undefined) return [];
  const listed = valueOf(await execGit(['ls-files', '-z', '--', ':(attr:filter=lfs)'], call)) ?? '';
  const pointers = listed.split('\0').filter((name) => name !== '' && isPointer(path.join(root, name)));
  if (pointers.length === 0) return [];
  const named = pointers.slice(0, maxShownFiles).map((name) => `${prefix}${name}`);
  const more = pointers.length > maxShownFiles ? ` and ${pointers.length - maxShownFiles} more` : '';
  return [`Git LFS files are only pointers, without their content: ${named.join(', ')}${more}. Run git lfs install and git lfs pull.`];
}

function isPointer(file: string): boolean {
  const stat = fs.lstatSync(file, { throwIfNoEntry: false });
  return stat?.isFile() === true && stat.size < maxPointerBytes && fs.readFileSync(file, 'utf8').startsWith('version https://git-lfs');
}
