import { fail, ok, type Result } from '../../model/result';
import { annotations } from './annotations';
import { scaleManager } from './apply';
import type { Kubectl } from './kubectl';
import type { Workload } from './objects';
import { qualified } from './workload';

/** Ends all pods of a workload, and remembers how many there were. `down`: nothing is there to bring back. */
export async function scaleToNothing(
  kubectl: Kubectl,
  name: string,
  workload: Workload,
  signal: AbortSignal,
  { down }: { readonly down?: true } = {},
): Promise<Result<void>> {
  if (workload.kind === 'DaemonSet')
    return fail('usage', `${name} runs on every node, and has no number of pods to set to none`, {
      hint: `to end it: kubectl --context=${kubectl.place.context} delete ${name}`,
    });
  const before = replicasOf(workload);
  const told = { [annotations.replicas]: String(before), ...(down && { [annotations.down]: 'true' }) };
  return patch(kubectl, name, { metadata: { annotations: told }, spec: { replicas: 0 } }, signal);
}

/** As many pods again as there were, or as `wanted` says. Does nothing where it was not stopped. */
export async function scaleBack(
  kubectl: Kubectl,
  name: string,
  workload: Workload,
  signal: AbortSignal,
  wanted?: number,
): Promise<Result<void>> {
  if (workload.metadata.annotations?.[annotations.replicas] === undefined) return ok(undefined);
  const forgotten = { [annotations.replicas]: null, [annotations.down]: null };
  return patch(kubectl, name, { metadata: { annotations: forgotten }, spec: { replicas: wanted ?? replicasOf(workload) } }, signal);
}

/** It was ended because there was nothing to bring back: its revision is none to go back to. */
export function isTakenDown(workload: Workload): boolean {
  return workload.metadata.annotations?.[annotations.down] !== undefined && isStopped(workload);
}

export function isStopped({ metadata, spec }: Workload): boolean {
  return metadata.annotations?.[annotations.replicas] !== undefined && spec.replicas === 0;
}

/** How many it runs, or ran before it was stopped. */
function replicasOf({ metadata, spec }: Workload): number {
  const remembered = Number(metadata.annotations?.[annotations.replicas] ?? NaN);
  const { replicas = 1 } = spec;
  return replicas === 0 && Number.isInteger(remembered) ? remembered : replicas;
}

async function patch(kubectl: Kubectl, name: string, change: object, signal: AbortSignal): Promise<Result<void>> {
  const args = ['patch', qualified(name), '--type=merge', `--field-manager=${scaleManager}`, `--patch=${JSON.stringify(change)}`];
  const patched = await kubectl.text(args, { signal });
  return patched.ok ? ok(undefined) : patched;
}
