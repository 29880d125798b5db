import * as fs from 'node:fs';
import * as path from 'node:path';
import type * as vscode from 'vscode';
import { environmentKinds, isEmbedded } from '../../core/environments/registry';
import { divergence, type Divergence } from '../../core/history/ancestry';
import { readHead } from '../../core/git/git-files';
import { ChangeEvent } from '../app/change-event';
import type { AttachedCli, Cli } from '../app/cli';
import { findRepository, folderInRepository } from '../app/git-folder';
import type { LiveEnvironment, Service } from '../app/state';
import type { Store } from '../app/store';
import { deploymentRows } from '../ci/ci-rows';
import { RowView } from '../tree/row-view';
import { environmentRows } from './environment-rows';

/** The Environments view. Starts processes only while it is visible. */
export class EnvironmentsView implements vscode.Disposable {
  private readonly divergences = new Divergences(() => this.refresh());
  private readonly watch: EnvironmentWatch;
  private readonly view: RowView;

  constructor(
    cli: Cli,
    private readonly store: Store,
  ) {
    this.watch = new EnvironmentWatch(cli);
    this.view = new RowView(
      'deliver.environments',
      (now) => [
        ...environmentRows(store.state.environments, now, (environment, service) => this.divergences.of(environment, service)),
        ...deploymentRows(store.state.services, store.state.environments, now),
      ],
      () => false,
      () => undefined,
      () => this.refresh(),
    );
    this.divergences.changed.listen(() => this.view.update());
  }

  update(): void {
    this.view.update();
    this.refresh();
  }

  asText(): string {
    return this.view.asText();
  }

  dispose(): void {
    this.watch.dispose();
    this.divergences.stop();
    this.view.dispose();
  }

  private refresh(): void {
    const { services, environments, trusted } = this.store.state;
    const isVisible = trusted && this.view.visible;
    this.watch.update(isVisible, services, environments);
    if (isVisible) this.divergences.update(services, environments);
    else this.divergences.stop();
  }
}

/** Matches a definition that may contain an environment to poll. The command line parses it. */
const polledKinds = environmentKinds.map(({ kind }) => kind).filter((kind) => !isEmbedded(kind));
const polledKind = new RegExp(`^\\s+["']?(${polledKinds.join('|')})["']?\\s*:`, 'm');
/** The delay before a process that exited is started again. */
const retryDelayMs = 30_000;

/**
 * Polls environments that do not report changes, while the view is visible. Starts one process per repository. It writes the state to
 * disk for all windows, and ends with this one.
 */
class EnvironmentWatch {
  private readonly watches = new Map<string, AttachedCli>();
  private readonly exitedAt = new Map<string, number>();

  constructor(private readonly cli: Cli) {}

  update(isVisible: boolean, services: readonly Service[], environments: readonly LiveEnvironment[]): void {
    const isAnyLive = environments.some(({ kind }) => !isEmbedded(kind));
    const roots = new Set(isVisible ? services.filter((service) => isAnyLive || mayPoll(service)).map(({ root }) => root) : []);
    for (const [root, watch] of this.watches) {
      if (roots.has(root)) continue;
      watch.end();
      this.watches.delete(root);
    }
    for (const root of roots) if (!this.watches.has(root) && Date.now() - (this.exitedAt.get(root) ?? 0) > retryDelayMs) this.start(root);
  }

  private start(root: string): void {
    const watch = this.cli.attach(['environment', 'watch'], root);
    this.watches.set(root, watch);
    void watch.exited.then(() => {
      if (this.watches.get(root) !== watch) return;
      this.watches.delete(root);
      this.exitedAt.set(root, Date.now());
    });
  }

  dispose(): void {
    for (const watch of this.watches.values()) watch.end();
    this.watches.clear();
  }
}

function mayPoll({ file }: Service): boolean {
  try {
    return polledKind.test(fs.readFileSync(file, 'utf8'));
  } catch {
    return false;
  }
}

interface KnownDivergence {
  /** The release and the head of the branch. The divergence between two commits never changes. */
  readonly key: string;
  readonly value: Divergence | undefined;
}

const headPollMs = 2_000;

/** Compares live releases with the current branch. Runs git once per service, and only when a release or the branch has changed. */
class Divergences {
  readonly changed = new ChangeEvent();
  private readonly known = new Map<string, KnownDivergence>();
  private queue: Promise<void> = Promise.resolve();
  private latest = '';
  /** The paths of git's reflogs of `HEAD`, which grow with each commit. */
  private readonly reflogs = new Set<string>();

  /** `onHeadMoved` is called when a branch may have changed. */
  constructor(private readonly onHeadMoved: () => void) {}

  /** Returns the divergence of a service in an environment, or undefined if it is unknown. */
  of(environment: string, service: string): Divergence | undefined {
    return this.known.get(`${environment} ${service}`)?.value;
  }

  /** Compares the releases that are live now. Call it only while the view is visible. */
  update(services: readonly Service[], environments: readonly LiveEnvironment[]): void {
    this.watch(environments.length > 0 ? services.flatMap(({ folder }) => reflogOf(folder) ?? []) : []);
    const comparisons = environments.flatMap((environment) =>
      environment.services.flatMap(({ service: name, release, owner }) => {
        const service = services.find((candidate) => candidate.name === name);
        const repository = service && findRepository(service.folder);
        const head = repository && readHead(repository).commit;
        if (!service || !release || !repository || head === undefined) return [];
        // Another repository's service of the same name has other commits.
        if (owner && owner.gitFolder !== repository.commonGitFolder) return [];
        return [{ place: `${environment.name} ${name}`, key: `${release.commit} ${head}`, service, repository, release, head }];
      }),
    );
    const fingerprint = comparisons.map(({ place, key }) => `${place} ${key}`).join('\n');
    if (fingerprint === this.latest) return;
    this.latest = fingerprint;
    this.queue = this.queue.then(async () => {
      for (const { place, key, service, repository, release, head } of comparisons) {
        if (this.known.get(place)?.key === key) continue;
        const folder = folderInRepository(service.root, service.folder);
        this.known.set(place, { key, value: await divergence(repository, service.home, release.commit, head, folder) });
        this.changed.fire();
      }
    });
  }

  stop(): void {
    this.watch([]);
  }

  private watch(reflogs: readonly string[]): void {
    for (const file of this.reflogs) if (!reflogs.includes(file)) fs.unwatchFile(file, this.onHeadMoved);
    for (const file of new Set(reflogs))
      if (!this.reflogs.has(file)) fs.watchFile(file, { interval: headPollMs, persistent: false }, this.onHeadMoved);
    this.reflogs.clear();
    for (const file of reflogs) this.reflogs.add(file);
  }
}

function reflogOf(folder: string): string | undefined {
  const repository = findRepository(folder);
  return repository && path.join(repository.gitFolder, 'logs', 'HEAD');
}
