import * as fs from 'node:fs';
import { isFinished } from '../../core/model/run-state';
import type { AttendedCli, Cli } from '../app/cli';
import type { Service, ServiceState } from '../app/state';
import type { CiTokens } from './ci-tokens';

/** A definition that may name an engine; which one, the command line reads. */
const mayName = /^["']?engine["']?\s*:/m;
/** After one that ended by itself, the next waits this long. */
const againMs = 30_000;

interface Watch {
  /** Absent while tokens are looked for. */
  process?: AttendedCli;
  isSeen: boolean;
}

/**
 * Has the CI services of a repository watched: a process for each repository that has one. It knows whether anybody looks, and ends
 * with the window. Where other windows have theirs, one of them watches, for all.
 */
export class CiWatch {
  private readonly watches = new Map<string, Watch>();
  private readonly endedAt = new Map<string, number>();
  private isDisposed = false;

  constructor(
    private readonly cli: Cli,
    private readonly tokens: CiTokens,
  ) {}

  update(isSeen: boolean, services: readonly ServiceState[], options: readonly string[] = []): void {
    const meant = services.filter((service) => goesOn(service) || mayHave(service));
    const roots = new Set(meant.map(({ root }) => root));
    for (const root of this.watches.keys()) if (!roots.has(root)) this.end(root);
    for (const root of roots) {
      const watch = this.watches.get(root);
      if (watch && watch.isSeen !== isSeen) {
        watch.isSeen = isSeen;
        watch.process?.tell(isSeen ? 'seen' : 'hidden');
      }
      if (!watch && Date.now() - (this.endedAt.get(root) ?? 0) > againMs)
        void this.begin(root, { isSeen }, meant.filter((service) => service.root === root), options); // prettier-ignore
    }
  }

  /** Another token, or another definition: those that watch begin anew with it, also those of other windows. */
  again(isSeen: boolean, services: readonly ServiceState[]): void {
    for (const root of [...this.watches.keys()]) this.end(root);
    this.endedAt.clear();
    this.update(isSeen, services, ['--news']);
  }

  private async begin(root: string, watch: Watch, services: readonly Service[], options: readonly string[]): Promise<void> {
    this.watches.set(root, watch);
    const environment = await this.tokens.environment(services);
    if (this.isDisposed || this.watches.get(root) !== watch) return;
    const process = this.cli.attend(['watch-engines', ...options], root, { environment });
    watch.process = process;
    process.tell(watch.isSeen ? 'seen' : 'hidden');
    void process.ended.then(() => {
      if (this.watches.get(root) !== watch) return;
      this.watches.delete(root);
      this.endedAt.set(root, Date.now());
    });
  }

  private end(root: string): void {
    const watch = this.watches.get(root);
    this.watches.delete(root);
    watch?.process?.end();
  }

  dispose(): void {
    this.isDisposed = true;
    for (const root of [...this.watches.keys()]) this.end(root);
  }
}

function goesOn({ runs }: ServiceState): boolean {
  return runs.some((run) => run.engine && !isFinished(run.outcome));
}

function mayHave({ file }: Service): boolean {
  try {
    return mayName.test(fs.readFileSync(file, 'utf8'));
  } catch {
    return false;
  }
}
