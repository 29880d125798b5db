import * as fs from 'node:fs';
import { environmentKinds, isEmbedded } from '../../core/environments/registry';
import type { Cli, AttendedCli } from '../app/cli';
import type { LiveEnvironment, Service } from '../app/state';

/** A definition that may name an environment which has to be asked; what it really says, the command line reads. */
const observableKinds = environmentKinds.map(({ kind }) => kind).filter((kind) => !isEmbedded(kind));
const mayBeAsked = new RegExp(`^\\s+["']?(${observableKinds.join('|')})["']?\\s*:`, 'm');
/** After one that ended by itself, the next waits this long. */
const againMs = 30_000;

/**
 * Has environments that do not tell by themselves watched while somebody looks: a process for each repository, which
 * writes what it learns where every window reads it, and ends with this one.
 */
export class EnvironmentWatch {
  private readonly watches = new Map<string, AttendedCli>();
  private readonly endedAt = new Map<string, number>();

  constructor(private readonly cli: Cli) {}

  update(looking: boolean, services: readonly Service[], environments: readonly LiveEnvironment[]): void {
    const isAny = environments.some(({ kind }) => !isEmbedded(kind));
    const roots = new Set(looking ? services.filter((service) => isAny || mayAsk(service)).map(({ root }) => root) : []);
    for (const [root, watch] of this.watches) {
      if (roots.has(root)) continue;
      watch.end();
      this.watches.delete(root);
    }
    for (const root of roots) if (!this.watches.has(root) && Date.now() - (this.endedAt.get(root) ?? 0) > againMs) this.begin(root);
  }

  private begin(root: string): void {
    const watch = this.cli.attend(['environment', 'watch'], root);
    this.watches.set(root, watch);
    void watch.ended.then(() => {
      if (this.watches.get(root) !== watch) return;
      this.watches.delete(root);
      this.endedAt.set(root, Date.now());
    });
  }

  dispose(): void {
    for (const watch of this.watches.values()) watch.end();
    this.watches.clear();
  }
}

function mayAsk({ file }: Service): boolean {
  try {
    return mayBeAsked.test(fs.readFileSync(file, 'utf8'));
  } catch {
    return false;
  }
}
