import type { Release } from '../../model/events';
import { fail, ok, type Result } from '../../model/result';
import { shortCommit } from '../../support/format';
import type { Kubectl } from './kubectl';
import { type ObjectList, type PodTemplate, type Revision, selectorText, type Workload } from './objects';
import { releaseOf } from './workload';

/** The annotation with the revision of a deployment or a replica set. */
const revisionAnnotation = 'deployment.kubernetes.io/revision';

/** A revision that the cluster can roll back to. */
export interface PastRevision {
  readonly revision: number;
  readonly release?: Release;
}

/** Returns the revisions of a workload, newest first. */
export async function readHistory(kubectl: Kubectl, workload: Workload, signal: AbortSignal): Promise<Result<PastRevision[]>> {
  const kind = workload.kind === 'Deployment' ? 'replicasets.apps' : 'controllerrevisions.apps';
  const list = await kubectl.json<ObjectList<Revision>>(['get', kind, `--selector=${selectorText(workload.spec.selector)}`], { signal });
  return list.ok ? ok(historyOf(workload, list.value.items ?? [])) : list;
}

export function historyOf(workload: Workload, revisions: readonly Revision[]): PastRevision[] {
  return revisions
    .filter(({ metadata }) => metadata.ownerReferences?.some(({ uid }) => uid === workload.metadata.uid))
    .map((past) => ({ revision: revisionOf(past), release: releaseOf(templateOf(past)) }))
    .filter(({ revision }) => revision > 0)
    .sort((a, b) => b.revision - a.revision);
}

/** Returns the live revision, or undefined if the cluster keeps none. During a rollout it is not the newest one. */
export function liveRevision(history: readonly PastRevision[], workload: Workload): number | undefined {
  const release = releaseOf(workload.spec.template);
  const recorded = Number(workload.metadata.annotations?.[revisionAnnotation]);
  const live =
    history.find((past) => release !== undefined && past.release?.id === release.id) ??
    history.find(({ revision }) => revision === recorded);
  return (live ?? history[0])?.revision;
}

/** Returns the revision of a release. */
export function revisionWith(history: readonly PastRevision[], release: Release): Result<number> {
  const found = history.find((past) => past.release?.id === release.id);
  if (found) return ok(found.revision);
  const available = history.flatMap(({ release: kept }) => (kept ? [shortCommit(kept.commit)] : [])).join(', ');
  return fail('delivery', `the cluster no longer keeps ${shortCommit(release.commit)}`, {
    hint: `${available === '' ? 'it keeps no release' : `it keeps ${available}`}; revisionHistoryLimit of the workload sets how many`,
  });
}

function templateOf({ spec, data }: Revision): PodTemplate | undefined {
  return spec?.template ?? data?.spec?.template;
}

function revisionOf({ revision, metadata }: Revision): number {
  return revision ?? Number(metadata.annotations?.[revisionAnnotation] ?? 0);
}
