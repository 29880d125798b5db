import type { Release } from '../../model/events';
import { releaseFrom, releaseLabel } from '../platform';
import type { KubernetesObject, Metadata, PodTemplate, Workload } from './objects';

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

export interface Told {
  readonly service: string;
  readonly environment: string;
  readonly release: Release;
  readonly url: string;
}

/** The workload as it is applied for a release. */
export function annotated(workload: Workload, { service, environment, release, url }: Told): Workload {
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
