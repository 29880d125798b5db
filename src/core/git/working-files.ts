import { createHash } from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';

export interface WorkingFile {
  /** Changes with the file, except for a change within the resolution of its clock. See `isSettled`. */
  readonly stamp: string;
  /** The last change is old enough that a later change gives another stamp. */
  readonly isSettled: boolean;
  /** False for links, which are not followed, and for large files. */
  readonly isReadable: boolean;
}

/** Reads the files of a working copy, and none outside of it, whatever a path or a link says. */
export class WorkingFiles {
  private realRoot: Promise<string> | undefined;
  private readonly folders = new Map<string, Promise<string>>();

  constructor(private readonly root: string) {}

  /** Returns undefined if the file does not exist. `name` is relative to the root, with `/`. */
  async stat(name: string): Promise<WorkingFile | undefined> {
    if (!isInside(name)) return undefined;
    const file = this.absolute(name);
    try {
      const [stat, folder] = await Promise.all([fs.lstat(file, { bigint: true }), this.realFolder(path.dirname(file))]);
      this.realRoot ??= fs.realpath(this.root);
      const root = await this.realRoot;
      if (folder !== root && !folder.startsWith(root.endsWith(path.sep) ? root : root + path.sep)) return undefined;
      if (!stat.isFile() && !stat.isSymbolicLink()) return undefined;
      const changedMs = Number(stat.mtimeMs > stat.ctimeMs ? stat.mtimeMs : stat.ctimeMs);
      return {
        stamp: [stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join(':'),
        isSettled: changedMs < Date.now() - coarsestClockMs,
        isReadable: stat.isFile() && stat.size <= maxTextBytes,
      };
    } catch {
      return undefined;
    }
  }

  /** Returns undefined if the file is not text, or does not exist. */
  async read(name: string): Promise<string | undefined> {
    return isInside(name) ? fs.readFile(this.absolute(name)).then(textOf, () => undefined) : undefined;
  }

  /** Concurrent calls mostly share their folders. */
  private async realFolder(folder: string): Promise<string> {
    const real = this.folders.get(folder) ?? fs.realpath(folder).finally(() => this.folders.delete(folder));
    this.folders.set(folder, real);
    return real;
  }

  private absolute(name: string): string {
    return path.join(this.root, ...name.split('/'));
  }
}

/** The resolution of file times: a nanosecond, or two seconds on FAT. */
const coarsestClockMs = 2000;

/** Whether a relative path with `/` stays inside its folder and outside `.git`. */
export function isInside(name: string): boolean {
  const isInvalid = name === '' || /[\0\n]/.test(name) || path.isAbsolute(name) || (path.sep === '\\' && /[\\:]/.test(name));
  return !isInvalid && !name.split('/').some((part) => part === '' || part === '.' || part === '..' || /^\.git$/i.test(part));
}

/** Returns git's id of a content. `like` is an id of the same repository, whose length gives the hash algorithm. */
export function blobId(text: string, like = ''): string {
  const content = Buffer.from(text, 'utf8');
  return createHash(like.length === 64 ? 'sha256' : 'sha1')
    .update(`blob ${content.length}\0`)
    .update(content)
    .digest('hex');
}

/** Larger files are not read: hardly any of them was written by hand. */
export const maxTextBytes = 5 * 2 ** 20;

/** Returns the text of a file, or undefined if it is binary or too large. */
export function textOf(content: Buffer): string | undefined {
  return content.length > maxTextBytes || content.includes(0) ? undefined : content.toString('utf8');
}
