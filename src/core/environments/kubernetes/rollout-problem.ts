import type { ContainerStatus, Pod, Revision } from './objects';

/** The reason why pods do not become ready. */
export interface RolloutProblem {
  readonly message: string;
  /** The time after which the rollout fails; absent: the problem may be temporary. */
  readonly failAfterMs?: number;
  /** The container with an informative log. */
  readonly crashed?: { readonly pod: string; readonly container: string };
}

/** The time within which a registry, a secret or a quota recovers, if it does. */
const recoveryMs = 20_000;
/** The time within which an autoscaler starts to add a node. */
const scaleUpMs = 60_000;
const definite = /not found|manifest unknown|does not exist|denied|unauthorized|authentication required|invalid reference|forbidden/i;

/** Returns the most severe problem that keeps the pods of a release from becoming ready, or undefined. */
export function findRolloutProblem(pods: readonly Pod[], revisions: readonly Revision[], isGrowing: boolean): RolloutProblem | undefined {
  const causes = [...pods.flatMap((pod) => causeOfPod(pod, isGrowing) ?? []), ...revisions.flatMap((revision) => refused(revision) ?? [])];
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
      failAfterMs: isGrowing ? undefined : scaleUpMs,
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
      return { message: `the image ${image} cannot be pulled: ${message || reason}`, failAfterMs: definite.test(message) ? 0 : recoveryMs };
    case 'CreateContainerConfigError':
    case 'CreateContainerError':
      return { message: `the container ${name} cannot be created: ${message || reason}`, failAfterMs: recoveryMs };
    case 'CrashLoopBackOff': {
      const times = `${restartCount + 1} times`;
      return { message: `the container ${name} ${endOf(lastState)}, ${times}`, crashed, failAfterMs: restartCount >= 2 ? 0 : undefined };
    }
    default:
      if (state?.terminated && state.terminated.exitCode !== 0) return { message: `the container ${name} ${endOf(state)}`, crashed };
      return undefined;
  }
}

function endOf(state: ContainerStatus['state']): string {
  const { reason, exitCode } = state?.terminated ?? {};
  if (reason === 'OOMKilled') return 'exceeded its memory limit and was killed (OOMKilled)';
  return exitCode === undefined ? 'ended' : `ended with exit code ${exitCode}`;
}

/** Returns the problem of a replica set that may not create its pods: a quota, or an admission hook. */
function refused({ status }: Revision): RolloutProblem | undefined {
  const failure = status?.conditions?.find(({ type }) => type === 'ReplicaFailure');
  return failure?.status === 'True'
    ? { message: `the cluster refuses to create pods: ${failure.message ?? failure.reason ?? ''}`, failAfterMs: recoveryMs }
    : undefined;
}
