import type { RepositoryHome } from '../support/home';
import { LruCache } from '../support/lru-cache';
import type { SerialQueue } from '../support/serial-queue';
import { type ExecCall, execGit } from './git';
import { objectEnvironment } from './object-store';
import type { Repository } from './repository';
import { maxTextBytes, textOf } from './working-files';

export interface CommittedFile {
  /** Git's id of the content. */
  readonly blob: string;
  /** In bytes. */
  readonly size: number;
}

/** Reads files of commits, also of snapshots, in batches. Results are cached: a committed file never changes. */
export class CommittedFiles {
  private readonly known = new LruCache<CommittedFile>(100_000);
  private readonly finds: Batches<CommittedFile>;
  private readonly reads: Batches<string>;

  constructor(
    private readonly repository: Repository,
    private readonly home: RepositoryHome,
    queue: SerialQueue,
  ) {
    this.finds = new Batches(queue, async (names) => this.findAll(names), 10_000);
    this.reads = new Batches(queue, async (blobs) => this.readAll(blobs), 50);
  }

  /** Returns undefined if the commit or the file does not exist. */
  async find(commit: string, path: string): Promise<CommittedFile | undefined> {
    // Only a full id always names the same commit.
    if (!/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(commit)) return undefined;
    const name = `${commit}:${path}`;
    const file = this.known.get(name) ?? (await this.finds.lookUp(name));
    if (file) this.known.put(name, file, 1);
    return file;
  }

  /** Returns undefined for a binary file and for a file that is too large. */
  async text({ blob, size }: CommittedFile): Promise<string | undefined> {
    return size > maxTextBytes ? undefined : this.reads.lookUp(blob);
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
    return { folder: this.repository.root, env: objectEnvironment(this.repository, this.home) };
  }
}

/** An unknown name is looked up again after this time: a fetch may have brought it. */
const unknownTtlMs = 60_000;
const maxCachedNames = 10_000;

/** Resolves ids and tags to commits, also of snapshots, in batches. */
export class CommitNames {
  private readonly known = new Map<string, { readonly commit: string | undefined; readonly at: number }>();
  private readonly lookups: Batches<string>;

  constructor(repository: Repository, home: RepositoryHome, queue: SerialQueue) {
    this.lookups = new Batches(queue, async (names) => commitsOf(names, repository, home), 1_000);
  }

  /** Returns the full id for `name`, which is a full id or the full name of a ref, without line breaks. */
  async commitOf(name: string): Promise<string | undefined> {
    const known = this.known.get(name);
    if (known && (known.commit !== undefined || Date.now() - known.at < unknownTtlMs)) return known.commit;
    const commit = await this.lookups.lookUp(`${name}^{commit}`);
    if (this.known.size >= maxCachedNames) this.known.clear();
    this.known.set(name, { commit, at: Date.now() });
    return commit;
  }
}

async function commitsOf(names: readonly string[], repository: Repository, home: RepositoryHome): Promise<ReadonlyMap<string, string>> {
  const call = { folder: repository.root, env: objectEnvironment(repository, home), input: `${names.join('\n')}\n` };
  const answer = await execGit(['cat-file', '--batch-check'], call);
  const lines = answer.ok ? answer.value.split('\n') : [];
  return new Map(
    names.flatMap((name, index): [string, string][] => {
      const [, commit] = /^([0-9a-f]+) commit \d+$/.exec(lines[index] ?? '') ?? [];
      return commit === undefined ? [] : [[name, commit]];
    }),
  );
}

/** Collects lookups into batches. Lookups during a batch form the next one. */
class Batches<V> {
  private waiting = new Map<string, (value: V | undefined) => void>();
  private readonly pending = new Map<string, Promise<V | undefined>>();

  constructor(
    private readonly queue: SerialQueue,
    private readonly lookUpAll: (keys: readonly string[]) => Promise<ReadonlyMap<string, V>>,
    private readonly maxBatchSize: number,
  ) {}

  async lookUp(key: string): Promise<V | undefined> {
    const known = this.pending.get(key);
    if (known) return known;
    const result = new Promise<V | undefined>((resolve) => this.waiting.set(key, resolve));
    this.pending.set(key, result);
    if (this.waiting.size === 1) void this.queue.run(async () => this.next());
    return result;
  }

  private async next(): Promise<void> {
    // All lookups in this turn of the event loop form a batch.
    await new Promise((resolve) => setImmediate(resolve));
    const batch = [...this.waiting].slice(0, this.maxBatchSize);
    for (const [key] of batch) this.waiting.delete(key);
    if (this.waiting.size > 0) void this.queue.run(async () => this.next());
    const results = await this.lookUpAll(batch.map(([key]) => key));
    for (const [key, resolve] of batch) {
      this.pending.delete(key);
      resolve(results.get(key));
    }
  }
}
