import type { RepositoryHome } from '../support/home';
import { OneAtATime } from '../support/batches';
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
  /** From 1; none when only the file is known. */
  readonly line?: number;
  readonly confidence: MappedLine['confidence'] | 'file';
}

/** A file of a commit as it is now. */
export interface FileNow {
  readonly path: string;
  /** Differs when the file was changed; absent while that cannot be told. */
  readonly stamp?: string;
  /** Where a line of the committed file is. */
  line(line: number): PlaceNow;
}

/** How a file of a commit and a file on the disk belong together, and what the latter looked like at that time. */
interface Comparison {
  readonly stamp: string;
  readonly isSettled: boolean;
  readonly contentId: string | undefined;
  readonly lines: LineMap;
}

/** In letters: what is remembered of the texts of both sides. */
const memoryBound = 100_000_000;

/**
 * Where a place of a delivered commit is now in the working copy. Commits are full ids; those of snapshots
 * are found as well. Calls git once at a time, only for what it does not yet know, and writes nothing into
 * the repository.
 */
export class PlacesNow {
  private readonly committed: CommittedFiles;
  private readonly working: WorkingFiles;
  private readonly renames: Renames;
  private readonly comparisons = new LruCache<Comparison>(memoryBound);
  private readonly underWay = new Map<string, Promise<FileNow | undefined>>();

  /** `turns` is shared by all that asks git of the same repository. */
  constructor(
    repository: Repository,
    home: RepositoryHome,
    readonly turns = new OneAtATime(),
  ) {
    this.committed = new CommittedFiles(repository, home, turns);
    this.working = new WorkingFiles(repository.root);
    this.renames = new Renames(repository, home, turns);
  }

  /** The file as it is called now, relative to the root, with `/`; undefined when it is gone or never was in that commit. */
  async pathNow(commit: string, path: string): Promise<string | undefined> {
    if (!(await this.find(commit, path))) return undefined;
    return (await this.namedNow(commit, path))?.name;
  }

  /** The line as it is on the disk now; undefined when the file is gone or never was in that commit. */
  async lineNow(commit: string, path: string, line: number): Promise<PlaceNow | undefined> {
    return (await this.fileNow(commit, path))?.line(line);
  }

  /** The whole file as it is on the disk now, for many lines of it; undefined when it is gone or never was in that commit. */
  async fileNow(commit: string, path: string): Promise<FileNow | undefined> {
    const key = `${commit}:${path}`;
    const fileNow = this.underWay.get(key) ?? this.look(commit, path).finally(() => this.underWay.delete(key));
    this.underWay.set(key, fileNow);
    return fileNow;
  }

  /** The text of the file in that commit; undefined for none, or one that is no text or too large. */
  async textAt(commit: string, path: string): Promise<string | undefined> {
    const file = await this.find(commit, path);
    return file && this.committed.text(file);
  }

  /** To be told when files came or went: one may have been moved without git knowing. */
  forgetNames(): void {
    this.renames.forget();
  }

  private async find(commit: string, path: string): Promise<CommittedFile | undefined> {
    return isInside(path) ? this.committed.find(commit, path) : undefined;
  }

  private async namedNow(commit: string, path: string): Promise<Named | undefined> {
    const same = await this.named(path);
    if (same) return same;
    const name = (await this.renames.since(commit)).get(path);
    const moved = await this.named(name);
    if (moved || name === undefined) return moved;
    // It went on since, and the index does not know.
    this.renames.forget();
    return this.named((await this.renames.since(commit)).get(path));
  }

  private async named(name: string | undefined): Promise<Named | undefined> {
    const look = name === undefined ? undefined : await this.working.stat(name);
    return name !== undefined && look ? { name, look } : undefined;
  }

  private async look(commit: string, path: string): Promise<FileNow | undefined> {
    const file = await this.find(commit, path);
    const now = file && (await this.namedNow(commit, path));
    if (!now) return undefined;
    // None when either side is no text.
    const lines = await this.compare(file, now);
    return {
      path: now.name,
      ...(now.look.isSettled && { stamp: now.look.stamp }),
      line: (line) => {
        const mapped = lines?.map(line);
        return mapped ? { path: now.name, ...mapped } : { path: now.name, confidence: 'file' };
      },
    };
  }

  private async compare(file: CommittedFile, { name, look }: Named): Promise<LineMap | undefined> {
    const key = `${file.blob}:${name}`;
    const known = this.comparisons.get(key);
    if (!look.isReadable) return undefined;
    if (known?.isSettled && known.stamp === look.stamp) return known.lines;
    const now = await this.working.read(name);
    const contentId = now === undefined ? undefined : blobId(now, file.blob);
    const isSame = known !== undefined && known.contentId === contentId;
    const lines = isSame ? known.lines : await this.compareTexts(file, now, contentId);
    if (lines) this.comparisons.put(key, { ...look, contentId, lines }, file.size + (now?.length ?? 0));
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

interface Named {
  readonly name: string;
  readonly look: WorkingFile;
}
