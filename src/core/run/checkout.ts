import * as fs from 'node:fs';
import * as path from 'node:path';
import { git, gitOrUndefined } from '../changes/git';
import type { Repository } from '../changes/repository';
import { ok, type Result } from '../failure';
import type { RepositoryHome } from '../home';

/** The user's settings that a checkout must share to see the same files. */
const shared =
  /^(remote\.|core\.(autocrlf|eol|symlinks|filemode|ignorecase|precomposeunicode|longpaths)|extensions\.(partialclone|objectformat)|lfs\.)/;

/**
 * Puts exactly a commit's tree into `root`: a clone that borrows the repository's objects, with its
 * history, tags and remotes. Unchanged files are not written again; ignored ones stay.
 */
export async function checkOut(root: string, commit: string, repository: Repository, home: RepositoryHome): Promise<Result<void>> {
  const call = { folder: root };
  if (!fs.existsSync(path.join(root, '.git', 'config'))) {
    fs.mkdirSync(root, { recursive: true });
    const made = await git(['init', '-q', '--template=', '.'], call);
    if (!made.ok) return made;
  }
  await borrow(path.join(root, '.git'), repository, home);
  const refs = await copyRefs(path.join(root, '.git'), commit, repository);
  if (!refs.ok) return refs;
  const read = await git(['read-tree', '--reset', '-u', commit], call);
  if (!read.ok) return read;
  const cleaned = await git(['clean', '-ffdq'], call);
  return cleaned.ok ? ok(undefined) : cleaned;
}

/** Lets a clone read the repository's objects and ours, and behave as the user's clone does. */
async function borrow(gitFolder: string, repository: Repository, home: RepositoryHome): Promise<void> {
  fs.mkdirSync(home.objects, { recursive: true });
  fs.mkdirSync(path.join(gitFolder, 'objects', 'info'), { recursive: true });
  fs.writeFileSync(
    path.join(gitFolder, 'objects', 'info', 'alternates'),
    `${path.join(repository.commonGitFolder, 'objects')}\n${home.objects}\n`,
  );
  const shallow = path.join(repository.commonGitFolder, 'shallow');
  if (fs.existsSync(shallow)) fs.copyFileSync(shallow, path.join(gitFolder, 'shallow'));
  else fs.rmSync(path.join(gitFolder, 'shallow'), { force: true });
  await copySettings(gitFolder, repository);
}

async function copySettings(gitFolder: string, repository: Repository): Promise<void> {
  const source = path.join(repository.commonGitFolder, 'config');
  const stamp = path.join(gitFolder, 'deliver-settings');
  const { mtimeMs, size } = fs.statSync(source);
  const seen = `${mtimeMs} ${size}`;
  if (fs.existsSync(stamp) && fs.readFileSync(stamp, 'utf8') === seen) return;
  const listed = (await gitOrUndefined(['config', '--local', '--list', '-z'], { folder: repository.root })) ?? '';
  const config = path.join(gitFolder, 'config');
  const sections = [
    '[core]\n\trepositoryformatversion = 1\n\tbare = false\n\tlogallrefupdates = false\n[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n',
  ];
  for (const entry of listed.split('\0')) {
    const [key = '', ...value] = entry.split('\n');
    if (shared.test(key)) sections.push(setting(key, value.join('\n')));
  }
  fs.writeFileSync(config, sections.join(''));
  fs.writeFileSync(stamp, seen);
}

/** One setting in git's own syntax; `remote.a.b.url` has the subsection `a.b`. */
function setting(key: string, value: string): string {
  const [first, last] = [key.indexOf('.'), key.lastIndexOf('.')];
  const quote = (text: string): string => `"${text.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n')}"`;
  const section = first === last ? key.slice(0, first) : `${key.slice(0, first)} ${quote(key.slice(first + 1, last))}`;
  return `[${section}]\n\t${key.slice(last + 1)} = ${quote(value)}\n`;
}

/** The user's tags and branches as they are now; what a step made of its own is gone. */
async function copyRefs(gitFolder: string, commit: string, repository: Repository): Promise<Result<void>> {
  const refs = await git(['for-each-ref', '--format=%(objectname) %(refname)', 'refs/tags', 'refs/remotes', 'refs/heads'], {
    folder: repository.root,
  });
  if (!refs.ok) return refs;
  fs.rmSync(path.join(gitFolder, 'refs'), { recursive: true, force: true });
  fs.mkdirSync(path.join(gitFolder, 'refs', 'heads'), { recursive: true });
  const lines = refs.value.split('\n').filter((line) => line !== '');
  const name = (line: string): string => line.slice(line.indexOf(' ') + 1);
  lines.sort((a, b) => (name(a) < name(b) ? -1 : 1));
  fs.writeFileSync(path.join(gitFolder, 'packed-refs'), ['# pack-refs with: sorted ', ...lines, ''].join('\n'));
  for (const left of ['index.lock', 'HEAD.lock', 'packed-refs.lock', 'MERGE_HEAD', 'FETCH_HEAD'])
    fs.rmSync(path.join(gitFolder, left), { force: true });
  fs.writeFileSync(path.join(gitFolder, 'HEAD'), `${commit}\n`);
  return ok(undefined);
}
