import * as fs from 'node:fs';
import * as path from 'node:path';
import { ok, type Result } from '../model/result';
import type { RepositoryHome } from '../support/home';
import { git } from '../git/git';
import type { Repository } from '../git/repository';
import { objectEnvironment } from '../git/object-store';

export interface ChangedFile {
  /** The path in that commit, relative to the root, with `/`. */
  readonly path: string;
  /** The path before a rename. */
  readonly pathBefore?: string;
  /** Git's ids of the contents. `before` is absent for a new file, `after` for a deleted one. */
  readonly before?: string;
  readonly after?: string;
  /** Line counts, without changes of white space. */
  readonly added: number;
  readonly removed: number;
}

export interface RecentChange {
  readonly commit: string;
  readonly parent?: string;
  readonly subject: string;
  /** The full message. */
  readonly message: string;
  readonly author: string;
  readonly email: string;
  /** ISO 8601. */
  readonly date: string;
  readonly files: readonly ChangedFile[];
  /** Paths of files with too many changed lines to compare. */
  readonly tooLarge: readonly string[];
}

const maxChangedLines = 5_000;
const fieldEnd = '\x1f';
const format = ['%x1e%H', '%P', '%an', '%ae', '%cI', '%B', ''].join('%x1f');
const options = [
  '--no-merges',
  '--no-show-signature',
  '--no-ext-diff',
  '--no-textconv',
  '--no-color',
  '--no-relative',
  '--ignore-submodules=all',
];
const comparison = ['--raw', '--numstat', '--no-abbrev', '-z', '-M', '-w', '--ignore-blank-lines'];

/**
 * Returns the changes in `to` but not in `from` that touch `folder`, newest first. Without `from`, the newest
 * `maxCount`. Leaves out merges, changes of white space and commits in `.git-blame-ignore-revs`. Both commits may
 * be snapshots.
 */
export async function recentChanges(
  repository: Repository,
  home: RepositoryHome,
  { from, to, folder, maxCount }: { readonly from?: string; readonly to: string; readonly folder: string; readonly maxCount?: number },
): Promise<Result<RecentChange[]>> {
  const bound = maxCount === undefined ? [] : [`--max-count=${maxCount}`];
  const range = from === undefined ? [to] : [to, '--not', from];
  const args = ['log', ...options, ...comparison, `--format=${format}`, ...bound, ...range, '--', ...(folder === '' ? [] : [folder])];
  const env = { ...objectEnvironment(repository, home), GIT_LITERAL_PATHSPECS: '1' };
  const log = await git({ folder: repository.root, env }, (client) => client.raw(args));
  if (!log.ok) return log;
  const ignored = ignoredRevisions(repository.root);
  const entries = log.value.split(/\x1e(?=[0-9a-f]{40}(?:[0-9a-f]{24})?\x1f)/).slice(1);
  return ok(entries.flatMap((entry) => changeOf(entry) ?? []).filter(({ commit }) => !ignored.has(commit)));
}

/** https://git-scm.com/docs/git-blame#Documentation/git-blame.txt---ignore-revs-fileltfilegt */
function ignoredRevisions(root: string): ReadonlySet<string> {
  try {
    const lines = fs.readFileSync(path.join(root, '.git-blame-ignore-revs'), 'utf8').split(/\r?\n/);
    return new Set(lines.map((line) => line.replace(/#.*$/, '').trim()));
  } catch {
    return new Set();
  }
}

function changeOf(entry: string): RecentChange | undefined {
  const [commit = '', parents = '', author = '', email = '', date = ''] = entry.split(fieldEnd, 5);
  const head = [commit, parents, author, email, date].join(fieldEnd).length + 1;
  const end = entry.lastIndexOf(fieldEnd);
  const message = entry.slice(head, end).trim();
  const all = filesOf(entry.slice(end + 1));
  if (all.length === 0) return undefined;
  const [parent] = parents.split(' ');
  const isTooLarge = ({ added, removed }: ChangedFile): boolean => added + removed > maxChangedLines;
  return {
    commit,
    ...(parent && { parent }),
    subject: message.split('\n')[0] ?? '',
    message,
    author,
    email,
    date,
    files: all,
    tooLarge: all.filter(isTooLarge).map((file) => file.path),
  };
}

/** Parses the output of `--raw --numstat -z`: the status of each file, then its line counts. */
function filesOf(text: string): ChangedFile[] {
  const fields = text.split('\0').map((field) => field.replace(/^\n/, ''));
  const files: Omit<ChangedFile, 'added' | 'removed'>[] = [];
  const lines = new Map<string, { readonly added: number; readonly removed: number }>();
  for (let at = 0; at < fields.length; at++) {
    const field = fields[at] ?? '';
    const [, beforeMode, , before = '', after = '', kind] = /^:(\d+) (\d+) ([0-9a-f]+) ([0-9a-f]+) ([A-Z])\d*$/.exec(field) ?? [];
    const [, added, removed, name] = /^(\d+|-)\t(\d+|-)\t(.*)$/s.exec(field) ?? [];
    if (kind !== undefined) {
      const first = fields[++at] ?? '';
      const isMoved = kind === 'R' || kind === 'C';
      const file = isMoved ? (fields[++at] ?? '') : first;
      if (beforeMode === '160000') continue;
      files.push({
        path: file,
        ...(isMoved && { pathBefore: first }),
        ...(!/^0+$/.test(before) && { before }),
        ...(!/^0+$/.test(after) && { after }),
      });
    } else if (name !== undefined) {
      const file = name === '' ? (fields[(at += 2)] ?? '') : name;
      lines.set(file, { added: Number(added) || 0, removed: Number(removed) || 0 });
    }
  }
  return files.flatMap((file) => {
    const counted = lines.get(file.path);
    const isNewOrGone = file.before === undefined || file.after === undefined;
    // Without line counts, a file differs only in its formatting or its mode.
    return counted || isNewOrGone ? [{ ...file, ...(counted ?? { added: 0, removed: 0 }) }] : [];
  });
}
