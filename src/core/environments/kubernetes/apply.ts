import { fail, ok, type Result } from '../../model/result';
import type { WriteLine } from '../environment';
import type { Kubectl } from './kubectl';
import type { KubernetesObject } from './objects';
import type { RolloutDeadline } from './rollout';

/** Whose fields these are in the cluster. */
export const fieldManager = 'deliver';
/** What `scale.ts` sets. */
export const scaleManager = 'deliver-scale';

/** Hands all objects to the cluster, which decides by itself what is different. */
export async function apply(
  kubectl: Kubectl,
  objects: readonly KubernetesObject[],
  log: WriteLine,
  deadline: RolloutDeadline,
): Promise<Result<void>> {
  const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
  // The server checks every field of what is applied: kubectl need not fetch the schema to do it too.
  const args = ['apply', '--server-side', `--field-manager=${fieldManager}`, '--validate=false', '--filename=-'];
  const applied = await deadline.retry((signal) => kubectl.text(args, { signal, input, stdout: log }));
  if (applied.ok) return ok(undefined);
  if (applied.reason !== 'conflict') return applied;
  const others = parseConflicts(applied.failure.message);
  if (others.length > 0 && others.every(isManagedByDeliver)) {
    log('a rollback or a stop holds some of these fields: this release takes them over');
    const forced = await deadline.retry((signal) => kubectl.text([...args, '--force-conflicts'], { signal, input, stdout: log }));
    return forced.ok ? ok(undefined) : forced;
  }
  return fail('delivery', `something else has set what this release sets: ${applied.failure.message}`, {
    hint: 'take these fields out of the manifests (an autoscaler sets `replicas`), or let Deliver have them: kubectl apply --server-side --force-conflicts --field-manager=deliver',
  });
}

export interface Conflict {
  readonly manager: string;
  readonly field: string;
}

/** What kubectl says of conflicts: `conflict with "NAME" using apps/v1: .spec.replicas`, or several below each other. */
export function parseConflicts(text: string): Conflict[] {
  const conflicts: Conflict[] = [];
  let manager = '';
  for (const part of text.split(/(?=conflicts? with ")|\n/)) {
    manager = /conflicts? with "([^"]+)"/.exec(part)?.[1] ?? manager;
    for (const [, field = ''] of part.matchAll(/(?:^|[\s:-])(\.(?:metadata|spec|data)\S*)/g)) conflicts.push({ manager, field });
  }
  return conflicts;
}

/** `kubectl rollout undo` leaves its fields to `kubectl`: what it brought back is what a new release is to replace. */
function isManagedByDeliver({ manager, field }: Conflict): boolean {
  if (manager === scaleManager || manager === fieldManager) return true;
  return manager === 'kubectl' && (field.startsWith('.spec.template.') || field.startsWith('.metadata.annotations.'));
}
