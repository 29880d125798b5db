import type { RepositoryHome } from '../support/home';
import { Batches, type OneAtATime } from '../support/batches';
import { execGit, type ExecCall } from './git';
import { LruCache } from '../support/lru-cache';
import type { Repository } from './repository';
import { ownObjects } from './object-store';
import { sizeBound, textOf } from '../support/text-content';

export interface CommittedFile {
  /** Git's id of the content. */
  readonly blob: string;
  /** In bytes. */
  readonly size: number;
}

/** Files of commits, the user's and those of snapshots. What was read once is remembered: it never changes. */
export class CommittedFiles {
  private readonly known = new LruCache<CommittedFile>(100_000);
  private readonly finds: Batches<CommittedFile>;
  private readonly reads: Batches<string>;

  constructor(
    private readonly repository: Repository,
    private readonly home: RepositoryHome,
    turns: OneAtATime,
  ) {
    this.finds = new Batches(turns, async (names) => this.findAll(names), 10_000);
    this.reads = new Batches(turns, async (blobs) => this.readAll(blobs), 50);
  }

  /** Undefined when the commit has no such file, or is not there. */
  async find(commit: string, path: string): Promise<CommittedFile | undefined> {
    // An abbreviation or a branch may mean another commit tomorrow.
    if (!/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(commit)) return undefined;
    const name = `${commit}:${path}`;
    const file = this.known.get(name) ?? (await this.finds.ask(name));
    if (file) this.known.put(name, file, 1);
    return file;
  }

  /** Undefined for what is no text, or too large. */
  async text({ blob, size }: CommittedFile): Promise<string | undefined> {
    return size > sizeBound ? undefined : this.reads.ask(blob);
  }

  private async findAll(names: readonly string[]): Promise<ReadonlyMap<string, CommittedFile>> {
    const files = new Map<string, CommittedFile>();
    const answer = await execGit(['cat-file', '--batch-check'], { ...this.call(), input: `${names.join('\n')}\n` });
    if (!answer.ok) return files;
    const lines = answer.value.split('\n');
    names.forEach((name, index) => {
      const [, blob, size] = /^([0-9a-f]+) blob (\d+)$/.exec(lines[index] ?? '') ?? [];
      if (blob !== undefined) files.set(name, { blob, size: Number(size) });
    });
    return files;
  }

  private async readAll(blobs: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const texts = new Map<string, string>();
    const answer = await execGit(['cat-file', '--batch'], { ...this.call(), input: `${blobs.join('\n')}\n`, encoding: 'latin1' });
    let rest = Buffer.from(answer.ok ? answer.value : '', 'latin1');
    for (const blob of blobs) {
      const end = rest.indexOf('\n');
      const [, size] = / blob (\d+)$/.exec(rest.toString('latin1', 0, Math.max(end, 0))) ?? [];
      const content = rest.subarray(end + 1, end + 1 + Number(size ?? 0));
      const text = size === undefined ? undefined : textOf(content);
      if (text !== undefined) texts.set(blob, text);
      rest = rest.subarray(end + 1 + (size === undefined ? 0 : Number(size) + 1));
    }
    return texts;
  }

  private call(): ExecCall {
    return { folder: this.repository.root, env: ownObjects(this.repository, this.home) };
  }
}
