import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { RepositoryHome } from '../support/home';
import { SerialQueue } from '../support/serial-queue';
import { type CommittedFile, CommittedFiles } from '../git/committed-files';
import { diffLines, splitLines } from './diff-lines';
import { LineMap, type MappedLine } from './line-map';
import { LruCache } from '../support/lru-cache';
import type { Repository } from '../git/repository';
import { blobId, isInside, maxTextBytes, type WorkingFile, WorkingFiles } from '../git/working-files';
import { execGit } from '../git/git';
import { valueOf } from '../model/result';
import { objectEnvironment } from '../git/object-store';

export interface PlaceNow {
  /** Relative to the root of the repository, with `/`. */
  readonly path: string;
  /** From 1. Absent if only the file is known. */
  readonly line?: number;
  readonly confidence: MappedLine['confidence'] | 'file';
}

/** A current file and its earlier version. */
export interface ChangedFile {
  readonly path: string;
  /** Its path in the earlier commit. Absent if it is new. */
  readonly before?: string;
  readonly isChanged: boolean;
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

  /** Returns a file that a later commit contains, as it was in an earlier one. Undefined if it is gone or binary now. */
  async changeSince(earlier: string, later: string, path: string): Promise<ChangedFile | undefined> {
    const now = await this.pathNow(later, path);
    const text = now === undefined ? undefined : await this.working.read(now);
    if (now === undefined || text === undefined) return undefined;
    const isThere = (await this.find(earlier, now)) !== undefined;
    const before = isThere ? now : [...(await this.renames.since(earlier))].find(([, name]) => name === now)?.[0];
    if (before === undefined) return { path: now, isChanged: true };
    const unixLines = (lines = ''): string => lines.replaceAll('\r\n', '\n');
    return { path: now, before, isChanged: unixLines(await this.textAt(earlier, before)) !== unixLines(text) };
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

type Names = ReadonlyMap<string, string>;

/** More new files are the output of a program, and none of them counts as moved. */
const maxNewFiles = 2000;

/** Finds renames between a commit and the working copy, whether committed, staged or neither. */
export class Renames {
  private readonly known = new Map<string, Promise<Names | undefined>>();
  /** The state of git's index when the renames were found. */
  private index = '';

  constructor(
    private readonly repository: Repository,
    private readonly home: RepositoryHome,
    private readonly queue: SerialQueue,
  ) {}

  /** Returns new names by old names. Cached until git's index changes, or until {@link forget}. */
  async since(commit: string): Promise<Names> {
    const index = this.indexStamp();
    if (index !== this.index) this.forget();
    this.index = index;
    const names = this.known.get(commit) ?? this.queue.run(async () => this.find(commit));
    this.known.set(commit, names);
    const found = await names;
    if (!found && this.known.get(commit) === names) this.known.delete(commit);
    return found ?? new Map<string, string>();
  }

  forget(): void {
    this.known.clear();
  }

  /** git finds renames among the files of its index. So new files are added to a private copy of the index. */
  private async find(commit: string): Promise<Names | undefined> {
    const index = path.join(this.home.folder, `index-${process.pid}-${randomBytes(4).toString('hex')}`);
    const env = { ...objectEnvironment(this.repository, this.home), GIT_INDEX_FILE: index, GIT_LITERAL_PATHSPECS: '1' };
    const call = { folder: this.repository.root, env };
    try {
      const original = path.join(this.repository.gitFolder, 'index');
      if (fs.existsSync(original)) fs.copyFileSync(original, index);
      const added = await this.newFiles();
      const addArgs = ['-c', 'core.splitIndex=false', '-c', 'core.safecrlf=false', 'add', '--intent-to-add'];
      if (added.length > 0)
        await execGit([...addArgs, '--pathspec-from-file=-', '--pathspec-file-nul'], { ...call, input: added.join('\0') });
      const options = ['--no-ext-diff', '--no-textconv', '--no-relative', '--ignore-submodules=all', '-z', '-M', '--diff-filter=R'];
      const answer = valueOf(await execGit(['diff', '--name-status', ...options, commit, '--'], call));
      return answer === undefined ? undefined : namesIn(answer);
    } finally {
      for (const file of [index, `${index}.lock`]) fs.rmSync(file, { force: true });
    }
  }

  private async newFiles(): Promise<string[]> {
    const args = ['ls-files', '--others', '--exclude-standard', '-z'];
    const answer = valueOf(await execGit(args, { folder: this.repository.root }));
    const names = (answer ?? '').split('\0').filter(isInside);
    if (names.length > maxNewFiles) return [];
    return names.filter((name) => {
      const stat = fs.lstatSync(path.join(this.repository.root, name), { throwIfNoEntry: false });
      return stat?.isFile() && stat.size <= maxTextBytes;
    });
  }

  private indexStamp(): string {
    const stat = fs.statSync(path.join(this.repository.gitFolder, 'index'), { bigint: true, throwIfNoEntry: false });
    return stat ? `${stat.ino}:${stat.size}:${stat.mtimeNs}` : '';
  }
}

function namesIn(nameStatus: string): Names {
  const names = new Map<string, string>();
  const fields = nameStatus.split('\0');
  for (let at = 0; at + 2 < fields.length; at += 3) names.set(fields[at + 1] ?? '', fields[at + 2] ?? '');
  return names;
}
