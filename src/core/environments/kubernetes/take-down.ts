import { fail, ok, type Result } from '../../failure';
import type { Say } from '../environment';
import type { Kubectl } from './kubectl';
import type { Workload } from './objects';
import { scaleToNothing } from './scale';
import { qualified } from './workload';

/** Ends a release that has no earlier one: no pod of it runs on. All else that was applied with it is left as it is. */
export async function takeDown(kubectl: Kubectl, name: string, workload: Workload, log: Say, signal: AbortSignal): Promise<Result<void>> {
  if (workload.kind !== 'DaemonSet') {
    log(`there is no earlier release: ${name} is scaled to 0, and all else is left as it is`);
    return scaleToNothing(kubectl, name, workload, signal, { down: true });
  }
  // Only what this release made: a later generation stands in the place of something, which is not ours to delete.
  if (workload.metadata.generation !== 1) return scaleToNothing(kubectl, name, workload, signal, { down: true });
  log(`there is no earlier release: ${name}, which runs on every node, is deleted, and all else is left as it is`);
  const deleted = await kubectl.text(['delete', qualified(name), '--wait=false'], { signal });
  if (deleted.ok || deleted.trouble === 'not-found') return ok(undefined);
  return fail('delivery', `${name} could not be deleted: ${deleted.failure.message}`, {
    hint: `to end it: kubectl --context=${kubectl.place.context} --namespace=${kubectl.place.namespace ?? 'default'} delete ${name}`,
  });
}
