import type { RepositoryHome } from '../support/home';
import { SerialQueue } from '../support/serial-queue';
import { CommittedFiles } from '../git/committed-files';
import { diffLines, splitLines, type Hunk } from '../location/diff-lines';
import { isDistinctive } from '../location/line-map';
import { LruCache } from '../support/lru-cache';
import type { ChangedFile, RecentChange } from './recent-changes';
import type { Repository } from '../git/repository';

export interface RecentLine {
  /** From 1, in the current text. */
  readonly line: number;
  readonly commit: string;
}

/** A file after a change, and the lines that the change made. */
interface Version {
  /** Without white space. */
  readonly lines: readonly string[];
  /** From 1. */
  readonly made: readonly number[];
}

/** In characters. */
const maxCacheSize = 50_000_000;

/** Finds the recent change that last changed each line of a file. Leaves out uncertain lines. */
export class RecentLines {
  private readonly files: CommittedFiles;
  private readonly versions = new LruCache<Version>(maxCacheSize);

  constructor(repository: Repository, home: RepositoryHome, queue = new SerialQueue()) {
    this.files = new CommittedFiles(repository, home, queue);
  }

  /** Returns lines in order. `changes` are newest first. `path` is the current one, relative to the root. */
  async lines(changes: readonly RecentChange[], path: string, textNow: string): Promise<RecentLine[]> {
    const now = withoutSpace(textNow);
    const made = new Map<number, string>();
    const versions = await Promise.all(
      history(changes, path).map(async ({ commit, file }) => ({ commit, version: await this.versionOf(file) })),
    );
    for (const { commit, version } of versions) {
      if (!version) continue;
      const places = unchanged(version.lines, now);
      for (const line of version.made) {
        const place = places(line);
        // The newest change of a line counts.
        if (place !== undefined && !made.has(place)) made.set(place, commit);
      }
    }
    return [...made]
      .map(([line, commit]) => ({ line, commit }))
      .filter(({ line, commit }) => isDistinctive(now[line - 1] ?? '') || isBeside(made, line, commit, now))
      .sort((a, b) => a.line - b.line);
  }

  private async versionOf({ before, after }: ChangedFile): Promise<Version | undefined> {
    if (after === undefined) return undefined;
    const key = `${before ?? ''}:${after}`;
    const known = this.versions.get(key);
    if (known) return known;
    const [old, text] = await Promise.all([before === undefined ? '' : this.textOf(before), this.textOf(after)]);
    if (old === undefined || text === undefined) return undefined;
    const [from, to] = [withoutSpace(old), withoutSpace(text)];
    const made = diffLines(from, to)
      .filter((hunk) => !isFormatting(hunk, from, to))
      .flatMap(({ newStart, newLines }) => Array.from({ length: newLines }, (_, index) => newStart + index));
    const version = { lines: to, made };
    this.versions.put(key, version, text.length);
    return version;
  }

  private async textOf(blob: string): Promise<string | undefined> {
    return this.files.text({ blob, size: 0 });
  }
}

/** Returns the changes of one file, newest first, through its renames. */
function history(changes: readonly RecentChange[], path: string): { commit: string; file: ChangedFile }[] {
  let name = path;
  return changes.flatMap(({ commit, files, tooLarge }) => {
    const file = files.find((candidate) => candidate.path === name);
    if (!file) return [];
    const isKnown = !tooLarge.includes(name);
    name = file.pathBefore ?? name;
    return isKnown ? [{ commit, file }] : [];
  });
}

/** Returns a map from lines to lines of a later text, without the lines inside hunks. */
function unchanged(before: readonly string[], now: readonly string[]): (line: number) => number | undefined {
  const hunks = diffLines(before, now);
  const places: (number | undefined)[] = [];
  let [old, current] = [1, 1];
  for (const { oldStart, oldLines, newStart, newLines } of hunks) {
    const first = oldLines === 0 ? oldStart + 1 : oldStart;
    while (old < first) places[old++] = current++;
    old = first + oldLines;
    current = (newLines === 0 ? newStart + 1 : newStart) + newLines;
  }
  while (old <= before.length) places[old++] = current++;
  return (line) => places[line];
}

function isFormatting({ oldStart, oldLines, newStart, newLines }: Hunk, from: readonly string[], to: readonly string[]): boolean {
  const old = oldLines === 0 ? '' : from.slice(oldStart - 1, oldStart - 1 + oldLines).join('');
  return old === (newLines === 0 ? '' : to.slice(newStart - 1, newStart - 1 + newLines).join(''));
}

/** A blank line or a lone bracket is certain only next to a distinctive line of the same change. */
function isBeside(made: ReadonlyMap<number, string>, line: number, commit: string, now: readonly string[]): boolean {
  for (const step of [-1, 1]) {
    for (let at = line + step; made.get(at) === commit; at += step) if (isDistinctive(now[at - 1] ?? '')) return true;
  }
  return false;
}

function withoutSpace(text: string): string[] {
  return splitLines(text).map((line) => line.replace(/\s+/g, ''));
}
