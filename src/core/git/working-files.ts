import { createHash } from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';

export interface WorkingFile {
  /** Differs when the file was changed, unless the change is as young as the look at it. */
  readonly stamp: string;
  /** The file was last changed long enough ago for the stamp to tell a later change. */
  readonly isSettled: boolean;
  /** A link is a file too, but it is not followed. */
  readonly isReadable: boolean;
}

/** The files of a working copy. Nothing outside of it is looked at, whatever a path or a link says. */
export class WorkingFiles {
  private realRoot: Promise<string> | undefined;
  private readonly folders = new Map<string, Promise<string>>();

  constructor(private readonly root: string) {}

  /** Undefined when there is no such file. `name` is relative to the root, with `/`. */
  async look(name: string): Promise<WorkingFile | undefined> {
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
        isReadable: stat.isFile() && stat.size <= sizeBound,
      };
    } catch {
      return undefined;
    }
  }

  /** Undefined when it is no text, or gone. */
  async read(name: string): Promise<string | undefined> {
    return isInside(name) ? fs.readFile(this.absolute(name)).then(textOf, () => undefined) : undefined;
  }

  /** Files that are looked at together mostly share their folders. */
  private async realFolder(folder: string): Promise<string> {
    const real = this.folders.get(folder) ?? fs.realpath(folder).finally(() => this.folders.delete(folder));
    this.folders.set(folder, real);
    return real;
  }

  private absolute(name: string): string {
    return path.join(this.root, ...name.split('/'));
  }
}

/** File systems tell times to the nanosecond or, on a stick, to two seconds. */
const coarsestClockMs = 2000;

/** Whether a path, relative with `/`, names a file below the folder it is relative to, and none of git's own. */
export function isInside(name: string): boolean {
  const isOdd = name === '' || /[\0\n]/.test(name) || path.isAbsolute(name) || (path.sep === '\\' && /[\\:]/.test(name));
  return !isOdd && !name.split('/').some((part) => part === '' || part === '.' || part === '..' || /^\.git$/i.test(part));
}

/** The id that git has for a content. `like` is another id of the same repository, where it may not be one of the usual kind. */
export function blobId(text: string, like = ''): string {
  const content = Buffer.from(text, 'utf8');
  return createHash(like.length === 64 ? 'sha256' : 'sha1')
    .update(`blob ${content.length}\0`)
    .update(content)
    .digest('hex');
}

/** Larger files, in bytes, are not looked into: hardly anyone wrote them line by line. */
export const sizeBound = 5 * 2 ** 20;

/** What a file says; undefined for one that is no text. */
export function textOf(content: Buffer): string | undefined {
  return content.length > sizeBound || content.includes(0) ? undefined : content.toString('utf8');
}
