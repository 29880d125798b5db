import * as fs from 'node:fs';
import * as path from 'node:path';
import { divergence, type Divergence } from '../../core/history/ancestry';
import { readHead } from '../../core/git/git-files';
import { Changes } from '../app/change-event';
import { findGitFolder } from '../app/git-folder';
import type { LiveEnvironment, Service } from '../app/state';

/** What a divergence was asked for by: it never changes for the same release and branch. */
interface Known {
  readonly key: string;
  readonly value: Divergence | undefined;
}

/** How often to look whether the branch is another: one look at one file. */
const headEveryMs = 2_000;

/** How what is live differs from the own branch: one git process a service, and only when one of the two is another. */
export class Divergences {
  readonly changes = new Changes();
  private readonly known = new Map<string, Known>();
  private asking: Promise<void> = Promise.resolve();
  private wanted = '';

  /** Git's own list of what `HEAD` was, which grows with each commit, by its path. */
  private readonly heads = new Set<string>();

  /** `moved` hears that a branch may be another by now. */
  constructor(private readonly moved: () => void) {}

  /** Of a service in an environment; `undefined` where it is not known. */
  of(environment: string, service: string): Divergence | undefined {
    return this.known.get(`${environment} ${service}`)?.value;
  }

  /** Looks at what is live now; call it while somebody may see the answer. */
  update(services: readonly Service[], environments: readonly LiveEnvironment[]): void {
    const logs = services.flatMap(({ folder }) => logOf(folder) ?? []);
    this.watch(environments.length > 0 ? logs : []);
    const asked = environments.flatMap((environment) =>
      environment.services.flatMap(({ service: name, release }) => {
        const service = services.find((one) => one.name === name);
        const git = service && findGitFolder(service.folder);
        const repository = git && { root: git.root, gitFolder: git.own, commonGitFolder: git.common };
        const head = repository && readHead(repository).commit;
        if (!service || !release || !repository || head === undefined) return [];
        return [{ place: `${environment.name} ${name}`, key: `${release.commit} ${head}`, service, repository, release, head }];
      }),
    );
    const wanted = asked.map(({ place, key }) => `${place} ${key}`).join('\n');
    if (wanted === this.wanted) return;
    this.wanted = wanted;
    this.asking = this.asking.then(async () => {
      for (const { place, key, service, repository, release, head } of asked) {
        if (this.known.get(place)?.key === key) continue;
        const folder = path.relative(service.root, service.folder).split(path.sep).join('/');
        this.known.set(place, { key, value: await divergence(repository, service.home, release.commit, head, folder) });
        this.changes.tell();
      }
    });
  }

  /** Nobody looks any more. */
  rest(): void {
    this.watch([]);
  }

  private watch(logs: readonly string[]): void {
    for (const log of this.heads) if (!logs.includes(log)) fs.unwatchFile(log, this.moved);
    for (const log of new Set(logs)) if (!this.heads.has(log)) fs.watchFile(log, { interval: headEveryMs, persistent: false }, this.moved);
    this.heads.clear();
    for (const log of logs) this.heads.add(log);
  }
}

function logOf(folder: string): string | undefined {
  const git = findGitFolder(folder);
  return git && path.join(git.own, 'logs', 'HEAD');
}
