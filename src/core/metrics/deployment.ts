import type { RunState } from '../model/run-state';

/** A release that went live in the customers' environment, even if it failed later. */
export interface ProductionDeployment {
  readonly service: string;
  readonly environment: string;
  readonly commit: string;
  /** The commit with the deployed changes; absent if unknown. For a dirty snapshot, its base commit. */
  readonly committed?: string;
  /** The commit that was live before; absent if unknown or none. */
  readonly previous?: string;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly source: string;
  /** Absent if the deployment did not fail. */
  readonly failure?: DeploymentFailure;
}

export interface DeploymentFailure {
  /** The time when it was rolled back or reported as failed. ISO 8601, UTC. */
  readonly at: string;
  /** The earlier commit that was live again afterwards; absent if none. */
  readonly back?: string;
}

/** A deployment from a journal on this machine. */
export interface JournaledDeployment extends ProductionDeployment {
  /** Start and end of its run. The run's records elsewhere date from this time. */
  readonly run: { readonly from: string; readonly to: string };
}

/**
 * Returns the releases that a service's runs brought live in an environment, oldest first. A rollback counts as a failure, whether
 * a verifying step, monitoring or a person started it. Releases that never went live are not in the list.
 */
export function journaledDeployments(runs: readonly RunState[], service: string, environment: string): JournaledDeployment[] {
  const found = new Map<string, JournaledDeployment>();
  for (const run of runs)
    for (const deployment of run.deployments) {
      const { release, takenBack, previous } = deployment;
      if (deployment.service !== service || deployment.environment !== environment) continue;
      // Another attempt of a run on a CI service may report the release again.
      if (found.get(release.id)?.failure) continue;
      const committed = release.dirty || run.change.dirty ? run.change.base : release.commit;
      // A rollback to a newer release is an upgrade.
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
 * Returns the commit range of the changes in a deployment. It starts at the commit that was live before, or before the failed
 * deployments that this one repairs. Undefined if either end is unknown. `all` is oldest first.
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

/** Returns whether a commit contains an earlier one; undefined if git does not know one of them. */
export type Contains = (commit: string, earlier: string) => Promise<boolean | undefined>;

/**
 * Returns for each deployment whether it repairs a failed one: its commit contains the failed commit, and no repair was successful
 * before. The order of time is irrelevant: a commit without the failed change repairs nothing. Undefined if unknown. `deployments`
 * and the result are oldest first.
 */
export async function reworkOf(deployments: readonly ProductionDeployment[], contains: Contains): Promise<(boolean | undefined)[]> {
  let broken: string[] = [];
  const answers: (boolean | undefined)[] = [];
  for (const { commit, failure } of deployments) {
    const contained = await Promise.all(broken.map(async (earlier) => contains(commit, earlier)));
    const isRework = contained.some((one) => one === true);
    answers.push(isRework || contained.every((one) => one !== undefined) ? isRework : undefined);
    if (failure) broken = [...new Set([...broken, commit])];
    else broken = broken.filter((_, index) => contained[index] !== true);
  }
  return answers;
}
