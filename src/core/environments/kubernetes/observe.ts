import { ok, type Result } from '../../model/result';
import { pause } from '../../support/pause';
import type { LogOptions } from '../environment';
import type { Observed } from '../platform';
import { historyOf } from './history';
import type { Kubectl } from './kubectl';
import { type Pod, type Revision, selectorText, type Workload } from './objects';
import { findRolloutProblem } from './rollout-problem';
import { annotations, isStopped, isTakenDown, podsOfRelease, releaseOf } from './workload';

type Seen = Workload | Pod | Revision;

/** Returns the services of an environment from the objects of a namespace, including those that others delivered. */
export function observedServices(items: readonly Seen[], environment: string): Observed[] {
  const workloads = items.filter(({ kind }) => /^(Deployment|StatefulSet|DaemonSet)$/.test(kind)) as Workload[];
  return workloads.flatMap((workload): Observed[] => {
    const values = workload.metadata.annotations ?? {};
    const service = values[annotations.service];
    if (service === undefined || values[annotations.environment] !== environment) return [];
    const url = values[annotations.url];
    const revisions = items.filter(({ kind }) => kind === 'ReplicaSet' || kind === 'ControllerRevision') as Revision[];
    const release = releaseOf(workload.spec.template);
    if (isTakenDown(workload)) return [{ service, state: 'stopped', reason: 'it was taken down: there was no earlier release' }];
    const earlier = historyOf(workload, revisions).flatMap((past) =>
      past.release && past.release.id !== release?.id ? [past.release] : [],
    );
    const pods = items.filter(({ kind, metadata }) => kind === 'Pod' && isSelected(workload, metadata.labels ?? {})) as Pod[];
    return [
      {
        service,
        ...stateOf(workload, podsOfRelease(workload, { items: pods })),
        url,
        release,
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
  const problem = findRolloutProblem(pods, [], false);
  if (!isNew && updated >= wanted && available >= wanted && !problem) return { state: 'healthy' };
  const overdue = status.conditions?.find(({ type, status: is }) => type === 'Progressing' && is === 'False');
  const counted = `${available} of ${wanted} pods are ready`;
  if (problem) return { state: 'unhealthy', reason: `${counted}: ${problem.message}` };
  if (overdue) return { state: 'unhealthy', reason: `${counted}: ${overdue.message ?? overdue.reason ?? ''}` };
  return { state: 'starting', reason: counted };
}

function isSelected({ spec }: Workload, labels: Readonly<Record<string, string>>): boolean {
  const wanted = Object.entries(spec.selector?.matchLabels ?? {});
  return wanted.length > 0 && wanted.every(([key, value]) => labels[key] === value);
}

const firstDelayMs = 1_000;
const maxDelayMs = 60_000;
/** The retry delay starts over after a watch that lasted this long. */
const stableAfterMs = 10_000;

/** Calls `changed` whenever pods of the namespace or their workloads change, until the signal aborts. */
export async function watchNamespace(kubectl: Kubectl, changed: () => void, signal: AbortSignal): Promise<void> {
  const kinds = ['deployments.apps', 'statefulsets.apps', 'daemonsets.apps', 'pods'];
  await Promise.all(kinds.map((kind) => watchKind(kubectl, kind, changed, signal)));
}

async function watchKind(kubectl: Kubectl, kind: string, changed: () => void, signal: AbortSignal): Promise<void> {
  for (let pauseMs = firstDelayMs; !signal.aborted;) {
    const began = Date.now();
    // Each line is a changed object. Its content does not matter.
    await kubectl.run(['get', kind, '--watch-only', '--output=name'], { signal, streaming: true, stdout: changed });
    pauseMs = Date.now() - began > stableAfterMs ? firstDelayMs : Math.min(pauseMs * 2, maxDelayMs);
    await pause(pauseMs, signal);
  }
}

/** The limit for concurrent logs. */
const maxPods = 20;

/** Writes the logs of all pods of a workload, with the pod's name on each line if there are several. */
export async function writeLogs(
  kubectl: Kubectl,
  { kind, spec }: Workload,
  { lines, follow }: LogOptions,
  write: (bytes: Buffer) => void,
  signal: AbortSignal,
): Promise<Result<void>> {
  const line = (text: string): void => write(Buffer.from(`${text}\n`));
  const several = kind === 'DaemonSet' || (spec.replicas ?? 1) > 1 || (spec.template.spec?.containers?.length ?? 1) > 1;
  const args = [
    'logs',
    `--selector=${selectorText(spec.selector)}`,
    '--all-containers=true',
    '--ignore-errors=true',
    `--tail=${lines}`,
    `--max-log-requests=${maxPods}`,
    ...(several ? ['--prefix=true'] : []),
    ...(follow ? ['--follow=true'] : []),
  ];
  const end = await kubectl.run(args, { signal, stdout: line, streaming: follow });
  if (end.exitCode === 0 || end.ended === 'cancelled') return ok(undefined);
  return kubectl.failure(end);
}
