import type { PlatformPlace } from '../platform';
import { fieldManager } from './apply';
import { isFoundation } from './order';
import { groupOf, type KubernetesObject, type Metadata, withAnnotations } from './objects';
import { annotations, scaleManager } from './workload';

type Owner = Pick<PlatformPlace, 'environment' | 'service'>;

/** Marks an object as part of a service, so that another service that takes it over is known as its owner. */
export function withOwner(object: KubernetesObject, { service, environment }: Owner): KubernetesObject {
  const values = { [annotations.service]: service, [annotations.environment]: environment };
  return { ...object, metadata: withAnnotations<Metadata>(object.metadata, values) };
}

/** Objects that hold data, or other objects. Only people delete them. */
export function isProtected(object: KubernetesObject): boolean {
  return isFoundation(object) || /^PersistentVolume(Claim)?$/.test(object.kind);
}

/** Programs that own the objects that they update, although they do not apply them on the server. */
const owners = /^(kubectl-client-side-apply|helm|argocd.*|flux.*|kustomize-controller|pulumi.*|terraform.*)$/i;

/** Returns why an object that no release of the service has any more stays, or undefined if it can be deleted. */
export function reasonToKeep(object: KubernetesObject, { service, environment }: Owner): string | undefined {
  const { annotations: values = {}, ownerReferences = [], managedFields = [] } = object.metadata;
  if (isProtected(object)) return 'only people delete objects of this kind';
  if (values['helm.sh/resource-policy'] === 'keep') return 'its annotation says so';
  if (values[annotations.service] !== service || values[annotations.environment] !== environment)
    return `it belongs to ${values[annotations.service] ?? 'somebody else'} now`;
  if (ownerReferences.length > 0) return 'another object owns it';
  const other = managedFields.find(
    ({ manager = '', operation, subresource }) =>
      subresource === undefined && manager !== fieldManager && manager !== scaleManager && (operation === 'Apply' || owners.test(manager)),
  );
  return other && `${other.manager ?? 'another manager'} applies it too`;
}

/** Returns whether somebody else has set the number of pods: an autoscaler, or a person with `kubectl scale`. */
export function isScaledByOthers({ metadata }: KubernetesObject): boolean {
  return (metadata.managedFields ?? []).some(({ manager, fieldsV1 }) => {
    const spec = (fieldsV1 as Readonly<Record<string, object | undefined>> | undefined)?.['f:spec'];
    return spec !== undefined && 'f:replicas' in spec && manager !== fieldManager && manager !== scaleManager;
  });
}

/** Returns an object without its number of pods. */
export function withoutReplicas(object: KubernetesObject): KubernetesObject {
  const { spec } = object as { readonly spec?: { readonly replicas?: number } };
  if (spec?.replicas === undefined || groupOf(object) !== 'apps') return object;
  return { ...object, spec: { ...spec, replicas: undefined } } as KubernetesObject;
}
