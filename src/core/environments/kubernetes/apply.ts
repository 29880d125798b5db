import { fail, ok, type Result } from '../../model/result';
import type { WriteLine } from '../environment';
import type { Kubectl } from './kubectl';
import type { KubernetesObject } from './objects';
import type { RolloutDeadline } from './rollout';
import { scaleManager } from './workload';

/** The field manager of the objects that a release applies. */
export const fieldManager = 'deliver';

/** Applies all objects on the server, which determines the differences. */
export async function apply(
  kubectl: Kubectl,
  objects: readonly KubernetesObject[],
  log: WriteLine,
  deadline: RolloutDeadline,
): Promise<Result<void>> {
  const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
  // The server validates every field: kubectl need not fetch the schema to do the same.
  const args = ['apply', '--server-side', `--field-manager=${fieldManager}`, '--validate=false', '--filename=-'];
  const applied = await deadline.retry((signal) => kubectl.text(args, { signal, input, stdout: log }));
  if (applied.ok) return ok(undefined);
  if (applied.reason !== 'conflict') return applied;
  const others = parseConflicts(applied.failure.message);
  if (others.length > 0 && others.every(isManagedByDeliver)) {
    log('taking over fields that a rollback or a stop has set');
    const forced = await deadline.retry((signal) => kubectl.text([...args, '--force-conflicts'], { signal, input, stdout: log }));
    return forced.ok ? ok(undefined) : forced;
  }
  return fail('delivery', `another manager has set fields of this release: ${applied.failure.message}`, {
    hint: 'remove these fields from the manifests (an autoscaler sets `replicas`), or hand them to Deliver: kubectl apply --server-side --force-conflicts --field-manager=deliver',
  });
}

export interface Conflict {
  readonly manager: string;
  readonly field: string;
}

/** Reads the conflicts in kubectl's output: `conflict with "NAME" using apps/v1: .spec.replicas`, or a list of fields. */
export function parseConflicts(text: string): Conflict[] {
  const conflicts: Conflict[] = [];
  let manager = '';
  for (const part of text.split(/(?=conflicts? with ")|\n/)) {
    manager = /conflicts? with "([^"]+)"/.exec(part)?.[1] ?? manager;
    for (const [, field = ''] of part.matchAll(/(?:^|[\s:-])(\.(?:metadata|spec|data)\S*)/g)) conflicts.push({ manager, field });
  }
  return conflicts;
}

/** `kubectl rollout undo` leaves its fields to the manager `kubectl`. A new release replaces them. */
function isManagedByDeliver({ manager, field }: Conflict): boolean {
  if (manager === scaleManager || manager === fieldManager) return true;
  return manager === 'kubectl' && (field.startsWith('.spec.template.') || field.startsWith('.metadata.annotations.'));
}
