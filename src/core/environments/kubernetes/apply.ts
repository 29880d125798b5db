import { fail, type Failure, ok, type Result } from '../../model/result';
import type { WriteLine } from '../environment';
import { errorsOf, type Kubectl, type KubectlResult } from './kubectl';
import { keyOf, type KubernetesObject, nameOf, type ObjectList } from './objects';
import type { RolloutDeadline } from './rollout';
import { scaleManager } from './workload';

/** The field manager of the objects that a release applies. */
export const fieldManager = 'deliver';

export interface ApplyOptions {
  /** Takes fields that another manager has set. */
  readonly force: boolean;
  readonly log: WriteLine;
  readonly deadline: RolloutDeadline;
}

function applyArguments(force: boolean): string[] {
  // The server validates every field: kubectl need not fetch the schema to do the same.
  const args = ['apply', '--server-side', `--field-manager=${fieldManager}`, '--validate=false', '--filename=-'];
  return force ? [...args, '--force-conflicts'] : args;
}

/** Applies objects in their order. The server determines the differences. */
export async function applyObjects(
  kubectl: Kubectl,
  objects: readonly KubernetesObject[],
  { force, log, deadline }: ApplyOptions,
): Promise<Result<void>> {
  for (const group of inOneNamespace(objects, kubectl)) {
    const applied = await deadline.retry((signal) =>
      group.kubectl.text(applyArguments(force), { signal, input: listOf(group.objects), stdout: log }),
    );
    if (!applied.ok) return applied;
  }
  return ok(undefined);
}

/** The answer of the server to a dry run. */
export interface Accepted {
  /** The conflicts are only with fields that Deliver itself has set in another way. */
  readonly force: boolean;
  /** The keys of the jobs that have to be replaced, because the template of a job cannot change. */
  readonly replaced: ReadonlySet<string>;
}

/**
 * Asks the server whether it accepts all objects. Changes nothing. The answer includes admission policies, quotas, immutable fields
 * and conflicts with other managers.
 */
export async function dryRun(kubectl: Kubectl, objects: readonly KubernetesObject[], options: ApplyOptions): Promise<Result<Accepted>> {
  const { log, deadline } = options;
  const { namespace = 'default' } = kubectl.place;
  let { force } = options;
  const replaced = new Set<string>();
  for (const group of inOneNamespace(objects, kubectl)) {
    const ask = async (some: readonly KubernetesObject[]): Promise<Refused | undefined> =>
      deadline
        .retry(async (signal): Promise<KubectlResult<Refused | undefined>> => {
          const end = await group.kubectl.run([...applyArguments(force), '--dry-run=server'], { signal, input: listOf(some) });
          if (end.exitCode === 0) return { ok: true, value: undefined };
          const answer = group.kubectl.failure(end);
          return answer.reason === 'unreachable' ? answer : { ok: true, value: { ...answer, errors: errorsOf(end.stderr) } };
        })
        .then((answer) => (answer.ok ? answer.value : { ...answer, errors: [] }));
    let refused = await ask(group.objects);
    if (refused?.reason === 'conflict') {
      const others = parseConflicts(refused.failure.message).filter((conflict) => !isManagedByDeliver(conflict));
      if (others.length > 0) return await explainConflicts(group.kubectl, group.objects, others, deadline);
      log('taking over fields that a rollback or a stop has set');
      force = true;
      refused = await ask(group.objects);
    }
    if (!refused) continue;
    if (refused.errors.length > 0 && refused.errors.every((error) => /does not support dry run/.test(error))) {
      log(`the cluster cannot check everything before it changes: ${refused.failure.message}`);
      continue;
    }
    const jobs = group.objects.filter(
      (object) =>
        isJob(object) && refused?.errors.some((error) => error.startsWith(`The Job "${object.metadata.name}"`) && isImmutable(error)),
    );
    if (jobs.length === 0) return refusal(refused, group.kubectl);
    for (const job of jobs) replaced.add(keyOf(job, namespace));
    const others = group.objects.filter((object) => !jobs.includes(object));
    // The new job has to be accepted too: under its own name, the server compares it with the old one.
    const renamed = jobs.map((job) => ({ ...job, metadata: { ...job.metadata, name: `${job.metadata.name.slice(0, 50)}-dry-run` } }));
    const again = await ask([...others, ...renamed]);
    if (again) return refusal(again, group.kubectl);
  }
  return ok({ force, replaced });
}

interface Refused {
  readonly reason: string;
  readonly failure: Failure;
  readonly errors: readonly string[];
}

function isImmutable(error: string): boolean {
  return /immutable|updates to \w+ spec for fields other than/.test(error);
}

export function isJob(object: KubernetesObject): boolean {
  return object.kind === 'Job' && object.apiVersion?.startsWith('batch/') === true;
}

function refusal({ failure, errors }: Refused, kubectl: Kubectl): Result<never> {
  if (failure.kind === 'cancelled' || errors.length === 0) return { ok: false, failure };
  const [first = ''] = errors;
  const [, kind = '', name = ''] = /^The ([\w.]+) "([^"]+)"/.exec(first) ?? [];
  const all = errors.slice(0, 3).map((error) => (error.length > 400 ? `${error.slice(0, 400)}…` : error));
  return fail('delivery', `the cluster does not accept this release, and nothing was changed: ${all.join('; ')}`, {
    hint: isImmutable(first)
      ? `this field cannot change: give the object another name, or delete it first, which ends it: ${kubectl.shown(`delete ${kind.toLowerCase()}/${name}`)}`
      : failure.hint,
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
    for (const [, field = ''] of part.matchAll(/(?:^|[\s:-])(\.(?:[a-z]\w*)\S*)/g)) conflicts.push({ manager, field });
  }
  return conflicts;
}

/** Older versions rolled back with `kubectl rollout undo`, which leaves its fields to the manager `kubectl`. */
function isManagedByDeliver({ manager, field }: Conflict): boolean {
  if (manager === scaleManager || manager === fieldManager) return true;
  return manager === 'kubectl' && (field.startsWith('.spec.template.') || field.startsWith('.metadata.annotations.'));
}

/** Returns a failure that names the fields, their objects and their managers. kubectl does not name the objects. */
async function explainConflicts(
  kubectl: Kubectl,
  objects: readonly KubernetesObject[],
  conflicts: readonly Conflict[],
  deadline: RolloutDeadline,
): Promise<Result<never>> {
  const found: string[] = [];
  for (const object of objects) {
    const asked = await deadline.retry((signal) =>
      kubectl.text([...applyArguments(false), '--dry-run=server'], { signal, input: listOf([object]) }),
    );
    if (asked.ok || asked.reason !== 'conflict') continue;
    for (const conflict of parseConflicts(asked.failure.message))
      if (!isManagedByDeliver(conflict)) found.push(`${conflict.field} of ${nameOf(object)} was set by ${conflict.manager}`);
  }
  const shown = found.length > 0 ? found : conflicts.map(({ manager, field }) => `${field} was set by ${manager}`);
  const fields = [...new Set(conflicts.map(({ field }) => field))].join(', ');
  return fail('delivery', `nothing was changed: ${shown.join('; ')}`, {
    hint: `leave ${fields} out of the manifests to keep the value that is set, or set \`conflicts: take\` to use the value of the manifests`,
  });
}

function listOf(objects: readonly object[]): string {
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
}

/** Groups consecutive objects by namespace: kubectl refuses objects of another namespace than the one that it is called with. */
function inOneNamespace(
  objects: readonly KubernetesObject[],
  kubectl: Kubectl,
): { readonly kubectl: Kubectl; readonly objects: KubernetesObject[] }[] {
  const groups: { kubectl: Kubectl; objects: KubernetesObject[] }[] = [];
  for (const object of objects) {
    const at = kubectl.in(object.metadata.namespace ?? kubectl.place.namespace ?? 'default');
    const last = groups.at(-1);
    if (last?.kubectl.place.namespace === at.place.namespace) last?.objects.push(object);
    else groups.push({ kubectl: at, objects: [object] });
  }
  return groups;
}

/** Returns the objects as they are in the cluster, with the managers of their fields. Those that do not exist are left out. */
export async function readObjects(
  kubectl: Kubectl,
  objects: readonly KubernetesObject[],
  deadline: RolloutDeadline,
): Promise<Result<KubernetesObject[]>> {
  const found: KubernetesObject[] = [];
  for (const group of inOneNamespace(objects, kubectl)) {
    const read = await readGroup(group.kubectl, group.objects, deadline);
    if (!read.ok) return read;
    found.push(...read.value);
  }
  return ok(found);
}

async function readGroup(
  kubectl: Kubectl,
  objects: readonly KubernetesObject[],
  deadline: RolloutDeadline,
): Promise<Result<KubernetesObject[]>> {
  if (objects.length === 0) return ok([]);
  const args = ['get', '--filename=-', '--ignore-not-found', '--output=json'];
  const get = (more: readonly string[]): Promise<KubectlResult<string>> =>
    deadline.retry((signal) => kubectl.text([...args, ...more], { signal, input: listOf(objects) }));
  let read = await get(['--show-managed-fields']);
  // kubectl 1.20 always shows them.
  if (!read.ok && /unknown flag/.test(read.failure.message)) read = await get([]);
  if (!read.ok) {
    // The definition of a custom resource is gone, and so are its objects.
    const unknown = objects.filter(({ kind }) => read.ok || !read.failure.message.includes(`no matches for kind "${kind}"`));
    return unknown.length < objects.length ? readGroup(kubectl, unknown, deadline) : read;
  }
  if (read.value.trim() === '') return ok([]);
  const answer = JSON.parse(read.value) as KubernetesObject & ObjectList<KubernetesObject>;
  return ok([...(answer.items ?? [answer])]);
}

/** Puts objects back as they were read. The values of other managers stay theirs. */
export async function replaceObjects(kubectl: Kubectl, objects: readonly KubernetesObject[], options: ApplyOptions): Promise<Result<void>> {
  const { log, deadline } = options;
  const args = ['replace', `--field-manager=${fieldManager}`, '--validate=false', '--filename=-'];
  for (const group of inOneNamespace(objects, kubectl)) {
    const input = listOf(group.objects.map(withoutState));
    const replaced = await deadline.retry((signal) => group.kubectl.text(args, { signal, input, stdout: log }));
    if (!replaced.ok) return replaced;
  }
  return ok(undefined);
}

function withoutState(object: KubernetesObject): object {
  const metadata = { ...object.metadata, resourceVersion: undefined, uid: undefined, generation: undefined };
  return { ...object, metadata, status: undefined };
}

/** Deletes objects and what they own. Does not wait for their end. */
export async function deleteObjects(kubectl: Kubectl, objects: readonly KubernetesObject[], options: ApplyOptions): Promise<Result<void>> {
  const { log, deadline } = options;
  for (const group of inOneNamespace(objects, kubectl)) {
    const args = ['delete', '--filename=-', '--ignore-not-found', '--wait=false'];
    const deleted = await deadline.retry((signal) => group.kubectl.text(args, { signal, input: listOf(group.objects), stdout: log }));
    if (!deleted.ok) return deleted;
  }
  return ok(undefined);
}
