import * as assert from 'node:assert/strict';
import type { ContainerStatus, Pod, Revision } from '../../../../../src/core/environments/kubernetes/objects';
import { findRolloutProblem } from '../../../../../src/core/environments/kubernetes/rollout-problem';

const pod = (status: Pod['status']): Pod => ({ kind: 'Pod', metadata: { name: 'shop-1' }, status: status ?? {} });
const container = (more: Partial<ContainerStatus>): Pod => pod({ containerStatuses: [{ name: 'shop', image: 'shop:1', ...more }] });
const waiting = (reason: string, message?: string): Pod =>
  container({ state: { waiting: { reason, ...(message !== undefined && { message }) } } });
const problemOf = (pods: readonly Pod[], revisions: readonly Revision[] = [], isGrowing = false): string => {
  const cause = findRolloutProblem(pods, revisions, isGrowing);
  return cause ? `${cause.message} | ${cause.failAfterMs ?? 'temporary'}` : '';
};

describe('the problem of a rollout', () => {
  it('is undefined while pods start', () => {
    assert.equal(problemOf([container({ state: { running: {} } }), waiting('ContainerCreating')]), '');
  });

  it('is an image that cannot be pulled, at once if the registry does not have it', () => {
    const gone = 'manifest for shop:1 not found: manifest unknown';
    assert.equal(problemOf([waiting('ErrImagePull', gone)]), `the image shop:1 cannot be pulled: ${gone} | 0`);
    assert.equal(problemOf([waiting('ImagePullBackOff', 'i/o timeout')]), 'the image shop:1 cannot be pulled: i/o timeout | 20000');
  });

  it('is a missing secret or config map', () => {
    assert.equal(
      problemOf([waiting('CreateContainerConfigError', 'secret "db" not found')]),
      'the container shop cannot be created: secret "db" not found | 20000',
    );
  });

  it('is a container that keeps crashing, with a reference to its log', () => {
    const crashing = container({
      restartCount: 2,
      state: { waiting: { reason: 'CrashLoopBackOff' } },
      lastState: { terminated: { exitCode: 3, reason: 'Error' } },
    });
    assert.equal(problemOf([crashing]), 'the container shop ended with exit code 3, 3 times | 0');
    assert.deepEqual(findRolloutProblem([crashing], [], false)?.crashed, { pod: 'shop-1', container: 'shop' });
  });

  it('is an exceeded memory limit', () => {
    const killed = container({
      restartCount: 4,
      state: { waiting: { reason: 'CrashLoopBackOff' } },
      lastState: { terminated: { exitCode: 137, reason: 'OOMKilled' } },
    });
    assert.equal(problemOf([killed]), 'the container shop exceeded its memory limit and was killed (OOMKilled), 5 times | 0');
  });

  it('is a lack of nodes, unless a node is being added', () => {
    const message = '0/3 nodes are available: 3 Insufficient memory.';
    const unschedulable = pod({ conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }] });
    assert.equal(problemOf([unschedulable]), `no node fits: ${message} | 60000`);
    assert.equal(problemOf([unschedulable], [], true), `no node fits: ${message} | temporary`);
  });

  it('is a quota or an admission hook that refuses the pods', () => {
    const message = 'pods "shop-1" is forbidden: exceeded quota: small';
    const refused: Revision = {
      kind: 'ReplicaSet',
      metadata: { name: 'shop-1' },
      status: { conditions: [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message }] },
    };
    assert.equal(problemOf([], [refused]), `the cluster refuses to create pods: ${message} | 20000`);
  });

  it('is the most severe of several problems', () => {
    assert.match(problemOf([waiting('CreateContainerConfigError'), waiting('InvalidImageName')]), /cannot be pulled.* \| 0$/);
  });
});
