import { fail, ok, type Result } from '../../failure';
import type { Release } from '../../run/events';
import { releaseOf } from './annotations';
import type { Kubectl } from './kubectl';
import { selectorText, type ObjectList, type PodTemplate, type Revision, type Workload } from './objects';

/** A state that the cluster can bring back. */
export interface PastRevision {
  readonly revision: number;
  readonly release?: Release;
}

/** The revisions of a workload, newest first: what is live is the first. */
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
  return revision ?? Number(metadata.annotations?.['deployment.kubernetes.io/revision'] ?? 0);
}
