import * as fs from 'node:fs';
import { isFinished } from '../../core/model/run-state';
import type { AttendedCli, Cli } from '../app/cli';
import type { Service, ServiceState } from '../app/state';
import type { CiTokens } from './ci-tokens';

/** Matches a definition that may name a CI service. The command line reads which. */
const mayName = /^["']?engine["']?\s*:/m;
/** How long the next process waits after one that ended early. */
const againMs = 30_000;

interface Watch {
  /** Absent while tokens are read. */
  process?: AttendedCli;
  isSeen: boolean;
}

/**
 * Keeps a process for each repository with a CI service. It monitors the service, knows whether the window is visible, and ends with
 * the window. Of the processes of several windows, only the leader polls.
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
    const monitored = services.filter((service) => hasActiveRun(service) || mayNameCi(service));
    const roots = new Set(monitored.map(({ root }) => root));
    for (const root of this.watches.keys()) if (!roots.has(root)) this.end(root);
    for (const root of roots) {
      const watch = this.watches.get(root);
      if (watch && watch.isSeen !== isSeen) {
        watch.isSeen = isSeen;
        watch.process?.tell(isSeen ? 'seen' : 'hidden');
      }
      if (!watch && Date.now() - (this.endedAt.get(root) ?? 0) > againMs)
        void this.begin(root, { isSeen }, monitored.filter((service) => service.root === root), options); // prettier-ignore
    }
  }

  /** Restarts the processes with a new token or definition. The leader hands over to one of them, also when another window started it. */
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

function hasActiveRun({ runs }: ServiceState): boolean {
  return runs.some((run) => run.engine && !isFinished(run.outcome));
}

function mayNameCi({ file }: Service): boolean {
  try {
    return mayName.test(fs.readFileSync(file, 'utf8'));
  } catch {
    return false;
  }
}
