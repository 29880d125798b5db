import * as assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { openRepository, type Repository } from '../../src/core/git/repository';
import { takeSnapshot, type Snapshot } from '../../src/core/git/snapshot';
import { listTree } from '../../src/core/git/tree';
import type { Failure, Result } from '../../src/core/model/result';
import { RepositoryHome } from '../../src/core/support/home';
import { SlotPool, type Slot } from '../../src/core/runner/slots';

/** git as a user calls it; the answer is without its last line break. */
export function git(folder: string, ...args: string[]): string {
  const env = { ...process.env, GIT_ALLOW_PROTOCOL: 'file' };
  return execFileSync('git', args, { cwd: folder, encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'pipe'] }).replace(/\n$/, '');
}

/** Runs the parts of a delivery before its first step, for a working copy at `root`. */
export class Delivery {
  readonly live = new Set<string>();

  private constructor(
    readonly repository: Repository,
    readonly home: RepositoryHome,
  ) {}

  static async from(root: string, home: string): Promise<Delivery> {
    const repository = value(await openRepository(root));
    return new Delivery(repository, new RepositoryHome(home, repository.commonGitFolder));
  }

  async snapshot(commit?: string): Promise<Snapshot> {
    return value(await takeSnapshot(this.repository, this.home, commit === undefined ? {} : { commit }));
  }

  async refusal(commit?: string): Promise<Failure> {
    const result = await takeSnapshot(this.repository, this.home, commit === undefined ? {} : { commit });
    assert.ok(!result.ok, 'a snapshot was taken');
    return result.failure;
  }

  /** The files of a snapshot, each as `MODE PATH`. */
  async files(snapshot: Snapshot, folder = ''): Promise<string[]> {
    const entries = value(await listTree(this.repository, this.home, snapshot.change.tree, folder));
    return entries.map(({ mode, path: name }) => `${mode} ${name}`);
  }

  get pool(): SlotPool {
    return new SlotPool(this.home, this.repository, () => this.live);
  }

  async slot(snapshot: Snapshot, service = 'shop', run = 'run'): Promise<Slot> {
    return value(await this.pool.acquire(snapshot, service, run));
  }

  /** A slot of the working copy as it is, given back at once: for looking at it. */
  async slotNow(): Promise<Slot> {
    const slot = await this.slot(await this.snapshot());
    slot.release();
    return slot;
  }
}

function value<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(result.failure.message);
  return result.value;
}

/** Everything below a folder, each file with its mode and content hash. */
export function contentsOf(folder: string): string[] {
  return fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort()
    .map((file) => {
      const stat = fs.lstatSync(file);
      const held = stat.isDirectory() ? '' : stat.isSymbolicLink() ? fs.readlinkSync(file) : fs.readFileSync(file);
      return `${stat.mode.toString(8)} ${createHash('sha256').update(held).digest('hex').slice(0, 12)} ${path.relative(folder, file)}`;
    });
}
