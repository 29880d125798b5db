import type { ContainerStatus, Pod, Revision } from './objects';

/** Why pods do not become ready. */
export interface RolloutProblem {
  readonly message: string;
  /** For how long it must last until waiting is in vain; absent: it may pass at any time. */
  readonly failAfterMs?: number;
  /** The container whose last lines tell more. */
  readonly crashed?: { readonly pod: string; readonly container: string };
}

/** A registry, a secret that something else makes, room that is being made: these come right within seconds, or not. */
const soonMs = 20_000;
/** As long as it takes to see that no node is being added. */
const roomMs = 60_000;
const definite = /not found|manifest unknown|does not exist|denied|unauthorized|authentication required|invalid reference|forbidden/i;

/** The first thing that keeps pods of a release from becoming ready; `undefined` while nothing is known to. */
export function findRolloutProblem(pods: readonly Pod[], revisions: readonly Revision[], isGrowing: boolean): RolloutProblem | undefined {
  const causes = [...pods.flatMap((pod) => causeOfPod(pod, isGrowing) ?? []), ...revisions.flatMap((one) => refused(one) ?? [])];
  return causes.sort((a, b) => (a.failAfterMs ?? Infinity) - (b.failAfterMs ?? Infinity))[0];
}

function causeOfPod(pod: Pod, isGrowing: boolean): RolloutProblem | undefined {
  const { initContainerStatuses = [], containerStatuses = [], conditions = [] } = pod.status ?? {};
  for (const status of [...initContainerStatuses, ...containerStatuses]) {
    const cause = causeOfContainer(pod, status);
    if (cause) return cause;
  }
  const scheduled = conditions.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status === 'False' && scheduled.reason === 'Unschedulable')
    return {
      message: `no node fits: ${scheduled.message ?? 'the cluster does not say why'}`,
      ...(!isGrowing && { failAfterMs: roomMs }),
    };
  return undefined;
}

function causeOfContainer(pod: Pod, { name, image = '', state, lastState, restartCount = 0 }: ContainerStatus): RolloutProblem | undefined {
  const { reason, message = '' } = state?.waiting ?? {};
  const crashed = { pod: pod.metadata.name, container: name };
  switch (reason) {
    case 'InvalidImageName':
    case 'ErrImageNeverPull':
      return { message: `the image ${image} cannot be pulled: ${message || reason}`, failAfterMs: 0 };
    case 'ErrImagePull':
    case 'ImagePullBackOff':
      return { message: `the image ${image} cannot be pulled: ${message || reason}`, failAfterMs: definite.test(message) ? 0 : soonMs };
    case 'CreateContainerConfigError':
    case 'CreateContainerError':
      return { message: `the container ${name} cannot be created: ${message || reason}`, failAfterMs: soonMs };
    case 'CrashLoopBackOff': {
      const times = `${restartCount + 1} times`;
      return { message: `the container ${name} ${endOf(lastState)} ${times}`, crashed, ...(restartCount >= 2 && { failAfterMs: 0 }) };
    }
    default:
      if (state?.terminated && state.terminated.exitCode !== 0) return { message: `the container ${name} ${endOf(state)}`, crashed };
      return undefined;
  }
}

function endOf(state: ContainerStatus['state']): string {
  const { reason, exitCode } = state?.terminated ?? {};
  if (reason === 'OOMKilled') return 'was killed for using more memory than it may (OOMKilled)';
  return exitCode === undefined ? 'ended' : `ended with exit code ${exitCode}`;
}

/** A replica set that may not create its pods: a quota, or an admission hook. */
function refused({ status }: Revision): RolloutProblem | undefined {
  const failure = status?.conditions?.find(({ type }) => type === 'ReplicaFailure');
  return failure?.status === 'True'
    ? { message: `the cluster refuses to create pods: ${failure.message ?? failure.reason ?? ''}`, failAfterMs: soonMs }
    : undefined;
}
