import * as fs from 'node:fs';
import * as path from 'node:path';
import { fileNames } from '../support/files';
import type { RepositoryHome } from '../support/home';
import type { Repository } from './repository';

/** Returns variables that make git write objects to Deliver's store and read those of the repository too. */
export function objectEnvironment(repository: Repository, home: RepositoryHome): Record<string, string> {
  fs.mkdirSync(path.join(home.objects, 'info'), { recursive: true });
  return {
    GIT_OBJECT_DIRECTORY: home.objects,
    GIT_ALTERNATE_OBJECT_DIRECTORIES: quoted(path.join(repository.commonGitFolder, 'objects')),
  };
}

/** Returns the content of `info/alternates` for a clone that reads the repository's objects and Deliver's. */
export function alternates(repository: Repository, home: RepositoryHome): string {
  return `${quoted(path.join(repository.commonGitFolder, 'objects'))}\n${quoted(home.objects)}\n`;
}

/** Quotes a folder, as in C, if its name contains the separator of the list. */
function quoted(folder: string): string {
  if (!folder.includes(path.delimiter === ';' ? ';' : ':') && !/["\n]/.test(folder)) return folder;
  return `"${folder.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n')}"`;
}

/** The size limit of all snapshots of a repository. */
const maxBytes = 2 * 2 ** 30;
const hourMs = 3_600_000;

/**
 * Removes the objects that no snapshot since `needed` contains, and the oldest others until the rest fits the
 * limit. git updates the time of an object that it would write again, so the time shows the last snapshot
 * that contained it. The next snapshot writes an object again that was removed too early.
 */
export function tidyObjects(home: RepositoryHome, needed: Date, limit = maxBytes, now = Date.now()): void {
  const files = [home.objects, path.join(home.folder, 'lfs')].flatMap(filesBelow).sort((a, b) => b.usedMs - a.usedMs);
  let total = 0;
  for (const { file, size, usedMs } of files) {
    total += size;
    const isDraft = path.basename(file).startsWith('tmp_');
    const unneeded = usedMs < needed.getTime() || total > limit || isDraft;
    // A snapshot may be writing objects at this moment.
    if (unneeded && usedMs < now - hourMs && statOf(file)?.mtimeMs === usedMs) fs.rmSync(file, { force: true });
  }
  removeIndexes(home, now);
}

/** Removes the indexes of snapshots that were killed. */
function removeIndexes(home: RepositoryHome, now: number): void {
  for (const name of fileNames(home.folder).filter((each) => each.startsWith('index-'))) {
    const file = path.join(home.folder, name);
    if ((statOf(file)?.mtimeMs ?? now) < now - hourMs) fs.rmSync(file, { force: true });
  }
}

/** Returns loose objects and packs. An index comes before its pack, so that no reader misses the pack of an index. */
function filesBelow(folder: string): { file: string; size: number; usedMs: number }[] {
  return fileNames(folder)
    .sort()
    .flatMap((name) => {
      const file = path.join(folder, name);
      const stat = statOf(file);
      if (stat?.isDirectory()) return filesBelow(file);
      return stat && name !== 'alternates' ? [{ file, size: stat.size, usedMs: stat.mtimeMs }] : [];
    });
}

function statOf(file: string): fs.Stats | undefined {
  return fs.lstatSync(file, { throwIfNoEntry: false });
}
