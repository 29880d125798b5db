import * as fs from 'node:fs';
import { isFinished } from '../../core/model/run-state';
import type { AttachedCli, Cli } from '../app/cli';
import type { Service, ServiceState } from '../app/state';
import type { CiTokens } from './ci-tokens';

/** Matches a definition that may contain a CI service. The command line parses it. */
const ciKey = /^["']?engine["']?\s*:/m;
/** The delay before a process that exited is started again. */
const retryDelayMs = 30_000;

interface Watch {
  /** Undefined while tokens are read. */
  process?: AttachedCli;
  isVisible: boolean;
}

/**
 * Starts one process per repository to watch its CI service. The process knows whether the view is visible, and ends with the window.
 * If several windows have one, a single process watches for all.
 */
export class CiWatch {
  private readonly watches = new Map<string, Watch>();
  private readonly exitedAt = new Map<string, number>();
  private isDisposed = false;

  constructor(
    private readonly cli: Cli,
    private readonly tokens: CiTokens,
  ) {}

  update(isVisible: boolean, services: readonly ServiceState[], options: readonly string[] = []): void {
    const candidates = services.filter((service) => isRunningOnCi(service) || mayUseCi(service));
    const roots = new Set(candidates.map(({ root }) => root));
    for (const root of this.watches.keys()) if (!roots.has(root)) this.end(root);
    for (const root of roots) {
      const watch = this.watches.get(root);
      if (watch && watch.isVisible !== isVisible) {
        watch.isVisible = isVisible;
        watch.process?.send(isVisible ? 'seen' : 'hidden');
      }
      if (!watch && Date.now() - (this.exitedAt.get(root) ?? 0) > retryDelayMs)
        void this.start(root, { isVisible }, candidates.filter((service) => service.root === root), options); // prettier-ignore
    }
  }

  /** Starts the processes again, in all windows: a token or a definition has changed. */
  restart(isVisible: boolean, services: readonly ServiceState[]): void {
    for (const root of [...this.watches.keys()]) this.end(root);
    this.exitedAt.clear();
    this.update(isVisible, services, ['--news']);
  }

  private async start(root: string, watch: Watch, services: readonly Service[], options: readonly string[]): Promise<void> {
    this.watches.set(root, watch);
    const environment = await this.tokens.environment(services);
    if (this.isDisposed || this.watches.get(root) !== watch) return;
    const process = this.cli.attach(['watch-engines', ...options], root, { environment });
    watch.process = process;
    process.send(watch.isVisible ? 'seen' : 'hidden');
    void process.exited.then(() => {
      if (this.watches.get(root) !== watch) return;
      this.watches.delete(root);
      this.exitedAt.set(root, Date.now());
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

function isRunningOnCi({ runs }: ServiceState): boolean {
  return runs.some((run) => run.engine && !isFinished(run.outcome));
}

function mayUseCi({ file }: Service): boolean {
  try {
    return ciKey.test(fs.readFileSync(file, 'utf8'));
  } catch {
    return false;
  }
}
