/** The fields of cluster objects that Deliver reads. Every field may be missing. */
export interface KubernetesObject {
  readonly apiVersion?: string;
  readonly kind: string;
  readonly metadata: Metadata;
}

export interface Metadata {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly { readonly uid: string }[];
  readonly managedFields?: readonly ManagedFields[];
}

/** The fields that a manager has set. */
export interface ManagedFields {
  readonly manager?: string;
  readonly operation?: string;
  readonly subresource?: string;
  readonly fieldsV1?: unknown;
}

export interface ContainerSpec {
  readonly name: string;
  readonly image?: string;
}

export interface PodTemplate {
  readonly metadata?: Partial<Metadata>;
  readonly spec?: { readonly containers?: readonly ContainerSpec[]; readonly initContainers?: readonly ContainerSpec[] };
}

/** A deployment, a stateful set or a daemon set. */
export interface Workload extends KubernetesObject {
  readonly spec: {
    /** A daemon set has none. */
    readonly replicas?: number;
    readonly selector?: Selector;
    readonly template: PodTemplate;
    readonly minReadySeconds?: number;
  };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly updatedReplicas?: number;
    readonly readyReplicas?: number;
    readonly availableReplicas?: number;
    readonly unavailableReplicas?: number;
    readonly desiredNumberScheduled?: number;
    readonly updatedNumberScheduled?: number;
    readonly numberAvailable?: number;
    readonly conditions?: readonly Condition[];
  };
}

export interface Selector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly { readonly key: string; readonly operator: string; readonly values?: readonly string[] }[];
}

export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
}

/** A replica set or a controller revision. */
export interface Revision extends KubernetesObject {
  readonly spec?: { readonly template?: PodTemplate; readonly replicas?: number };
  readonly data?: { readonly spec?: { readonly template?: PodTemplate } };
  readonly revision?: number;
  readonly status?: { readonly conditions?: readonly Condition[] };
}

export interface Pod extends KubernetesObject {
  readonly metadata: Metadata & { readonly deletionTimestamp?: string };
  readonly status?: {
    readonly phase?: string;
    readonly reason?: string;
    readonly message?: string;
    readonly conditions?: readonly Condition[];
    readonly containerStatuses?: readonly ContainerStatus[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
  };
}

export interface ContainerStatus {
  readonly name: string;
  readonly image?: string;
  /** The image by digest, as the node resolved it. */
  readonly imageID?: string;
  readonly ready?: boolean;
  readonly restartCount?: number;
  readonly state?: ContainerState;
  readonly lastState?: ContainerState;
}

export interface ContainerState {
  readonly running?: object;
  readonly waiting?: { readonly reason?: string; readonly message?: string };
  readonly terminated?: { readonly reason?: string; readonly exitCode?: number; readonly message?: string };
}

export interface ClusterEvent extends KubernetesObject {
  readonly type?: string;
  readonly lastTimestamp?: string | null;
  readonly reason?: string;
  readonly message?: string;
  readonly involvedObject?: { readonly kind?: string; readonly name?: string; readonly uid?: string };
}

export interface ObjectList<T> {
  readonly items?: readonly T[];
}

/** Returns a selector in the form of `kubectl get --selector`. */
export function selectorText({ matchLabels = {}, matchExpressions = [] }: Selector = {}): string {
  const labels = Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`);
  const expressions = matchExpressions.map(({ key, operator, values = [] }) => {
    if (operator === 'Exists') return key;
    if (operator === 'DoesNotExist') return `!${key}`;
    return `${key} ${operator === 'In' ? 'in' : 'notin'} (${values.join(',')})`;
  });
  return [...labels, ...expressions].join(',');
}

export function withAnnotations<M extends Partial<Metadata>>(metadata: M, more: Readonly<Record<string, string>>): M {
  return { ...metadata, annotations: { ...metadata.annotations, ...more } };
}

/** Returns the group of an object's kind, without the version. */
export function groupOf({ apiVersion = 'v1' }: KubernetesObject): string {
  return apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '';
}

/** Returns what identifies an object in the cluster, in any version of its kind. `namespace` is for objects that name none. */
export function keyOf(object: KubernetesObject, namespace: string): string {
  return [groupOf(object), object.kind, object.metadata.namespace ?? namespace, object.metadata.name].join(' ');
}

/** Returns the name of an object in messages, like `deployment/shop`. */
export function nameOf({ kind, metadata }: KubernetesObject): string {
  return `${kind.toLowerCase()}/${metadata.name}`;
}
