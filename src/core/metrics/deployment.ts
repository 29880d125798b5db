import type { RunState } from '../model/run-state';

/** A release that went live where customers are, whatever became of it. */
export interface ProductionDeployment {
  readonly service: string;
  readonly environment: string;
  readonly commit: string;
  /** The user's commit whose changes it carries; absent where it is not known. That of a dirty snapshot is the one below it. */
  readonly committed?: string;
  /** The commit that was live until then; absent where none was, or none is known. */
  readonly previous?: string;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly source: string;
  /** Absent while it did not fail. */
  readonly failure?: DeploymentFailure;
}

export interface DeploymentFailure {
  /** When it was taken back, or was said to have failed. ISO 8601, UTC. */
  readonly at: string;
  /** The earlier commit that was live again from then on; absent where none was. */
  readonly back?: string;
}

/** One that a journal on this machine tells. */
export interface JournaledDeployment extends ProductionDeployment {
  /** Its run from start to end: what the run put on record elsewhere was put there in this time. */
  readonly run: { readonly from: string; readonly to: string };
}

/**
 * What the runs of a service brought live in an environment, oldest first. One that was taken back is a failure, whether a step that
 * verifies, the watch over it, or a person did so; one that never went live is none and is not in the list.
 */
export function journaledDeployments(runs: readonly RunState[], service: string, environment: string): JournaledDeployment[] {
  const found = new Map<string, JournaledDeployment>();
  for (const run of runs)
    for (const deployment of run.deployments) {
      const { release, takenBack, previous } = deployment;
      if (deployment.service !== service || deployment.environment !== environment) continue;
      // A further attempt of a run on a CI service may tell it again.
      if (found.get(release.id)?.failure) continue;
      const committed = release.dirty || run.change.dirty ? run.change.base : release.commit;
      // Back to one that is newer is forward.
      const isForward = takenBack?.byHand && takenBack.to && timeOf(takenBack.to.deployedAt) > timeOf(release.deployedAt);
      found.set(release.id, {
        ...{ service, environment, commit: release.commit, at: utc(release.deployedAt), source: 'journals' },
        ...(committed !== undefined && { committed }),
        ...(previous && { previous: previous.commit }),
        ...(takenBack && !isForward && { failure: { at: utc(takenBack.at), ...(takenBack.to && { back: takenBack.to.commit }) } }),
        run: { from: utc(run.startedAt), to: utc(run.finishedAt ?? release.deployedAt) },
      });
    }
  return inOrder([...found.values()]);
}

export function inOrder<T extends { readonly at: string }>(all: readonly T[]): T[] {
  return [...all].sort((a, b) => timeOf(a.at) - timeOf(b.at));
}

export function timeOf(iso: string): number {
  return Date.parse(iso);
}

function utc(iso: string): string {
  return new Date(iso).toISOString();
}

/**
 * Between which commits the changes lie that a deployment brought: from what was live before it, or before the failed ones that it
 * repairs in their place. Undefined where one of the two is not known. `all` is oldest first.
 */
export function rangeOf(
  deployment: ProductionDeployment,
  all: readonly ProductionDeployment[],
): { readonly from: string; readonly to: string } | undefined {
  const before = all.slice(0, all.indexOf(deployment));
  let { previous } = deployment;
  for (let at = before.length - 1; at >= 0 && previous !== undefined; at--) {
    const one = before[at];
    if (one?.commit !== previous) continue;
    if (one.failure && one.failure.back === undefined) previous = one.previous;
    else {
      previous = one.committed;
      break;
    }
  }
  return previous === undefined || deployment.committed === undefined ? undefined : { from: previous, to: deployment.committed };
}
