import type { Repository } from '../git/repository';
import type { RepositoryHome } from '../support/home';
import type { Delivery } from '../history/ledger';
import { PathResolver } from '../location/path-resolver';
import { runInSlot } from '../history/slot-use';
import { treePaths } from '../location/tree-paths';
import type { FeedbackFrame } from './item';
import type { KnownItem } from './inbox';
import { filesMentioned } from './mentions';
import type { Running } from './releases';

/** A place in the tree that was delivered. */
export interface DeliveredPlace {
  /** Relative to the root of the repository, with `/`. */
  readonly path: string;
  readonly line?: number;
  /** What names it. */
  readonly by: 'frame' | 'text';
}

const mostTrees = 20;

/** Finds the places that feedback names in the trees that were running. */
export class Placement {
  private readonly placers = new Map<string, PathResolver>();
  /** A commit never changes, nor does what was said. */
  private readonly known = new WeakMap<KnownItem, { readonly commit: string; readonly places: readonly DeliveredPlace[] }>();

  constructor(
    private readonly repository: Repository,
    private readonly home: RepositoryHome,
    /** The service's folder relative to the root, with `/`; empty for the root. */
    private readonly folder: string,
  ) {}

  /** The innermost call of its stack that is the service's own code; failing that, the files that its text speaks of. */
  async places(item: KnownItem, running: Running): Promise<readonly DeliveredPlace[]> {
    const known = this.known.get(item);
    if (known?.commit === running.commit) return known.places;
    const places = await this.find(item, running);
    this.known.set(item, { commit: running.commit, places });
    return places;
  }

  private async find(item: KnownItem, running: Running): Promise<DeliveredPlace[]> {
    const placer = this.placerOf(running);
    const place = item.frames && (await placer.place({ severity: 'error', message: '', source: '', frames: ownFirst(item.frames) }));
    if (place) return [{ ...lineOf(place), by: 'frame' }];
    const mentioned = await Promise.all(
      filesMentioned(item).map((frame) => placer.place({ severity: 'error', message: '', source: '', frames: [frame] })),
    );
    return mentioned.flatMap((found): DeliveredPlace[] => (found ? [{ ...lineOf(found), by: 'text' }] : []));
  }

  private placerOf({ commit, delivery }: Running): PathResolver {
    const slot = delivery && slotOf(delivery);
    const key = `${commit} ${slot ?? ''}`;
    const known = this.placers.get(key);
    if (known) return known;
    for (const oldest of this.placers.keys()) {
      if (this.placers.size < mostTrees) break;
      this.placers.delete(oldest);
    }
    const ground = { ...(slot !== undefined && { slot }), folder: this.folder, repository: this.repository.root };
    const placer = new PathResolver(ground, async () => treePaths(this.repository, this.home, commit, this.folder));
    this.placers.set(key, placer);
    return placer;
  }
}

/** Only while it still holds what was delivered: source maps of another build would lead astray. */
function slotOf({ slot, run }: Delivery): string | undefined {
  return slot !== undefined && runInSlot(slot) === run ? slot : undefined;
}

function ownFirst(frames: readonly FeedbackFrame[]): FeedbackFrame[] {
  return [...frames.filter(({ inApp }) => inApp === true), ...frames.filter(({ inApp }) => inApp !== true)];
}

function lineOf({ path, line }: { readonly path: string; readonly line?: number }): { path: string; line?: number } {
  return { path, ...(line !== undefined && { line }) };
}
