import * as fs from 'node:fs';
import * as path from 'node:path';
import { execGit } from '../../git/git';
import type { ReadFile } from './toolchains';

/** The facts about a working copy that decide how a job is prepared. */
export interface RepositoryFacts {
  readonly read: ReadFile;
  /** A file mentions git, so a step may need the history. */
  readonly usesHistory: boolean;
  /** Some files are in Git LFS. */
  readonly usesLfs: boolean;
}

/** Matches calls of git, and tools that derive versions or changes from the history. */
const historyReaders = [
  '(^|[^[:alnum:]_./:@+-])git[ -]+[a-z-]',
  '[(,[] *["\'`]git["\'`]',
  '(simple|isomorphic)-git|nodegit|dugite|pygit2|gitpython|dulwich|libgit2|jgit|gitversion|minver|nerdbank|setuptools.scm|versioneer|hatch-vcs',
  'versioningit|semantic-release|standard-version|release-it|commitlint|lerna|changeset|changedSince|onlyChanged|turbo|nx affected',
];

/** Documentation, lock files and the exported files mention git without a call. */
const unread = [':!*.md', ':!*.txt', ':!*.rst', ':!*.adoc', ':!LICENSE*', ':!*lock*', ':!.git*', ':!**/.git*', ':!*Jenkinsfile'];

export async function repositoryFacts(root: string): Promise<RepositoryFacts> {
  const read: ReadFile = (file) => textOf(path.join(root, file));
  const [usesHistory, usesLfs] = await Promise.all([
    mentions(root, historyReaders, ['.', ...unread]),
    mentions(root, ['filter=lfs'], [':(glob)**/.gitattributes']),
  ]);
  return { read, usesHistory, usesLfs };
}

/** Returns the text of a file, or undefined if it cannot be read. */
export function textOf(file: string): string | undefined {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

/** Returns whether a file that git does not ignore matches a pattern. True if git fails. */
async function mentions(root: string, patterns: readonly string[], paths: readonly string[]): Promise<boolean> {
  const expressions = patterns.flatMap((pattern) => ['-e', pattern]);
  const found = await execGit(['grep', '--untracked', '-I', '-l', '-i', '-E', ...expressions, '--', ...paths], {
    folder: root,
    nothingFound: 1,
  });
  return !found.ok || found.value !== '';
}
