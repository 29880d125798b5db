import { createHash } from 'node:crypto';
import type { KubernetesStore, Stored } from './kubernetes-store';

interface Container {
  name: string;
  image: string;
}
interface Template {
  metadata?: { labels?: Record<string, string>; annotations?: Record<string, string> };
  spec: { containers: Container[] };
}

const podFailures: Record<string, (container: Container) => object> = {
  'not-there': ({ name, image }) => ({
    containerStatuses: [
      {
        name,
        image,
        restartCount: 0,
        state: { waiting: { reason: 'ErrImagePull', message: `failed to resolve reference "${image}": ${image}: not found` } },
      },
    ],
  }),
  crashing: ({ name, image }) => ({
    containerStatuses: [
      {
        name,
        image,
        restartCount: 2,
        state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 20s restarting failed container' } },
        lastState: { terminated: { reason: 'Error', exitCode: 3 } },
      },
    ],
  }),
  'no-node': () => ({
    phase: 'Pending',
    conditions: [
      { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/3 nodes are available: 3 Insufficient memory.' },
    ],
  }),
  slow: ({ name, image }) => ({
    phase: 'Running',
    containerStatuses: [{ name, image, restartCount: 0, ready: false, state: { running: {} } }],
  }),
};

/**
 * Acts like the deployment controller, the scheduler and a node: creates replica sets and pods, and updates their status. Pods of an
 * image with the tag `not-there`, `crashing`, `no-node` or `slow` never become ready.
 */
export class Controller {
  /** Images that can no longer be pulled. */
  readonly broken = new Set<string>();
  /** The time until a pod is ready. */
  readyMs = 100;
  private readonly timers = new Set<NodeJS.Timeout>();
  private events = 0;
  private acting = false;

  constructor(private readonly store: KubernetesStore) {
    store.onChange = (resource, object) => {
      if (resource === 'deployments' && !this.acting) this.soon(() => this.reconcile(object.metadata.name), 10);
      if (resource === 'jobs' && !object['status']) this.soon(() => this.runJob(object.metadata.name), 10);
    };
  }

  stop(): void {
    for (const timer of this.timers) clearTimeout(timer);
  }

  /** Records an event of a cluster component about an object. */
  event(object: Stored, type: string, reason: string, message: string): void {
    const { name, uid = '' } = object.metadata;
    this.store.put('events', {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: `event-${++this.events}` },
      type,
      reason,
      message,
      involvedObject: { kind: object.kind, name, uid },
    });
  }

  private reconcile(name: string): void {
    const deployment = this.store.get('deployments', name);
    if (!deployment) return;
    const { template, replicas = 1 } = deployment['spec'] as { template: Template; replicas?: number };
    const hash = createHash('sha256').update(JSON.stringify(template)).digest('hex').slice(0, 10);
    const sets = this.store.all('replicasets').filter(({ metadata }) => metadata.ownerReferences?.[0]?.uid === deployment.metadata.uid);
    const revisions = sets.map(({ metadata }) => Number(metadata.annotations?.[revisionKey]));
    const current = sets.find(({ metadata }) => metadata.name === `${name}-${hash}`);
    const newest = Math.max(0, ...revisions);
    const isNew = !current || Number(current.metadata.annotations?.[revisionKey]) < newest;
    const revision = isNew ? newest + 1 : newest;
    const labels = { ...template.metadata?.labels, 'pod-template-hash': hash };
    const set = this.store.put('replicasets', {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: {
        name: `${name}-${hash}`,
        labels,
        annotations: { ...deployment.metadata.annotations, [revisionKey]: String(revision) },
        ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name, uid: deployment.metadata.uid ?? '', controller: true }],
      },
      spec: { replicas, template: { ...template, metadata: { ...template.metadata, labels } } },
    });
    const pods = (): Stored[] => this.store.all('pods').filter(({ metadata }) => metadata.ownerReferences?.[0]?.uid === set.metadata.uid);
    for (const pod of pods().slice(replicas)) this.store.remove('pods', pod.metadata.name);
    while (pods().length < replicas) this.makePod(set, template, pods().length);
    this.finish(deployment.metadata.name, set, replicas);
  }

  /** Ends a job: its pods fail if their image has the tag `crashing`. */
  private runJob(name: string): void {
    const job = this.store.get('jobs', name);
    if (!job) return;
    const { template } = job['spec'] as { template: Template };
    const [container] = template.spec.containers;
    const exitCode = container?.image.endsWith(':crashing') ? 3 : 0;
    this.store.put('pods', {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: `${name}-pod`, labels: { 'controller-uid': job.metadata.uid ?? '' } },
      spec: template.spec,
      status: { containerStatuses: [{ name: container?.name, restartCount: 0, state: { terminated: { exitCode } } }] },
    });
    const condition =
      exitCode === 0
        ? { type: 'Complete', status: 'True' }
        : { type: 'Failed', status: 'True', reason: 'BackoffLimitExceeded', message: 'Job has reached the specified backoff limit' };
    this.store.put('jobs', { ...job, status: { conditions: [condition] } });
  }

  private makePod(set: Stored, template: Template, count: number): void {
    const [container] = template.spec.containers;
    if (!container) return;
    const pod: Stored = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: `${set.metadata.name}-${count}${Date.now() % 10_000}`,
        labels: set.metadata.labels ?? {},
        annotations: template.metadata?.annotations ?? {},
        ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: set.metadata.name, uid: set.metadata.uid ?? '' }],
      },
      spec: template.spec,
      status: { phase: 'Pending' },
    };
    const made = this.store.put('pods', pod);
    this.event(set, 'Normal', 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`);
    const failedStatus = podFailures[this.broken.has(container.image) ? 'not-there' : (container.image.split(':').at(-1) ?? '')];
    if (failedStatus) {
      const status = failedStatus(container);
      this.store.put('pods', { ...made, status });
      this.event(made, 'Warning', 'Failed', `${container.image} failed`);
      return;
    }
    this.soon(() => {
      const digest = createHash('sha256').update(container.image).digest('hex');
      const status = {
        name: container.name,
        image: container.image,
        imageID: `${container.image.replace(/[:@].*$/, '')}@sha256:${digest}`,
        ready: true,
        restartCount: 0,
        state: { running: {} },
      };
      if (this.store.get('pods', pod.metadata.name))
        this.store.put('pods', { ...made, status: { phase: 'Running', containerStatuses: [status] } });
      this.event(made, 'Normal', 'Started', `Started container ${container.name}`);
    }, this.readyMs);
  }

  /** Updates the status of the deployment, and removes the replaced pods once the new ones are ready. */
  private finish(name: string, set: Stored, replicas: number): void {
    const deployment = this.store.get('deployments', name);
    if (!deployment) return;
    const isNow =
      JSON.stringify((deployment['spec'] as { template: Template }).template.spec) ===
      JSON.stringify((set['spec'] as { template: Template }).template.spec);
    // Another release has replaced this one.
    if (!isNow) return;
    const ready = this.store
      .all('pods')
      .filter(
        ({ metadata, ...pod }) =>
          metadata.ownerReferences?.[0]?.uid === set.metadata.uid &&
          (pod['status'] as { phase?: string; containerStatuses?: { ready?: boolean }[] }).containerStatuses?.[0]?.ready,
      ).length;
    const others = this.store
      .all('pods')
      .filter(({ metadata }) => metadata.ownerReferences?.[0]?.uid !== set.metadata.uid && metadata.name.startsWith(`${name}-`));
    if (ready >= replicas) for (const pod of others.splice(0)) this.store.remove('pods', pod.metadata.name);
    const status = {
      observedGeneration: deployment.metadata.generation,
      replicas: replicas + others.length,
      updatedReplicas: replicas,
      readyReplicas: ready + others.length,
      availableReplicas: ready + others.length,
      unavailableReplicas: replicas - ready,
      conditions: [{ type: 'Progressing', status: 'True', reason: 'ReplicaSetUpdated' }],
    };
    if (JSON.stringify(status) !== JSON.stringify(deployment['status'])) {
      this.acting = true;
      const annotations = { ...deployment.metadata.annotations, [revisionKey]: set.metadata.annotations?.[revisionKey] ?? '' };
      this.store.put('deployments', { ...deployment, metadata: { ...deployment.metadata, annotations }, status });
      this.acting = false;
    }
    if (ready < replicas) this.soon(() => this.finish(name, set, replicas), 20);
  }

  private soon(act: () => void, ms: number): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      act();
    }, ms);
    this.timers.add(timer);
  }
}

const revisionKey = 'deployment.kubernetes.io/revision';
