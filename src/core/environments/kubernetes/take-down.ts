import type { Result } from '../../model/result';
import type { Say } from '../environment';
import type { Kubectl } from './kubectl';
import type { Workload } from './objects';
import { scaleToNothing } from './scale';

/**
 * Ends a release that has no earlier one: no pod of it runs on. All else that was applied with it is left as it is. A daemon set
 * has no number of pods, and is not ours to delete: it is left as well, and the failure says how to end it.
 */
export async function takeDown(kubectl: Kubectl, name: string, workload: Workload, log: Say, signal: AbortSignal): Promise<Result<void>> {
  const what = workload.kind === 'DaemonSet' ? 'is left as it is' : 'is scaled to 0, and all else is left as it is';
  log(`there is no earlier release: ${name} ${what}`);
  return scaleToNothing(kubectl, name, workload, signal, { down: true });
}
