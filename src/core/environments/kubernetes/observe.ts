import type { Release } from '../../model/events';
import { ok, type Result } from '../../model/result';
import { pause } from '../../support/pause';
import type { LogOptions } from '../environment';
import { type Observed, releaseFrom } from '../platform';
import type { Kubectl, KubectlFailure } from './kubectl';
import { nameOf, type Pod, selectorText, type Workload } from './objects';
import type { StoredRecord } from './release-record';
import { findRolloutProblem } from './rollout-problem';
import { annotations, isStopped, isTakenDown, podsOfRelease, releaseOf } from './workload';

/** The service that is asked for, and its live release as far as this machine knows. */
export interface KnownService {
  readonly environment: string;
  readonly service: string;
  /** Like `deployment/shop`. */
  readonly workload: string;
  readonly live: Release | undefined;
}

/** Returns the services of an environment from the objects of a namespace, including those that others delivered. */
export function observedServices(
  items: readonly (Workload | Pod)[],
  records: readonly StoredRecord[] | undefined,
  known: KnownService,
): Observed[] {
  const own = records?.filter(({ environment }) => environment === known.environment);
  const workloads = items.filter(({ kind }) => /^(Deployment|StatefulSet|DaemonSet)$/.test(kind)) as Workload[];
  const seen = workloads.flatMap((workload): Observed[] => {
    const values = workload.metadata.annotations ?? {};
    const service = values[annotations.service];
    // Other objects of a release carry the service too.
    const release = releaseOf(workload.spec.template);
    if (service === undefined || !release || values[annotations.environment] !== known.environment) return [];
    if (isTakenDown(workload)) return [{ service, state: 'stopped', reason: 'it was taken down: there was no earlier release' }];
    const earlier = own?.flatMap((record) =>
      record.service === service && record.isDeployed && record.release.id !== release.id ? [record.release] : [],
    );
    const pods = items.filter(({ kind, metadata }) => kind === 'Pod' && isSelected(workload, metadata.labels ?? {})) as Pod[];
    const state = stateOf(workload, podsOfRelease(workload, { items: pods }));
    const restored = releaseFrom(values[annotations.release]);
    return [{ service, ...state, url: values[annotations.url], release: restored?.id === release.id ? restored : release, earlier }];
  });
  const missing = new Map<string, Release | undefined>();
  for (const { service, isDeployed, release } of own ?? []) if (isDeployed && !missing.has(service)) missing.set(service, release);
  if (known.live) missing.set(known.service, known.live);
  for (const { service } of seen) missing.delete(service);
  return [
    ...seen,
    ...[...missing].map(([service, release]): Observed => {
      const name = service === known.service ? known.workload : 'its workload';
      const isForeign = workloads.some((workload) => service === known.service && nameOf(workload) === known.workload);
      const reason = isForeign ? `${name} in the cluster is not from a delivery` : `${name} is not in the cluster`;
      return {
        service,
        state: 'missing',
        reason,
        release,
        earlier: own
          ?.filter((one) => one.service === service && one.isDeployed && one.release.id !== release?.id)
          .map((one) => one.release),
      };
    }),
  ];
}

function stateOf(workload: Workload, pods: readonly Pod[]): Pick<Observed, 'state' | 'reason'> {
  if (isStopped(workload)) return { state: 'stopped', reason: 'it was stopped' };
  const { status = {}, metadata, spec } = workload;
  if ((status.desiredNumberScheduled ?? spec.replicas) === 0 && (metadata.generation ?? 0) <= (status.observedGeneration ?? 0))
    return { state: 'stopped', reason: workload.kind === 'DaemonSet' ? 'no node runs it' : 'it is scaled to 0' };
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

/** The interval and the time limit for noticing that the cluster no longer answers, or answers again. */
const reachIntervalMs = 2_000;
const reachSeconds = 2;

/** Calls `changed` whenever pods of the namespace or their workloads change, until the signal aborts. */
export async function watchNamespace(kubectl: Kubectl, changed: () => void, signal: AbortSignal): Promise<void> {
  const kinds = ['deployments.apps', 'statefulsets.apps', 'daemonsets.apps', 'pods'];
  await Promise.all(kinds.map((kind) => watchKind(kubectl, kind, changed, signal)));
}

/** Calls `changed` with the present failure, or without one, when the cluster starts or stops answering, until the signal aborts. */
export async function watchReach(kubectl: Kubectl, changed: (failure?: KubectlFailure) => void, signal: AbortSignal): Promise<void> {
  for (let last = ''; !signal.aborted; await pause(reachIntervalMs, signal)) {
    const answer = await kubectl.text(['get', 'deployments.apps', '--output=name'], { signal, requestSeconds: reachSeconds });
    if (signal.aborted) return;
    const now = answer.ok ? 'reachable' : answer.reason;
    if (now !== last) changed(answer.ok ? undefined : answer);
    last = now;
  }
}

async function watchKind(kubectl: Kubectl, kind: string, changed: () => void, signal: AbortSignal): Promise<void> {
  for (let pauseMs = firstDelayMs; !signal.aborted;) {
    const began = Date.now();
    // Each line is a changed object. Its content does not matter.
    await kubectl.run(['get', kind, '--watch-only', '--output=name'], { signal, streaming: true, stdout: changed });
    // Changes may have been missed since the watch ended.
    if (!signal.aborted) changed();
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
