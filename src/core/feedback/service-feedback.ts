import * as path from 'node:path';
import { CommitNames } from '../git/committed-files';
import { LruCache } from '../support/lru-cache';
import type { PlacesNow } from '../location/places-now';
import { type RecentLine, RecentLines } from '../history/recent-lines';
import { WorkingFiles } from '../git/working-files';
import { ok, type Result } from '../model/result';
import type { RepositoryHome } from '../support/home';
import type { Pipeline } from '../model/pipeline';
import { deliveriesOf, type Delivery } from '../history/ledger';
import type { RunState } from '../model/run-state';
import { FeedbackAttribution, PlacementCache } from './attribution';
import type { PlacedItem } from './placed-item';
import { Fixes } from './fixes';
import { Inbox, type SourceState } from './inbox';
import { Owners } from './owners';
import { Placement, Releases } from './placement';
import { type RecentDeliveries, RecentDeliveryHistory, type RecentWindow } from './recent';
import { EnvironmentFiles } from '../environments/process/state-file';
import { isEmbedded } from '../environments/registry';
import { originOf } from '../git/remotes';
import type { Repository } from '../git/repository';
import type { HttpOptions } from '../http/http-client';
import type { Tokens } from '../model/tokens';
import { findSourceKind } from './registry';
import type { FeedbackSource, SourceContext } from './source';
import { FileSource } from './sources/file/file-source';

/** The feedback on a service and its recent changes. */
export interface FeedbackState {
  readonly recent: RecentDeliveries;
  /** Open items, newest first. */
  readonly items: readonly PlacedItem[];
  readonly sources: readonly SourceState[];
}

export interface FeedbackParts extends Omit<SourceSurroundings, 'home'> {
  readonly home: RepositoryHome;
  readonly pipeline: Pipeline;
  readonly placesNow: PlacesNow;
}

/** The feedback on one service, from its sources to the lines of its files. */
export class ServiceFeedback {
  private readonly history: RecentDeliveryHistory;
  private readonly names: CommitNames;
  private readonly cache = new PlacementCache();
  private readonly placement: Placement;
  private readonly working: WorkingFiles;
  private readonly recentLines: RecentLines;
  /** For each path, the change of each line, valid while the file and its recent changes stay the same. */
  private readonly changedLines = new LruCache<{
    readonly stamp: string;
    readonly history: string;
    readonly lines: ReadonlyMap<number, string>;
  }>(1_000_000);
  readonly fixes: Fixes;

  private constructor(
    private readonly parts: FeedbackParts,
    readonly inboxes: readonly Inbox[],
  ) {
    const { repository, home, folder, placesNow } = parts;
    const { queue } = placesNow;
    this.history = new RecentDeliveryHistory(repository, home, folder, queue);
    this.names = new CommitNames(repository, home, queue);
    this.placement = new Placement(repository, home, folder, parts.pipeline.feedback?.paths);
    this.working = new WorkingFiles(repository.root);
    this.recentLines = new RecentLines(repository, home, queue);
    this.fixes = new Fixes(path.join(home.feedback(parts.pipeline.service), 'fixes'));
  }

  static async open(parts: FeedbackParts): Promise<ServiceFeedback> {
    const sources = await openSources(parts.pipeline, { ...parts, home: parts.home.home });
    const folder = parts.home.feedback(parts.pipeline.service);
    return new ServiceFeedback(
      parts,
      sources.map((source) => new Inbox(folder, source)),
    );
  }

  /** Fetches in parallel from the sources whose last fetch is older than `maxAgeMs`. */
  async refresh(maxAgeMs: number, signal: AbortSignal): Promise<void> {
    await Promise.all(this.inboxes.map(async (inbox) => inbox.refresh(maxAgeMs, signal)));
  }

  /** Returns the known feedback, placed in the current code. `runs` are the service's runs, newest first. */
  async state(runs: readonly RunState[], window: RecentWindow): Promise<Result<FeedbackState>> {
    const deliveries = deliveriesOf(runs);
    const recent = await this.history.read(deliveries, window);
    if (!recent.ok) return recent;
    const sources = this.inboxes.map((inbox) => inbox.state());
    const open = sources.flatMap(({ source, items }) =>
      items.filter(({ closedAt }) => closedAt === undefined).map((item) => ({ source, item })),
    );
    const items = await this.attribution(recent.value, deliveries).place(open);
    return ok({ recent: recent.value, sources, items: items.sort((a, b) => (a.item.createdAt < b.item.createdAt ? 1 : -1)) });
  }

  /** Returns the recently changed lines of a file with the given text. */
  async linesOf(recent: RecentDeliveries, path: string, text: string): Promise<RecentLine[]> {
    return this.recentLines.lines(recent.changes, path, text);
  }

  private attribution(recent: RecentDeliveries, deliveries: readonly Delivery[]): FeedbackAttribution {
    const { repository, pipeline, placesNow, folder } = this.parts;
    const lines = new Map<string, Promise<ReadonlyMap<number, string>>>();
    return new FeedbackAttribution({
      cache: this.cache,
      releases: new Releases(this.names, deliveries, pipeline.release),
      placement: this.placement,
      placesNow,
      recent,
      folder,
      components: pipeline.feedback?.components ?? {},
      owners: Owners.of(repository.root),
      fixOf: this.fixes.among(recent.changes),
      changedLines: async (path) => {
        const made = lines.get(path) ?? this.changesOf(recent, path);
        lines.set(path, made);
        return made;
      },
    });
  }

  private async changesOf(recent: RecentDeliveries, path: string): Promise<ReadonlyMap<number, string>> {
    const look = await this.working.stat(path);
    const history = recent.changes.flatMap(({ commit, files }) => (files.some((file) => file.path === path) ? [commit] : [])).join();
    const known = this.changedLines.get(path);
    if (look?.isSettled && known?.stamp === look.stamp && known.history === history) return known.lines;
    const text = await this.working.read(path);
    const made = text === undefined ? [] : await this.linesOf(recent, path, text);
    const lines = new Map(made.map(({ line, commit }) => [line, commit]));
    if (look) this.changedLines.put(path, { stamp: look.stamp, history, lines }, lines.size + 1);
    return lines;
  }
}

export interface SourceSurroundings {
  readonly repository: Repository;
  /** Deliver's own folder, which holds the environments. */
  readonly home: string;
  /** The service's folder relative to the root, with `/`; empty for the root. */
  readonly folder: string;
  readonly tokens: Tokens;
  readonly proxy: HttpOptions['proxy'];
}

/** Returns the feedback sources of a service: the files that its embedded releases write, then those that `delivery.yaml` names. */
export async function openSources(
  pipeline: Pipeline,
  { repository, home, folder, tokens, proxy }: SourceSurroundings,
): Promise<FeedbackSource[]> {
  const embedded = Object.entries(pipeline.environments)
    .filter(([, { kind }]) => isEmbedded(kind))
    .map(([name]) => embeddedSource(pipeline.service, name, home));
  const context: SourceContext = {
    root: repository.root,
    folder: path.join(repository.root, folder),
    origin: async () => originOf(repository),
    http: async () => new (await import('../http/http-client')).HttpClient({ proxy }),
    tokens,
  };
  const defined = await Promise.all(
    (pipeline.feedback?.sources ?? []).map(async ({ kind, settings }) => findSourceKind(kind)?.open(settings, context)),
  );
  return [...embedded, ...defined.filter((source) => source !== undefined)];
}

function embeddedSource(service: string, environment: string, home: string): FeedbackSource {
  const file = new EnvironmentFiles(home, environment).feedback(service);
  return new FileSource({ name: environment, file, within: path.dirname(file), environment, mayBeAbsent: true });
}
