import * as fs from 'node:fs';
import * as path from 'node:path';
import { execGit } from './git';
import type { Repository } from './repository';
import { ok, type Result } from '../model/result';

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
