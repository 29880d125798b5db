import type { Observed } from '../platform';
import { annotations, releaseOf } from './annotations';
import { historyOf } from './history';
import type { Pod, Revision, Workload } from './objects';
import { isStopped, isTakenDown } from './scale';
import { whyItHangs } from './why-it-hangs';
import { podsOfRelease } from './workload';

type Seen = Workload | Pod | Revision;

/** The services of an environment among all that a namespace holds, whoever delivered them. */
export function observedIn(items: readonly Seen[], environment: string): Observed[] {
  const workloads = items.filter(({ kind }) => /^(Deployment|StatefulSet|DaemonSet)$/.test(kind)) as Workload[];
  return workloads.flatMap((workload): Observed[] => {
    const told = workload.metadata.annotations ?? {};
    const service = told[annotations.service];
    if (service === undefined || told[annotations.environment] !== environment) return [];
    const url = told[annotations.url];
    const revisions = items.filter(({ kind }) => kind === 'ReplicaSet' || kind === 'ControllerRevision') as Revision[];
    const release = releaseOf(workload.spec.template);
    if (isTakenDown(workload)) return [{ service, state: 'stopped', reason: 'it was taken down: there was no earlier release' }];
    const earlier = historyOf(workload, revisions).flatMap((one) => (one.release && one.release.id !== release?.id ? [one.release] : []));
    const pods = items.filter(({ kind, metadata }) => kind === 'Pod' && isSelected(workload, metadata.labels ?? {})) as Pod[];
    return [
      {
        service,
        ...stateOf(workload, podsOfRelease(workload, { items: pods })),
        ...(url !== undefined && { url }),
        ...(release && { release }),
        earlier,
      },
    ];
  });
}

function stateOf(workload: Workload, pods: readonly Pod[]): Pick<Observed, 'state' | 'reason'> {
  if (isStopped(workload)) return { state: 'stopped', reason: 'it was stopped' };
  const { status = {}, metadata, spec } = workload;
  const isNew = (metadata.generation ?? 0) > (status.observedGeneration ?? 0);
  const wanted = status.desiredNumberScheduled ?? spec.replicas ?? 1;
  const updated = status.updatedNumberScheduled ?? status.updatedReplicas ?? 0;
  const available = status.numberAvailable ?? status.availableReplicas ?? status.readyReplicas ?? 0;
  const why = whyItHangs(pods, [], false);
  if (!isNew && updated >= wanted && available >= wanted && !why) return { state: 'healthy' };
  const overdue = status.conditions?.find(({ type, status: is }) => type === 'Progressing' && is === 'False');
  const counted = `${available} of ${wanted} pods are ready`;
  if (why) return { state: 'unhealthy', reason: `${counted}: ${why.message}` };
  if (overdue) return { state: 'unhealthy', reason: `${counted}: ${overdue.message ?? overdue.reason ?? ''}` };
  return { state: 'starting', reason: counted };
}

function isSelected({ spec }: Workload, labels: Readonly<Record<string, string>>): boolean {
  const wanted = Object.entries(spec.selector?.matchLabels ?? {});
  return wanted.length > 0 && wanted.every(([key, value]) => labels[key] === value);
}
