import * as assert from 'node:assert/strict';
import type { ContainerStatus, Pod, Revision } from '../../../../../src/core/environments/kubernetes/objects';
import { findRolloutProblem } from '../../../../../src/core/environments/kubernetes/rollout-problem';

const pod = (status: Pod['status']): Pod => ({ kind: 'Pod', metadata: { name: 'shop-1' }, status: status ?? {} });
const container = (more: Partial<ContainerStatus>): Pod => pod({ containerStatuses: [{ name: 'shop', image: 'shop:1', ...more }] });
const waiting = (reason: string, message?: string): Pod =>
  container({ state: { waiting: { reason, ...(message !== undefined && { message }) } } });
const why = (pods: readonly Pod[], revisions: readonly Revision[] = [], isGrowing = false): string => {
  const cause = findRolloutProblem(pods, revisions, isGrowing);
  return cause ? `${cause.message} | ${cause.failAfterMs ?? 'it may pass'}` : '';
};

describe('why a rollout gets no further', () => {
  it('is nothing while pods only start', () => {
    assert.equal(why([container({ state: { running: {} } }), waiting('ContainerCreating')]), '');
  });

  it('is an image that cannot be pulled: certain where the registry says so', () => {
    const gone = 'manifest for shop:1 not found: manifest unknown';
    assert.equal(why([waiting('ErrImagePull', gone)]), `the image shop:1 cannot be pulled: ${gone} | 0`);
    assert.equal(why([waiting('ImagePullBackOff', 'i/o timeout')]), 'the image shop:1 cannot be pulled: i/o timeout | 20000');
  });

  it('is a secret or a config map that is missing', () => {
    assert.equal(
      why([waiting('CreateContainerConfigError', 'secret "db" not found')]),
      'the container shop cannot be created: secret "db" not found | 20000',
    );
  });

  it('is a container that crashes again and again, with whose last lines tell more', () => {
    const crashing = container({
      restartCount: 2,
      state: { waiting: { reason: 'CrashLoopBackOff' } },
      lastState: { terminated: { exitCode: 3, reason: 'Error' } },
    });
    assert.equal(why([crashing]), 'the container shop ended with exit code 3 3 times | 0');
    assert.deepEqual(findRolloutProblem([crashing], [], false)?.crashed, { pod: 'shop-1', container: 'shop' });
  });

  it('is memory, where the system ended it for that', () => {
    const killed = container({
      restartCount: 4,
      state: { waiting: { reason: 'CrashLoopBackOff' } },
      lastState: { terminated: { exitCode: 137, reason: 'OOMKilled' } },
    });
    assert.equal(why([killed]), 'the container shop was killed for using more memory than it may (OOMKilled) 5 times | 0');
  });

  it('is no node that fits: certain where no more nodes are coming', () => {
    const message = '0/3 nodes are available: 3 Insufficient memory.';
    const homeless = pod({ conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }] });
    assert.equal(why([homeless]), `no node fits: ${message} | 60000`);
    assert.equal(why([homeless], [], true), `no node fits: ${message} | it may pass`);
  });

  it('is a quota, or an admission hook, that refuses the pods', () => {
    const message = 'pods "shop-1" is forbidden: exceeded quota: small';
    const refused: Revision = {
      kind: 'ReplicaSet',
      metadata: { name: 'shop-1' },
      status: { conditions: [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message }] },
    };
    assert.equal(why([], [refused]), `the cluster refuses to create pods: ${message} | 20000`);
  });

  it('is the most certain of several', () => {
    assert.match(why([waiting('CreateContainerConfigError'), waiting('InvalidImageName')]), /cannot be pulled.* \| 0$/);
  });
});
