import * as assert from 'node:assert/strict';
import { repositoryOf, runningImage, withImage } from '../../../../../src/core/environments/kubernetes/image';
import type { ContainerSpec, Pod, Workload } from '../../../../../src/core/environments/kubernetes/objects';

const digest = `sha256:${'a'.repeat(64)}`;
const workload = (...containers: ContainerSpec[]): Workload => ({
  kind: 'Deployment',
  metadata: { name: 'shop' },
  spec: { template: { spec: { containers } } },
});
const images = (given: Workload, image: string): unknown => {
  const result = withImage(given, image);
  return result.ok ? result.value.spec.template.spec?.containers?.map((one) => one.image) : result.failure.message;
};

describe('the image of a release', () => {
  it('has a repository, with any version and registry', () => {
    assert.equal(repositoryOf('shop'), 'docker.io/library/shop');
    assert.equal(repositoryOf('acme/shop:1.2'), 'docker.io/acme/shop');
    assert.equal(repositoryOf(`localhost:5000/shop:1@${digest}`), 'localhost:5000/shop');
    assert.equal(repositoryOf('registry.example.com/a/shop:2'), 'registry.example.com/a/shop');
  });

  it('replaces another version of itself in every container', () => {
    const given = workload({ name: 'shop', image: 'r.example.com/shop:1' }, { name: 'proxy', image: 'envoy:1' });
    assert.deepEqual(images(given, 'r.example.com/shop:2'), ['r.example.com/shop:2', 'envoy:1']);
  });

  it('replaces any image of the only container', () => {
    assert.deepEqual(images(workload({ name: 'shop', image: 'placeholder' }), 'r.example.com/shop:2'), ['r.example.com/shop:2']);
  });

  it('is refused if its container is ambiguous, with a list of the containers', () => {
    const given = workload({ name: 'shop', image: 'other:1' }, { name: 'proxy', image: 'envoy:1' });
    assert.equal(
      images(given, 'r.example.com/shop:2'),
      'no container of the workload runs r.example.com/shop: shop runs other:1, proxy runs envoy:1',
    );
  });

  it('is recorded by the digest that the nodes resolved', () => {
    const pod = (imageID: string): Pod => ({
      kind: 'Pod',
      metadata: { name: 'shop-1' },
      status: { containerStatuses: [{ name: 'shop', image: 'r.example.com/shop:2', imageID }] },
    });
    assert.equal(runningImage('r.example.com/shop:2', [pod(`r.example.com/shop@${digest}`)]), `r.example.com/shop@${digest}`);
    assert.equal(runningImage('r.example.com/shop:2', []), 'r.example.com/shop:2');
  });
});
