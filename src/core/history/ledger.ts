import type { Change, Release } from '../model/events';
import type { RunState } from '../model/run-state';

/** A change that went live in an environment, or that passed in a pipeline without environments. */
export interface Delivery {
  readonly run: string;
  readonly change: Change;
  /** Absent for a pipeline that deploys nothing. */
  readonly environment?: string;
  /** ISO 8601, UTC. */
  readonly deliveredAt: string;
  /** The time when another release replaced it, or when it was rolled back. Absent while it is live. */
  readonly endedAt?: string;
  /** The folder of its checkout, absolute. */
  readonly slot?: string;
}

/**
 * Returns the deliveries of one service, newest first, from its runs, newest first. A release that was rolled back before it was
 * verified is no delivery. A later rollback ends a delivery, and starts a new one for the restored release.
 */
export function deliveriesOf(runs: readonly RunState[]): Delivery[] {
  const byId = new Map(runs.map((run) => [run.id, run]));
  const deliveries = inOrder([...runs].reverse(), byId).reverse();
  const next = new Map<string | undefined, string>();
  return deliveries.map((delivery) => {
    const endedAt = next.get(delivery.environment);
    next.set(delivery.environment, delivery.deliveredAt);
    return delivery.endedAt !== undefined || endedAt === undefined ? delivery : { ...delivery, endedAt };
  });
}

/** Returns the deliveries in the order in which they went live. The order of the runs of this machine counts more than its clock. */
function inOrder(runs: readonly RunState[], byId: ReadonlyMap<string, RunState>): Delivery[] {
  const latest = new Map<string | undefined, string>();
  const timed = runs.flatMap((run) =>
    deliveriesOfRun(run, byId).map((delivery) => {
      const { deliveredAt, environment } = delivery;
      const before = latest.get(environment) ?? '';
      const at = !run.engine && before > deliveredAt ? before : deliveredAt;
      if (!run.engine) latest.set(environment, at);
      return { at, delivery };
    }),
  );
  return timed.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0)).map(({ delivery }) => delivery);
}

/** Returns the deliveries that were live at a time, one for each environment. */
export function liveAt(deliveries: readonly Delivery[], at: string): Delivery[] {
  return deliveries.filter(({ deliveredAt, endedAt }) => deliveredAt <= at && (endedAt === undefined || at < endedAt));
}

function deliveriesOfRun(run: RunState, runs: ReadonlyMap<string, RunState>): Delivery[] {
  const common = { run: run.id, change: run.change, slot: run.slot };
  if (run.deployments.length === 0)
    return run.outcome === 'passed' && run.finishedAt !== undefined ? [{ ...common, deliveredAt: run.finishedAt }] : [];
  return run.deployments.flatMap(({ environment, release, state, takenBack }): Delivery[] => {
    if (state === 'rolled-back' && !takenBack?.delivered) return [];
    const delivery = { ...common, environment, deliveredAt: release.deployedAt };
    if (!takenBack) return [delivery];
    const { at, to } = takenBack;
    return [{ ...delivery, endedAt: at }, ...(to ? [{ ...restored(to, runs), environment, deliveredAt: at }] : [])];
  });
}

/** Returns the restored release, whose run may be gone from the history. */
function restored({ id, commit, tree, subject = '', dirty = false }: Release, runs: ReadonlyMap<string, RunState>) {
  const run = runs.get(id);
  return { run: id, change: run?.change ?? { commit, tree, subject, dirty }, slot: run?.slot };
}
