import type { Result } from '../../model/result';
import { annotations, releaseOf } from './annotations';
import type { Kubectl } from './kubectl';
import type { Answer } from './kubectl-failure';
import { selectorText, type ObjectList, type Pod, type Workload } from './objects';

/** A workload as the cluster has it; `undefined` where it has none of this name. `name` is like `deployment/shop`. */
export async function readWorkload(kubectl: Kubectl, name: string, signal: AbortSignal): Promise<Answer<Workload | undefined>> {
  const read = await kubectl.json<Workload>(['get', qualified(name)], { signal });
  return !read.ok && read.trouble === 'not-found' ? { ok: true, value: undefined } : read;
}

/** With its group: another one may have a kind of the same name. */
export function qualified(name: string): string {
  const [kind = '', own = ''] = name.split('/');
  return `${kind}s.apps/${own}`;
}

/** The pods of what the workload is to run now; those of other releases go. */
export function podsOfRelease(workload: Workload, { items = [] }: ObjectList<Pod>): Pod[] {
  const wanted = workload.spec.template.metadata?.annotations?.[annotations.release];
  return items.filter(
    ({ kind, metadata }) =>
      (kind === undefined || kind === 'Pod') &&
      metadata.deletionTimestamp === undefined &&
      metadata.annotations?.[annotations.release] === wanted,
  );
}

export async function readPods(kubectl: Kubectl, workload: Workload, signal: AbortSignal): Promise<Result<ObjectList<Pod>>> {
  return kubectl.json<ObjectList<Pod>>(['get', 'pods', `--selector=${selectorText(workload.spec.selector)}`], { signal });
}

export function isLive(workload: Workload | undefined, releaseId: string): boolean {
  return releaseOf(workload?.spec.template)?.id === releaseId;
}
