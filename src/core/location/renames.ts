import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { RepositoryHome } from '../support/home';
import type { SerialQueue } from '../support/serial-queue';
import { execGit } from '../git/git';
import { valueOf } from '../model/result';
import type { Repository } from '../git/repository';
import { objectEnvironment } from '../git/object-store';
import { maxTextBytes, isInside } from '../git/working-files';

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
