import type { Change } from './events';
import type { RunState } from './state';

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

/** What was delivered where and when, newest first, from the runs of one service. What was taken back at once never was. */
export function deliveriesOf(runs: readonly RunState[]): Delivery[] {
  const deliveries = runs.flatMap(deliveriesOfRun).sort((a, b) => (a.deliveredAt < b.deliveredAt ? 1 : -1));
  const next = new Map<string | undefined, string>();
  return deliveries.map((delivery) => {
    const endedAt = next.get(delivery.environment);
    next.set(delivery.environment, delivery.deliveredAt);
    return endedAt === undefined ? delivery : { ...delivery, endedAt };
  });
}

/** What was live at a time, by environment. */
export function liveAt(deliveries: readonly Delivery[], at: string): Delivery[] {
  return deliveries.filter(({ deliveredAt, endedAt }) => deliveredAt <= at && (endedAt === undefined || at < endedAt));
}

function deliveriesOfRun(run: RunState): Delivery[] {
  const told = { run: run.id, change: run.change, ...(run.slot !== undefined && { slot: run.slot }) };
  if (run.deployments.length === 0)
    return run.outcome === 'passed' && run.finishedAt !== undefined ? [{ ...told, deliveredAt: run.finishedAt }] : [];
  return run.deployments
    .filter((deployment) => deployment.state !== 'rolled-back')
    .map(({ environment, release }) => ({ ...told, environment, deliveredAt: release.deployedAt }));
}
