import * as fs from 'node:fs';
import * as path from 'node:path';

export interface GitFolder {
  /** The working copy's root. */
  readonly root: string;
  /** The working copy's own: where its `HEAD` is. */
  readonly own: string;
  /** Shared by all worktrees of the repository. */
  readonly common: string;
}

/**
 * The repository that a folder lies in, read from the disk alone: it may be asked in a folder that is
 * not trusted, where git must not run, and while the window starts.
 */
export function findGitFolder(folder: string): GitFolder | undefined {
  for (let root = realPath(folder); ; root = path.dirname(root)) {
    const folders = gitFolders(root);
    if (folders) return { root, ...folders };
    if (path.dirname(root) === root) return undefined;
  }
}

/** A folder as git names it: relative to the root with `/`, empty for the root, also where it was opened through a link. */
export function folderInRepository(root: string, folder: string): string {
  return path.relative(root, realPath(folder)).split(path.sep).join('/');
}

/** Whether there is a git to call, without calling it. */
export function hasGit(env: NodeJS.ProcessEnv = process.env): boolean {
  const names = process.platform === 'win32' ? ['git.exe', 'git.cmd'] : ['git'];
  const folders = (env['PATH'] ?? env['Path'] ?? '').split(path.delimiter).filter((folder) => folder !== '');
  return folders.some((folder) => names.some((name) => fs.existsSync(path.join(folder, name))));
}

function gitFolders(root: string): Omit<GitFolder, 'root'> | undefined {
  const dotGit = path.join(root, '.git');
  try {
    const stat = fs.statSync(dotGit);
    if (stat.isDirectory()) return fs.existsSync(path.join(dotGit, 'HEAD')) ? { own: dotGit, common: dotGit } : undefined;
    const named = /^gitdir: (.*)$/m.exec(fs.readFileSync(dotGit, 'utf8'))?.[1]?.trim();
    if (named === undefined) return undefined;
    const gitFolder = path.resolve(root, named);
    const shared = path.join(gitFolder, 'commondir');
    const common = fs.existsSync(shared) ? path.resolve(gitFolder, fs.readFileSync(shared, 'utf8').trim()) : gitFolder;
    return { own: realPath(gitFolder), common: realPath(common) };
  } catch {
    return undefined;
  }
}

function realPath(folder: string): string {
  try {
    return fs.realpathSync.native(folder);
  } catch {
    return path.resolve(folder);
  }
}
