import { fail, ok, type Result } from '../../model/result';
import type { Release } from '../../model/events';
import { releaseOf } from './workload';
import type { Kubectl } from './kubectl';
import { selectorText, type ObjectList, type PodTemplate, type Revision, type Workload } from './objects';

/** What the cluster writes the revision to, of a deployment and its replica sets. */
const revisionAnnotation = 'deployment.kubernetes.io/revision';

/** A state that the cluster can bring back. */
export interface PastRevision {
  readonly revision: number;
  readonly release?: Release;
}

/** The revisions of a workload, newest first. */
export async function readHistory(kubectl: Kubectl, workload: Workload, signal: AbortSignal): Promise<Result<PastRevision[]>> {
  const kind = workload.kind === 'Deployment' ? 'replicasets.apps' : 'controllerrevisions.apps';
  const list = await kubectl.json<ObjectList<Revision>>(['get', kind, `--selector=${selectorText(workload.spec.selector)}`], { signal });
  return list.ok ? ok(historyOf(workload, list.value.items ?? [])) : list;
}

export function historyOf(workload: Workload, revisions: readonly Revision[]): PastRevision[] {
  return revisions
    .filter(({ metadata }) => metadata.ownerReferences?.some(({ uid }) => uid === workload.metadata.uid))
    .map((one) => {
      const release = releaseOf(templateOf(one));
      return { revision: revisionOf(one), ...(release && { release }) };
    })
    .filter(({ revision }) => revision > 0)
    .sort((a, b) => b.revision - a.revision);
}

/** The revision that is live, which is the newest only when no rollout is under way; `undefined` where the cluster keeps none. */
export function liveRevision(history: readonly PastRevision[], workload: Workload): number | undefined {
  const release = releaseOf(workload.spec.template);
  const told = Number(workload.metadata.annotations?.[revisionAnnotation]);
  const live =
    history.find((one) => release !== undefined && one.release?.id === release.id) ?? history.find(({ revision }) => revision === told);
  return (live ?? history[0])?.revision;
}

/** The revision that holds a release. */
export function revisionWith(history: readonly PastRevision[], release: Release): Result<number> {
  const found = history.find((one) => one.release?.id === release.id);
  if (found) return ok(found.revision);
  const there = history.flatMap((one) => one.release?.commit.slice(0, 8) ?? []).join(', ');
  return fail('delivery', `the cluster does not keep ${release.commit.slice(0, 8)} any more`, {
    hint: `${there === '' ? 'it keeps no release' : `it keeps ${there}`}; revisionHistoryLimit of the workload says how many`,
  });
}

function templateOf({ spec, data }: Revision): PodTemplate | undefined {
  return spec?.template ?? data?.spec?.template;
}

function revisionOf({ revision, metadata }: Revision): number {
  return revision ?? Number(metadata.annotations?.[revisionAnnotation] ?? 0);
}
