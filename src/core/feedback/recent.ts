import type { SerialQueue } from '../support/serial-queue';
import { git, type GitCall } from '../git/git';
import { recentChanges, type RecentChange } from '../history/recent-changes';
import type { Repository } from '../git/repository';
import { objectEnvironment } from '../git/object-store';
import { ok, valueOf, type Result } from '../model/result';
import type { RepositoryHome } from '../support/home';
import type { Delivery } from '../history/ledger';

/** The window of recent changes: at most this many deliveries, none older than this many days. */
export interface RecentWindow {
  readonly deliveries: number;
  readonly days: number;
}

/** The first delivery of a change to an environment, and whether it is still live. */
export interface ChangeDelivery {
  readonly environment?: string;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly isLive: boolean;
}

export interface DeliveredChange extends RecentChange {
  /** Empty if the change is not delivered. */
  readonly deliveries: readonly ChangeDelivery[];
  /** The change was delivered without a commit. */
  readonly isUncommitted: boolean;
}

export interface RecentDeliveries {
  /** Newest first. */
  readonly changes: readonly DeliveredChange[];
  /** The files with uncommitted changes, relative to the root. */
  readonly uncommitted: readonly string[];
  /** Returns whether a delivered commit contains a change, within the window. */
  contains(commit: string, change: string): boolean;
}

const maxChanges = 200;
/** The limit if nothing was delivered. */
const maxUndelivered = 50;
const dayMs = 86_400_000;

/** Finds the changes of a service since the recent deliveries, and their environments. */
export class RecentDeliveryHistory {
  /** The last result. New commits are added to it unless the history was rewritten. */
  private last: { readonly from: string | undefined; readonly to: string; readonly changes: readonly RecentChange[] } | undefined;

  constructor(
    private readonly repository: Repository,
    private readonly home: RepositoryHome,
    /** The service's folder relative to the root, with `/`; empty for the root. */
    private readonly folder: string,
    /** Serializes git calls. */
    private readonly turns: SerialQueue,
  ) {}

  async read(deliveries: readonly Delivery[], window: RecentWindow, now = Date.now()): Promise<Result<RecentDeliveries>> {
    const { folder } = this;
    const since = new Date(now - window.days * dayMs).toISOString();
    const { shown, before } = windowOf(deliveries, window, since);
    const dated = before === undefined ? await this.git(['rev-list', '--max-count=1', `--before=${since}`, 'HEAD', '--']) : undefined;
    const from = before ?? (dated?.trim() || undefined);
    const place = folder === '' ? '.' : folder;
    const status = await this.git(['status', '--porcelain=v2', '--branch', '--no-renames', '--untracked-files=normal', '-z', '--', place]);
    const to = /^# branch\.oid ([0-9a-f]+)$/m.exec(status?.replaceAll('\0', '\n') ?? '')?.[1];
    if (status === undefined || to === undefined) return ok({ changes: [], uncommitted: [], contains: () => false });
    const tips = [to, ...shown.map(({ change }) => change.commit), ...(this.last ? [this.last.to] : [])];
    const snapshots = new Set(shown.flatMap(({ change }) => (change.dirty ? [change.commit] : [])));
    const graph = await this.turns.run(async () => graphOf(tips, from, snapshots, this.call));
    const changes = await this.changes(from, to, graph);
    if (!changes.ok) return changes;
    const snapshot = shown.find(({ change, endedAt }) => change.dirty && endedAt === undefined && !graph.isCommitted(change.commit));
    const taken = snapshot && (await this.between(snapshot.change.base ?? to, snapshot.change.commit));
    const all = [...(taken?.ok ? taken.value : []), ...changes.value];
    return ok({
      changes: all.map((change) => ({
        ...change,
        isUncommitted: change.commit === snapshot?.change.commit,
        deliveries: deliveriesOf(change.commit, shown, graph),
      })),
      uncommitted: changedFiles(status),
      contains: (commit, change) => graph.contains(commit, change),
    });
  }

  /** Returns the known changes plus those added since. */
  private async changes(from: string | undefined, to: string, graph: Graph): Promise<Result<readonly RecentChange[]>> {
    const last = this.last?.from === from && graph.contains(to, this.last?.to ?? '') ? this.last : undefined;
    if (last?.to === to) return ok(last.changes);
    const added = await this.between(last ? last.to : from, to);
    if (!added.ok) return added;
    const bound = from === undefined ? maxUndelivered : maxChanges;
    const changes = [...added.value, ...(last?.changes ?? [])].slice(0, bound);
    this.last = { from, to, changes };
    return ok(changes);
  }

  private async between(from: string | undefined, to: string): Promise<Result<readonly RecentChange[]>> {
    const bound = from === undefined ? { maxCount: maxUndelivered } : { from, maxCount: maxChanges };
    return this.turns.run(async () => recentChanges(this.repository, this.home, { ...bound, to, folder: this.folder }));
  }

  private async git(args: readonly string[]): Promise<string | undefined> {
    return this.turns.run(async () => valueOf(await git(this.call, (client) => client.raw([...args]))));
  }

  private get call(): GitCall {
    return { folder: this.repository.root, env: objectEnvironment(this.repository, this.home) };
  }
}

/** Returns the recent deliveries, and the commit that was live before the first of them. */
function windowOf(deliveries: readonly Delivery[], window: RecentWindow, since: string): { shown: readonly Delivery[]; before?: string } {
  const commits: string[] = [];
  const shown = deliveries.filter(({ change, deliveredAt, endedAt }) => {
    if (!commits.includes(change.commit) && commits.length < window.deliveries && deliveredAt >= since) commits.push(change.commit);
    return commits.includes(change.commit) || endedAt === undefined;
  });
  const before = deliveries.find(
    ({ change, deliveredAt }) => !commits.includes(change.commit) && deliveredAt < (shown.at(-1)?.deliveredAt ?? ''),
  );
  const commit = before && (before.change.dirty ? (before.change.base ?? before.change.commit) : before.change.commit);
  return { shown, ...(commit !== undefined && { before: commit }) };
}

function deliveriesOf(commit: string, shown: readonly Delivery[], graph: Graph): ChangeDelivery[] {
  const first = new Map<string | undefined, ChangeDelivery>();
  // Deliveries are newest first, so the last entry per environment is the first delivery of the change.
  for (const { change, environment, deliveredAt, endedAt } of shown) {
    if (!graph.contains(change.commit, commit)) continue;
    const isLive = endedAt === undefined || (first.get(environment)?.isLive ?? false);
    first.set(environment, { ...(environment !== undefined && { environment }), at: deliveredAt, isLive });
  }
  return [...first.values()];
}

/** The ancestry of commits within the window. */
class Graph {
  private readonly reached = new Map<string, ReadonlySet<string>>();

  constructor(
    private readonly parents: ReadonlyMap<string, readonly string[]>,
    /** For each snapshot, the commit with the same tree, if any. */
    private readonly twins: ReadonlyMap<string, string | undefined>,
  ) {}

  contains(commit: string, change: string): boolean {
    const known = this.reached.get(commit) ?? this.reachedFrom(commit);
    this.reached.set(commit, known);
    return known.has(change);
  }

  isCommitted(snapshot: string): boolean {
    return this.twins.get(snapshot) !== undefined;
  }

  private reachedFrom(commit: string): ReadonlySet<string> {
    const reached = new Set<string>();
    const twin = this.twins.get(commit);
    const next = [commit, ...(twin === undefined ? [] : [twin])];
    for (let at = next.pop(); at !== undefined; at = next.pop()) {
      const parents = this.parents.get(at);
      if (reached.has(at) || !parents) continue;
      reached.add(at);
      next.push(...parents);
    }
    return reached;
  }
}

async function graphOf(tips: readonly string[], from: string | undefined, snapshots: ReadonlySet<string>, call: GitCall): Promise<Graph> {
  const format = '--format=%H %T %P';
  // A commit that is missing from the store must not hide the others.
  const args = [
    'log',
    '--no-show-signature',
    '--ignore-missing',
    '--max-count=5000',
    format,
    ...new Set(tips),
    ...(from ? ['--not', from] : []),
    '--',
  ];
  const listed = valueOf(await git(call, (client) => client.raw(args))) ?? '';
  const parents = new Map<string, readonly string[]>();
  const committed = new Map<string, string>();
  const trees = new Map<string, string>();
  for (const line of listed.split('\n').filter((each) => each !== '')) {
    const [commit = '', tree = '', ...before] = line.split(' ');
    parents.set(commit, before);
    if (snapshots.has(commit)) trees.set(commit, tree);
    else if (!committed.has(tree)) committed.set(tree, commit);
  }
  const twins = new Map([...trees].map(([snapshot, tree]) => [snapshot, committed.get(tree)] as const));
  return new Graph(parents, twins);
}

/** Returns the changed, unmerged and new files of `git status --porcelain=v2 -z`. */
function changedFiles(status: string): string[] {
  return status.split('\0').flatMap((entry) => {
    const [, name] = /^(?:1(?: \S+){7}|u(?: \S+){9}|\?) (.+)$/s.exec(entry) ?? [];
    return name === undefined ? [] : [name];
  });
}
