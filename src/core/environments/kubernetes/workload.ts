import type { Release } from '../../model/events';
import { fail, ok, type Result } from '../../model/result';
import type { WriteLine } from '../environment';
import { releaseFrom, releaseLabel } from '../platform';
import type { Kubectl, KubectlResult } from './kubectl';
import {
  type KubernetesObject,
  type ObjectList,
  type Pod,
  type PodTemplate,
  selectorText,
  withAnnotations,
  type Workload,
} from './objects';

/** Returns a workload of the cluster, or undefined if it does not exist. `name` is like `deployment/shop`. */
export async function readWorkload(
  kubectl: Kubectl,
  name: string,
  signal: AbortSignal,
  requestSeconds?: number,
): Promise<KubectlResult<Workload | undefined>> {
  const read = await kubectl.json<Workload>(['get', qualifiedName(name)], { signal, requestSeconds });
  return !read.ok && read.reason === 'not-found' ? { ok: true, value: undefined } : read;
}

/** Adds the API group: another group may have a kind of the same name. */
export function qualifiedName(name: string): string {
  const [kind = '', resource = ''] = name.split('/');
  return `${kind}s.apps/${resource}`;
}

/** Returns the pods of the workload's current template, without those of other releases. */
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

/** The field manager of replica counts that a stop or a start sets. */
export const scaleManager = 'deliver-scale';

/** Annotations that identify the live release and its author for everybody with access to the cluster. */
export const annotations = {
  service: 'deliver/service',
  environment: 'deliver/environment',
  /** Also in the pod template, so that the revisions of the cluster form the history. */
  release: 'deliver/release',
  url: 'deliver/url',
  /** The number of replicas before a stop. */
  replicas: 'deliver/replicas',
  /** The workload was taken down, because there was no earlier release. */
  down: 'deliver/taken-down',
} as const;

export interface ReleaseAnnotations {
  readonly service: string;
  readonly environment: string;
  readonly release: Release;
  readonly url: string;
}

/** Returns the workload with the annotations of a release. */
export function withReleaseAnnotations(workload: Workload, { service, environment, release, url }: ReleaseAnnotations): Workload {
  const values = {
    [annotations.service]: service,
    [annotations.environment]: environment,
    [annotations.release]: releaseLabel(release),
  };
  const { template } = workload.spec;
  return {
    ...workload,
    metadata: withAnnotations(workload.metadata, { ...values, ...(url !== '' && { [annotations.url]: url }) }),
    spec: { ...workload.spec, template: { ...template, metadata: withAnnotations(template.metadata ?? {}, values) } },
  };
}

export function releaseOf(object: Pick<KubernetesObject, 'metadata'> | PodTemplate | undefined): Release | undefined {
  return releaseFrom(object?.metadata?.annotations?.[annotations.release]);
}

/** Scales a workload to 0 and records its former number of replicas. `down`: there is no earlier release to restore. */
export async function scaleToZero(
  kubectl: Kubectl,
  name: string,
  workload: Workload,
  signal: AbortSignal,
  { down }: { readonly down?: true } = {},
): Promise<Result<void>> {
  if (workload.kind === 'DaemonSet')
    return fail('usage', `${name} is a daemon set, which cannot be scaled to 0`, {
      hint: `delete it with: ${kubectl.shown(`delete ${name}`)}`,
    });
  const before = replicasOf(workload);
  const values = { [annotations.replicas]: String(before), ...(down && { [annotations.down]: 'true' }) };
  return patch(kubectl, name, { metadata: { annotations: values }, spec: { replicas: 0 } }, signal);
}

/** Restores the number of replicas before a stop, or `wanted`. Does nothing if the workload was not stopped. */
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

/** Returns whether the workload was taken down. Its revision is no target for a rollback. */
export function isTakenDown(workload: Workload): boolean {
  return workload.metadata.annotations?.[annotations.down] !== undefined && isStopped(workload);
}

export function isStopped({ metadata, spec }: Workload): boolean {
  return metadata.annotations?.[annotations.replicas] !== undefined && spec.replicas === 0;
}

/** Returns the number of replicas, or the number before a stop. */
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
 * Stops a release that has no earlier one. Its other objects stay. A daemon set cannot be scaled: it stays too, and the failure says
 * how to delete it.
 */
export async function takeDown(
  kubectl: Kubectl,
  name: string,
  workload: Workload,
  log: WriteLine,
  signal: AbortSignal,
): Promise<Result<void>> {
  const what = workload.kind === 'DaemonSet' ? 'stays live' : 'is scaled to 0, and its other objects stay';
  log(`there is no earlier release: ${name} ${what}`);
  return scaleToZero(kubectl, name, workload, signal, { down: true });
}
