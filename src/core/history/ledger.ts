import type { Change, Release } from '../model/events';
import type { RunState } from '../model/run-state';

/** A change as it went live in an environment; of a pipeline without environments, as it passed. */
export interface Delivery {
  readonly run: string;
  readonly change: Change;
  /** Absent for a pipeline that deploys nothing. */
  readonly environment?: string;
  /** ISO 8601, UTC. */
  readonly deliveredAt: string;
  /** When another release took its place, or it was taken back. Absent while it is live. */
  readonly endedAt?: string;
  /** Where its files lay, absolute. */
  readonly slot?: string;
}

/**
 * What was delivered where and when, newest first, from the runs of one service. What was taken back before it was verified
 * never was; what was taken back later ended then, and the release that came back is live again from then on.
 */
export function deliveriesOf(runs: readonly RunState[]): Delivery[] {
  const byId = new Map(runs.map((run) => [run.id, run]));
  const deliveries = runs.flatMap((run) => deliveriesOfRun(run, byId)).sort((a, b) => (a.deliveredAt < b.deliveredAt ? 1 : -1));
  const next = new Map<string | undefined, string>();
  return deliveries.map((delivery) => {
    const endedAt = next.get(delivery.environment);
    next.set(delivery.environment, delivery.deliveredAt);
    return delivery.endedAt !== undefined || endedAt === undefined ? delivery : { ...delivery, endedAt };
  });
}

/** What was live at a time, by environment. */
export function liveAt(deliveries: readonly Delivery[], at: string): Delivery[] {
  return deliveries.filter(({ deliveredAt, endedAt }) => deliveredAt <= at && (endedAt === undefined || at < endedAt));
}

function deliveriesOfRun(run: RunState, runs: ReadonlyMap<string, RunState>): Delivery[] {
  const told = { run: run.id, change: run.change, ...(run.slot !== undefined && { slot: run.slot }) };
  if (run.deployments.length === 0)
    return run.outcome === 'passed' && run.finishedAt !== undefined ? [{ ...told, deliveredAt: run.finishedAt }] : [];
  return run.deployments.flatMap(({ environment, release, state, takenBack }): Delivery[] => {
    if (state === 'rolled-back' && !takenBack?.delivered) return [];
    const delivery = { ...told, environment, deliveredAt: release.deployedAt };
    if (!takenBack) return [delivery];
    const { at, to } = takenBack;
    return [{ ...delivery, endedAt: at }, ...(to ? [{ ...toldAgain(to, runs), environment, deliveredAt: at }] : [])];
  });
}

/** What came back, also where its run is not remembered any more. */
function toldAgain({ id, commit, tree, subject = '', dirty = false }: Release, runs: ReadonlyMap<string, RunState>) {
  const run = runs.get(id);
  return { run: id, change: run?.change ?? { commit, tree, subject, dirty }, ...(run?.slot !== undefined && { slot: run.slot }) };
}
