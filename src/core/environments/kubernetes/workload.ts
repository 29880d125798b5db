import type { Release } from '../../model/events';
import { fail, ok, type Result } from '../../model/result';
import type { WriteLine } from '../environment';
import { releaseFrom, releaseLabel } from '../platform';
import { scaleManager } from './apply';
import type { KubectlResult, Kubectl } from './kubectl';
import { type KubernetesObject, type Metadata, type ObjectList, type Pod, type PodTemplate, selectorText, type Workload } from './objects';

/** A workload as the cluster has it; `undefined` where it has none of this name. `name` is like `deployment/shop`. */
export async function readWorkload(kubectl: Kubectl, name: string, signal: AbortSignal): Promise<KubectlResult<Workload | undefined>> {
  const read = await kubectl.json<Workload>(['get', qualifiedName(name)], { signal });
  return !read.ok && read.reason === 'not-found' ? { ok: true, value: undefined } : read;
}

/** With its group: another one may have a kind of the same name. */
export function qualifiedName(name: string): string {
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

/** What the cluster is told, so that everybody sees there what is live, and who delivered it. */
export const annotations = {
  service: 'deliver/service',
  environment: 'deliver/environment',
  /** Also in the template of the pods: the revisions that the cluster keeps of it are the history. */
  release: 'deliver/release',
  url: 'deliver/url',
  /** How many there were before it was stopped. */
  replicas: 'deliver/replicas',
  /** It was taken down, for nothing was there to go back to. */
  down: 'deliver/taken-down',
} as const;

export interface ReleaseAnnotations {
  readonly service: string;
  readonly environment: string;
  readonly release: Release;
  readonly url: string;
}

/** The workload as it is applied for a release. */
export function withReleaseAnnotations(workload: Workload, { service, environment, release, url }: ReleaseAnnotations): Workload {
  const told = {
    [annotations.service]: service,
    [annotations.environment]: environment,
    [annotations.release]: releaseLabel(release),
  };
  const { template } = workload.spec;
  return {
    ...workload,
    metadata: withAnnotations(workload.metadata, { ...told, ...(url !== '' && { [annotations.url]: url }) }),
    spec: { ...workload.spec, template: { ...template, metadata: withAnnotations(template.metadata ?? {}, told) } },
  };
}

function withAnnotations<M extends Partial<Metadata>>(metadata: M, more: Readonly<Record<string, string>>): M {
  return { ...metadata, annotations: { ...metadata.annotations, ...more } };
}

export function releaseOf(object: Pick<KubernetesObject, 'metadata'> | PodTemplate | undefined): Release | undefined {
  return releaseFrom(object?.metadata?.annotations?.[annotations.release]);
}

/** Ends all pods of a workload, and remembers how many there were. `down`: nothing is there to bring back. */
export async function scaleToZero(
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
export async function restoreScale(
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
  const args = ['patch', qualifiedName(name), '--type=merge', `--field-manager=${scaleManager}`, `--patch=${JSON.stringify(change)}`];
  const patched = await kubectl.text(args, { signal });
  return patched.ok ? ok(undefined) : patched;
}

/**
 * Ends a release that has no earlier one: no pod of it runs on. All else that was applied with it is left as it is. A daemon set
 * has no number of pods, and is not ours to delete: it is left as well, and the failure says how to end it.
 */
export async function takeDown(
  kubectl: Kubectl,
  name: string,
  workload: Workload,
  log: WriteLine,
  signal: AbortSignal,
): Promise<Result<void>> {
  const what = workload.kind === 'DaemonSet' ? 'is left as it is' : 'is scaled to 0, and all else is left as it is';
  log(`there is no earlier release: ${name} ${what}`);
  return scaleToZero(kubectl, name, workload, signal, { down: true });
}
