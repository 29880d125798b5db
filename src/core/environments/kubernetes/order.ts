import { isJob } from './apply';
import { groupOf, keyOf, type KubernetesObject } from './objects';

/** The objects of a release in the order in which they are applied. */
export interface Stages {
  /** Namespaces and definitions of custom resources: everything else may need them. */
  readonly foundations: readonly KubernetesObject[];
  /** Whatever jobs and pods read or need, with the stateful sets, which hold data. */
  readonly configuration: readonly KubernetesObject[];
  readonly jobs: readonly KubernetesObject[];
  /** The workload, and whatever else runs the code of the release. */
  readonly workloads: readonly KubernetesObject[];
}

const runsCode = new Set(['Deployment', 'DaemonSet', 'ReplicaSet', 'CronJob', 'Pod']);

export function stagesOf(objects: readonly KubernetesObject[], workload: KubernetesObject): Stages {
  const foundations = objects.filter(isFoundation);
  const jobs = objects.filter(isJob);
  const workloads = objects.filter((object) => object === workload || runsCode.has(object.kind));
  const others = new Set([...foundations, ...jobs, ...workloads]);
  return {
    // A definition may be in a namespace's care, but never the other way round.
    foundations: [...foundations.filter(isNamespace), ...foundations.filter(isDefinition)],
    configuration: objects.filter((object) => !others.has(object)),
    jobs,
    workloads: [...workloads.filter((object) => object !== workload), workload],
  };
}

function isNamespace(object: KubernetesObject): boolean {
  return object.kind === 'Namespace' && groupOf(object) === '';
}

export function isDefinition(object: KubernetesObject): boolean {
  return object.kind === 'CustomResourceDefinition' && groupOf(object) === 'apiextensions.k8s.io';
}

export function isFoundation(object: KubernetesObject): boolean {
  return isNamespace(object) || isDefinition(object);
}

interface Definition extends KubernetesObject {
  readonly spec?: { readonly group?: string; readonly names?: { readonly kind?: string } };
}

/**
 * Returns whether the server can check an object only after the foundations exist: a custom resource whose definition is among them,
 * or an object in a namespace that does not exist yet.
 */
export function dependsOn(
  foundations: readonly KubernetesObject[],
  missingNamespaces: ReadonlySet<string>,
  namespace: string,
): (object: KubernetesObject) => boolean {
  const kinds = new Set(
    (foundations.filter(isDefinition) as Definition[]).map(({ spec }) => `${spec?.group ?? ''} ${spec?.names?.kind ?? ''}`),
  );
  return (object) => kinds.has(`${groupOf(object)} ${object.kind}`) || missingNamespaces.has(object.metadata.namespace ?? namespace);
}

/** Returns the objects by what identifies them. A later one replaces an earlier one, as it does in the cluster. */
export function byKey(objects: readonly KubernetesObject[], namespace: string): Map<string, KubernetesObject> {
  return new Map(objects.map((object) => [keyOf(object, namespace), object]));
}
