import type { CommitNames } from '../git/committed-files';
import { liveAt, type Delivery } from '../history/ledger';
import type { KnownItem, FeedbackFrame, FeedbackItem } from './item';
import type { Repository } from '../git/repository';
import type { RepositoryHome } from '../support/home';
import { PathResolver } from '../location/path-resolver';
import { treePaths } from '../location/tree-paths';
import { runInSlot } from '../history/runs';
import type { Frame } from '../model/problem';
import { traceFrames } from '../logs/trace-frames';

/** The commit that ran when feedback was reported, and the evidence for it. */
export interface Running {
  readonly commit: string;
  readonly by: 'ledger' | 'commit' | 'tag' | 'release commits' | 'time';
  readonly delivery?: Delivery;
}

/** A release that the source named and that matches no known commit. */
export interface UnknownRelease {
  readonly unknown: string;
}

/** Finds the commits that ran when customers reported items. */
export class Releases {
  constructor(
    private readonly names: CommitNames,
    private readonly deliveries: readonly Delivery[],
    /** The customers' environment, for items that name none. */
    private readonly customers: string | undefined,
  ) {}

  /** Returns undefined if the release is unknown. Never falls back to `HEAD`: customers do not run it. */
  async running(item: KnownItem): Promise<Running | UnknownRelease | undefined> {
    const { release } = item;
    if (release === undefined) return this.byTime(item);
    const delivery = this.inLedger(release, item.environment);
    if (delivery) return { commit: delivery.change.commit, by: 'ledger', delivery };
    const id = /(?<![0-9a-f])(?:[0-9a-f]{64}|[0-9a-f]{40})(?![0-9a-f])/.exec(release)?.[0];
    const named = id === undefined ? undefined : await this.names.commitOf(id);
    if (named !== undefined) return { commit: named, by: 'commit' };
    for (const tag of tagsOf(release)) {
      const tagged = await this.names.commitOf(`refs/tags/${tag}`);
      if (tagged !== undefined) return { commit: tagged, by: 'tag' };
    }
    for (const commit of (item.releaseCommits ?? []).slice(0, 10)) {
      const known = await this.names.commitOf(commit);
      if (known !== undefined) return { commit: known, by: 'release commits' };
    }
    return { unknown: release };
  }

  private inLedger(release: string, environment: string | undefined): Delivery | undefined {
    const isNamed = ({ run, change }: Delivery): boolean =>
      run === release || change.commit === release || (/^[0-9a-f]{7,63}$/.test(release) && change.commit.startsWith(release));
    const named = this.deliveries.filter(isNamed);
    // An abbreviated id may match two commits.
    if (new Set(named.map(({ change }) => change.commit)).size > 1) return undefined;
    return named.find((delivery) => delivery.environment === environment) ?? named.at(-1);
  }

  /** Returns the release that was live at the time if there is exactly one. */
  private byTime({ createdAt, undated, environment = this.customersEnvironment() }: KnownItem): Running | undefined {
    if (undated) return undefined;
    const live = liveAt(this.deliveries, createdAt).filter((delivery) => environment === undefined || delivery.environment === environment);
    const [delivery] = live;
    return delivery && live.length === 1 ? { commit: delivery.change.commit, by: 'time', delivery } : undefined;
  }

  /** Before the first release, customers can only use other environments. */
  private customersEnvironment(): string | undefined {
    return this.deliveries.some(({ environment }) => environment === this.customers) ? this.customers : undefined;
  }
}

/** Returns the possible tags of a release: `shop@1.2.3`, `1.2.3` or `v1.2.3`. */
function tagsOf(release: string): string[] {
  const version = release.slice(release.lastIndexOf('@') + 1);
  return [...new Set([release, version, `v${version}`])].filter(
    (tag) => /^[\w][\w.+@/-]*$/.test(tag) && !/\.\.|@\{|\/\/|\.lock$|[/.]$/.test(tag),
  );
}

/** A place in the delivered tree. */
export interface DeliveredPlace {
  /** Relative to the root of the repository, with `/`. */
  readonly path: string;
  readonly line?: number;
  readonly by: 'frame' | 'text';
}

const maxTrees = 20;

/** Finds the places that feedback names in the delivered trees. */
export class Placement {
  private readonly resolvers = new Map<string, PathResolver>();
  /** Valid forever: neither the commit nor the item changes. */
  private readonly known = new WeakMap<KnownItem, { readonly commit: string; readonly places: readonly DeliveredPlace[] }>();

  constructor(
    private readonly repository: Repository,
    private readonly home: RepositoryHome,
    /** The service's folder relative to the root, with `/`; empty for the root. */
    private readonly folder: string,
    /** `feedback.paths` of the service. */
    private readonly paths?: Readonly<Record<string, string>>,
  ) {}

  /** Returns the innermost stack frame in the service's own code; otherwise the files that the text mentions. */
  async places(item: KnownItem, running: Running): Promise<readonly DeliveredPlace[]> {
    const known = this.known.get(item);
    if (known?.commit === running.commit) return known.places;
    const places = await this.find(item, running);
    this.known.set(item, { commit: running.commit, places });
    return places;
  }

  private async find(item: KnownItem, running: Running): Promise<DeliveredPlace[]> {
    const resolver = this.resolverOf(running);
    const stacks = [
      { by: 'frame', frames: ownCodeFirst(item.frames ?? []) },
      { by: 'text', frames: traceFrames(textOf(item)) },
    ] as const;
    for (const { by, frames } of stacks) {
      const place = await resolver.place({ severity: 'error', message: '', source: '', frames });
      if (place) return [{ ...lineOf(place), by }];
    }
    const places = await resolver.places(filesMentioned(item));
    return places.flatMap((place): DeliveredPlace[] => (place ? [{ ...lineOf(place), by: 'text' }] : []));
  }

  private resolverOf({ commit, delivery }: Running): PathResolver {
    const slot = delivery && slotOf(delivery);
    const key = `${commit} ${slot ?? ''}`;
    const known = this.resolvers.get(key);
    if (known) return known;
    for (const oldest of this.resolvers.keys()) {
      if (this.resolvers.size < maxTrees) break;
      this.resolvers.delete(oldest);
    }
    const { folder, paths } = this;
    const roots = { ...(slot !== undefined && { slot }), folder, repository: this.repository.root, paths };
    const resolver = new PathResolver(roots, async () => treePaths(this.repository, this.home, commit));
    this.resolvers.set(key, resolver);
    return resolver;
  }
}

/** Returns the slot only while it contains this delivery: source maps of another build lead to wrong lines. */
function slotOf({ slot, run }: Delivery): string | undefined {
  return slot !== undefined && runInSlot(slot) === run ? slot : undefined;
}

function ownCodeFirst(frames: readonly FeedbackFrame[]): FeedbackFrame[] {
  return [...frames.filter(({ inApp }) => inApp === true), ...frames.filter(({ inApp }) => inApp !== true)];
}

function lineOf({ path, line }: { readonly path: string; readonly line?: number }): { path: string; line?: number } {
  return { path, ...(line !== undefined && { line }) };
}

const maxPlaces = 3;
const maxMatches = 100;
const maxCharacters = 20_000;
/**
 * Matches `src/cart.ts`, `src/cart.ts:12`, `src/cart.ts#L12` and `src/cart.php(12)`. A name without a folder needs an
 * extension and a line, an absolute path needs a line.
 */
const path =
  /(?<![\w./\\@:-])((?:[\w.@-]+[\\/])+[\w.@-]*\w|[\w-]+\.[A-Za-z]\w{0,9}(?=[:(]\d|#L\d)|(?:[a-z][\w-]*:\/\/[\w.-]*|[A-Za-z]:)?[\\/](?:[\w.@-]+[\\/])*[\w.@-]*\w(?=[:(]\d|#L\d))(?:(?::|#L|\()(\d{1,7})(?::(\d{1,5}))?)?/g;

function textOf({ title, body = '' }: FeedbackItem): string {
  return `${title}\n${body}`.slice(0, maxCharacters);
}

/** Returns the files that a text mentions, as written. URLs on the web do not count. */
export function filesMentioned(item: FeedbackItem): Frame[] {
  const text = textOf(item).replace(/\bhttps?:\/\/\S+/gi, ' ');
  const found = [...text.matchAll(path)].slice(0, maxMatches).map(([, file = '', line, column]) => ({
    file,
    ...(line !== undefined && { line: Number(line) }),
    ...(line !== undefined && column !== undefined && { column: Number(column) }),
  }));
  const keys = found.map(({ file, line }) => `${file}:${line ?? ''}`);
  return found.filter((_, index) => keys.indexOf(keys[index] ?? '') === index).slice(0, maxPlaces);
}
