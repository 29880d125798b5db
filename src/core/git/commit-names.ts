import type { RepositoryHome } from '../support/home';
import { Batches, type OneAtATime } from '../support/batches';
import { execGit } from './git';
import type { Repository } from './repository';
import { ownObjects } from './object-store';

/** What is not there now may come with a fetch. */
const absentMs = 60_000;
const mostKnown = 10_000;

/** Which commits ids and tags mean, the user's and those of snapshots. Many are asked for in one call of git. */
export class CommitNames {
  private readonly known = new Map<string, { readonly commit: string | undefined; readonly at: number }>();
  private readonly asked: Batches<string>;

  constructor(repository: Repository, home: RepositoryHome, turns: OneAtATime) {
    this.asked = new Batches(turns, async (names) => commitsOf(names, repository, home), 1_000);
  }

  /** `name` is a full id or a full name of a reference, without line breaks. Answers a full id. */
  async commitOf(name: string): Promise<string | undefined> {
    const known = this.known.get(name);
    if (known && (known.commit !== undefined || Date.now() - known.at < absentMs)) return known.commit;
    const commit = await this.asked.ask(`${name}^{commit}`);
    if (this.known.size >= mostKnown) this.known.clear();
    this.known.set(name, { commit, at: Date.now() });
    return commit;
  }
}

async function commitsOf(names: readonly string[], repository: Repository, home: RepositoryHome): Promise<ReadonlyMap<string, string>> {
  const call = { folder: repository.root, env: ownObjects(repository, home), input: `${names.join('\n')}\n` };
  const answer = await execGit(['cat-file', '--batch-check'], call);
  const lines = answer.ok ? answer.value.split('\n') : [];
  return new Map(
    names.flatMap((name, index): [string, string][] => {
      const [, commit] = /^([0-9a-f]+) commit \d+$/.exec(lines[index] ?? '') ?? [];
      return commit === undefined ? [] : [[name, commit]];
    }),
  );
}
