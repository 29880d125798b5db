import type { RepositoryHome } from '../support/home';
import { SerialQueue } from '../support/serial-queue';
import { CommittedFiles, type CommittedFile } from '../git/committed-files';
import { diffLines, splitLines } from './diff-lines';
import { LineMap, type MappedLine } from './line-map';
import { LruCache } from '../support/lru-cache';
import { Renames } from './renames';
import type { Repository } from '../git/repository';
import { blobId, isInside, WorkingFiles, type WorkingFile } from '../git/working-files';

export interface PlaceNow {
  /** Relative to the root of the repository, with `/`. */
  readonly path: string;
  /** From 1. Absent if only the file is known. */
  readonly line?: number;
  readonly confidence: MappedLine['confidence'] | 'file';
}

/** A file of a commit as it is on disk now. */
export interface FileNow {
  readonly path: string;
  /** Changes with the file. Absent if the last change is too recent to tell. */
  readonly stamp?: string;
  /** Returns the current place of a line of the committed file. */
  line(line: number): PlaceNow;
}

/** The mapping from a committed file to a file on disk, with the state of that file. */
interface Comparison {
  readonly stamp: string;
  readonly isSettled: boolean;
  readonly contentId: string | undefined;
  readonly lines: LineMap;
}

/** The limit of the cached texts of both sides, in characters. */
const maxCacheSize = 100_000_000;

/**
 * Finds the current place in the working copy of a place in a delivered commit, which may be a snapshot. Commits are
 * full ids. Runs one git process at a time, caches the results, and writes nothing into the repository.
 */
export class PlacesNow {
  private readonly committed: CommittedFiles;
  private readonly working: WorkingFiles;
  private readonly renames: Renames;
  private readonly comparisons = new LruCache<Comparison>(maxCacheSize);
  private readonly pending = new Map<string, Promise<FileNow | undefined>>();

  /** `queue` is shared by all readers of the same repository. */
  constructor(
    repository: Repository,
    home: RepositoryHome,
    readonly queue = new SerialQueue(),
  ) {
    this.committed = new CommittedFiles(repository, home, queue);
    this.working = new WorkingFiles(repository.root);
    this.renames = new Renames(repository, home, queue);
  }

  /** Returns the current path, relative to the root, with `/`. Undefined if the file is gone or not in that commit. */
  async pathNow(commit: string, path: string): Promise<string | undefined> {
    if (!(await this.find(commit, path))) return undefined;
    return (await this.currentFile(commit, path))?.name;
  }

  /** Returns the current place of a line. Undefined if the file is gone or not in that commit. */
  async lineNow(commit: string, path: string, line: number): Promise<PlaceNow | undefined> {
    return (await this.fileNow(commit, path))?.line(line);
  }

  /** Returns the current file, for many lines of it. Undefined if the file is gone or not in that commit. */
  async fileNow(commit: string, path: string): Promise<FileNow | undefined> {
    const key = `${commit}:${path}`;
    const fileNow = this.pending.get(key) ?? this.locate(commit, path).finally(() => this.pending.delete(key));
    this.pending.set(key, fileNow);
    return fileNow;
  }

  /** Returns the text of a file in that commit. Undefined if it does not exist, is binary or too large. */
  async textAt(commit: string, path: string): Promise<string | undefined> {
    const file = await this.find(commit, path);
    return file && this.committed.text(file);
  }

  /** Drops cached renames. To be called when files appear or disappear: git does not see every move. */
  forgetNames(): void {
    this.renames.forget();
  }

  private async find(commit: string, path: string): Promise<CommittedFile | undefined> {
    return isInside(path) ? this.committed.find(commit, path) : undefined;
  }

  private async currentFile(commit: string, path: string): Promise<CurrentFile | undefined> {
    const same = await this.named(path);
    if (same) return same;
    const name = (await this.renames.since(commit)).get(path);
    const moved = await this.named(name);
    if (moved || name === undefined) return moved;
    // The file moved again, and the index does not show it.
    this.renames.forget();
    return this.named((await this.renames.since(commit)).get(path));
  }

  private async named(name: string | undefined): Promise<CurrentFile | undefined> {
    const stat = name === undefined ? undefined : await this.working.stat(name);
    return name !== undefined && stat ? { name, stat } : undefined;
  }

  private async locate(commit: string, path: string): Promise<FileNow | undefined> {
    const file = await this.find(commit, path);
    const now = file && (await this.currentFile(commit, path));
    if (!now) return undefined;
    // Undefined if either side is not text.
    const lines = await this.compare(file, now);
    return {
      path: now.name,
      ...(now.stat.isSettled && { stamp: now.stat.stamp }),
      line: (line) => {
        const mapped = lines?.map(line);
        return mapped ? { path: now.name, ...mapped } : { path: now.name, confidence: 'file' };
      },
    };
  }

  private async compare(file: CommittedFile, { name, stat }: CurrentFile): Promise<LineMap | undefined> {
    const key = `${file.blob}:${name}`;
    const known = this.comparisons.get(key);
    if (!stat.isReadable) return undefined;
    if (known?.isSettled && known.stamp === stat.stamp) return known.lines;
    const now = await this.working.read(name);
    const contentId = now === undefined ? undefined : blobId(now, file.blob);
    const isSame = known !== undefined && known.contentId === contentId;
    const lines = isSame ? known.lines : await this.compareTexts(file, now, contentId);
    if (lines) this.comparisons.put(key, { ...stat, contentId, lines }, file.size + (now?.length ?? 0));
    return lines;
  }

  private async compareTexts(file: CommittedFile, now: string | undefined, contentId: string | undefined): Promise<LineMap | undefined> {
    if (now === undefined) return undefined;
    const after = splitLines(now);
    if (contentId === file.blob) return new LineMap(after, after, []);
    const before = await this.committed.text(file);
    if (before === undefined) return undefined;
    const lines = splitLines(before);
    return new LineMap(lines, after, diffLines(lines, after));
  }
}

interface CurrentFile {
  readonly name: string;
  readonly stat: WorkingFile;
}
