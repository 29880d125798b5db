import type { CommitNames } from '../git/committed-files';
import { liveAt, type Delivery } from '../history/ledger';
import type { KnownItem } from './inbox';

/** The delivered commit that feedback is about, and how that is known. */
export interface Running {
  /** A full id. */
  readonly commit: string;
  readonly by: 'ledger' | 'commit' | 'tag' | 'release commits' | 'time';
  readonly delivery?: Delivery;
}

/** The source named a release that nothing here knows. */
export interface UnknownRelease {
  readonly unknown: string;
}

/** Finds the commits that were running when customers said what they said. */
export class Releases {
  constructor(
    private readonly names: CommitNames,
    private readonly deliveries: readonly Delivery[],
    /** Where customers are, for items that name no environment. */
    private readonly customers: string | undefined,
  ) {}

  /** Undefined where nothing tells what was running. Never a guess: `HEAD` is not what customers run. */
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
      const there = await this.names.commitOf(commit);
      if (there !== undefined) return { commit: there, by: 'release commits' };
    }
    return { unknown: release };
  }

  private inLedger(release: string, environment: string | undefined): Delivery | undefined {
    const isMeant = ({ run, change }: Delivery): boolean =>
      run === release || change.commit === release || (/^[0-9a-f]{7,63}$/.test(release) && change.commit.startsWith(release));
    const meant = this.deliveries.filter(isMeant);
    // An abbreviation may stand for two.
    if (new Set(meant.map(({ change }) => change.commit)).size > 1) return undefined;
    return meant.find((delivery) => delivery.environment === environment) ?? meant.at(-1);
  }

  /** What was live there at the time, where that is one thing. */
  private byTime({ createdAt, undated, environment = this.whereCustomersAre() }: KnownItem): Running | undefined {
    if (undated) return undefined;
    const live = liveAt(this.deliveries, createdAt).filter((delivery) => environment === undefined || delivery.environment === environment);
    const [delivery] = live;
    return delivery && live.length === 1 ? { commit: delivery.change.commit, by: 'time', delivery } : undefined;
  }

  /** Before the first release they can only have seen what is elsewhere. */
  private whereCustomersAre(): string | undefined {
    return this.deliveries.some(({ environment }) => environment === this.customers) ? this.customers : undefined;
  }
}

/** `shop@1.2.3` may be tagged just so, `1.2.3` or `v1.2.3`. */
function tagsOf(release: string): string[] {
  const version = release.slice(release.lastIndexOf('@') + 1);
  return [...new Set([release, version, `v${version}`])].filter(
    (tag) => /^[\w][\w.+@/-]*$/.test(tag) && !/\.\.|@\{|\/\/|\.lock$|[/.]$/.test(tag),
  );
}
