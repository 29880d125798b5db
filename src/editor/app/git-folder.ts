import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Repository } from '../../core/git/repository';

/**
 * Returns the repository that contains a folder. Reads files only: git must not run in a folder that is not trusted, and would slow
 * down the start of the window.
 */
export function findRepository(folder: string): Repository | undefined {
  for (let root = realPath(folder); ; root = path.dirname(root)) {
    const folders = gitFolders(root);
    if (folders) return { root, ...folders };
    if (path.dirname(root) === root) return undefined;
  }
}

/** Returns a folder relative to the root, with `/`, as git prints it. Follows symbolic links. */
export function folderInRepository(root: string, folder: string): string {
  return path.relative(root, realPath(folder)).split(path.sep).join('/');
}

/** Returns true if the git program is on the `PATH`. Does not start it. */
export function hasGit(env: NodeJS.ProcessEnv = process.env): boolean {
  const names = process.platform === 'win32' ? ['git.exe', 'git.cmd'] : ['git'];
  const folders = (env['PATH'] ?? env['Path'] ?? '').split(path.delimiter).filter((folder) => folder !== '');
  return folders.some((folder) => names.some((name) => fs.existsSync(path.join(folder, name))));
}

function gitFolders(root: string): Omit<Repository, 'root'> | undefined {
  const dotGit = path.join(root, '.git');
  try {
    if (fs.statSync(dotGit).isDirectory())
      return fs.existsSync(path.join(dotGit, 'HEAD')) ? { gitFolder: dotGit, commonGitFolder: dotGit } : undefined;
    const named = /^gitdir: (.*)$/m.exec(fs.readFileSync(dotGit, 'utf8'))?.[1]?.trim();
    if (named === undefined) return undefined;
    const gitFolder = path.resolve(root, named);
    const shared = path.join(gitFolder, 'commondir');
    const common = fs.existsSync(shared) ? path.resolve(gitFolder, fs.readFileSync(shared, 'utf8').trim()) : gitFolder;
    return { gitFolder: realPath(gitFolder), commonGitFolder: realPath(common) };
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
