import * as fs from 'node:fs';
import * as path from 'node:path';
import { fileNames } from '../support/file-names';
import type { RepositoryHome } from '../support/home';
import type { Repository } from './repository';

/** Variables that make git write objects to Deliver's store and find the repository's as well. */
export function ownObjects(repository: Repository, home: RepositoryHome): Record<string, string> {
  fs.mkdirSync(path.join(home.objects, 'info'), { recursive: true });
  return {
    GIT_OBJECT_DIRECTORY: home.objects,
    GIT_ALTERNATE_OBJECT_DIRECTORIES: quoted(path.join(repository.commonGitFolder, 'objects')),
  };
}

/** The contents of `info/alternates` for a clone that reads the repository's objects and ours. */
export function alternates(repository: Repository, home: RepositoryHome): string {
  return `${quoted(path.join(repository.commonGitFolder, 'objects'))}\n${quoted(home.objects)}\n`;
}

/** Both are lists of folders: one whose name holds what separates them is quoted, as C does it. */
function quoted(folder: string): string {
  if (!folder.includes(path.delimiter === ';' ? ';' : ':') && !/["\n]/.test(folder)) return folder;
  return `"${folder.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n')}"`;
}

/** What all snapshots of a repository may take up together. */
const sizeBound = 2 * 2 ** 30;
const hour = 3_600_000;

/**
 * Removes the objects that no snapshot since `needed` wrote, oldest first until the rest is within
 * its bound. Git renews the time of an object that it would write again, so the time tells when a
 * snapshot last held it; one that is removed too early is made again by the next snapshot.
 */
export function tidyObjects(home: RepositoryHome, needed: Date, bound = sizeBound, now = Date.now()): void {
  const files = [home.objects, path.join(home.folder, 'lfs')].flatMap(filesBelow).sort((a, b) => b.usedMs - a.usedMs);
  let total = 0;
  for (const { file, size, usedMs } of files) {
    total += size;
    const isDraft = path.basename(file).startsWith('tmp_');
    const unneeded = usedMs < needed.getTime() || total > bound || isDraft;
    // What a snapshot is writing at this moment is young.
    if (unneeded && usedMs < now - hour && usedOf(file)?.mtimeMs === usedMs) fs.rmSync(file, { force: true });
  }
  removeIndexes(home, now);
}

/** The indexes of snapshots that were killed. */
function removeIndexes(home: RepositoryHome, now: number): void {
  for (const name of fileNames(home.folder).filter((each) => each.startsWith('index-'))) {
    const file = path.join(home.folder, name);
    if ((usedOf(file)?.mtimeMs ?? now) < now - hour) fs.rmSync(file, { force: true });
  }
}

/** Loose objects and packs; an index goes before its pack, so that no reader looks for a pack in vain. */
function filesBelow(folder: string): { file: string; size: number; usedMs: number }[] {
  return fileNames(folder)
    .sort()
    .flatMap((name) => {
      const file = path.join(folder, name);
      const stat = usedOf(file);
      if (stat?.isDirectory()) return filesBelow(file);
      return stat && name !== 'alternates' ? [{ file, size: stat.size, usedMs: stat.mtimeMs }] : [];
    });
}

function usedOf(file: string): fs.Stats | undefined {
  return fs.lstatSync(file, { throwIfNoEntry: false });
}
