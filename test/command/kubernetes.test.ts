import * as assert from 'node:assert/strict';
import type { Stored } from '../support/kubernetes-store';
import { hasKubectl, testCluster } from '../support/kubectl';
import { KubernetesApi } from '../support/kubernetes-api';
import { Project, type Ended } from '../support/project';

interface Live {
  service: string;
  state: string;
  url: string;
  release?: { commit: string; by?: string };
  previous?: { commit: string };
}

const manifest = `apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec: {containers: [{name: web, image: 'registry.test/shop:old'}]}
`;

(hasKubectl() ? describe : describe.skip)('a delivery to a Kubernetes environment', function () {
  this.timeout(90_000);
  const cluster = testCluster();
  let customers: KubernetesApi;
  let shop: Project;

  beforeEach(async () => {
    customers = new KubernetesApi();
    await customers.start();
    customers.store.put('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
    cluster.api.kubeconfig(cluster.folder, { token: 'anybody' }, { customers });
    const kubernetes = {
      namespace: 'shop',
      manifests: 'k8s/',
      workload: 'deployment/shop',
      image: 'registry.test/shop:${DELIVERY_COMMIT}',
      url: 'http://shop.test',
      timeout: '20s',
    };
    shop = new Project(cluster.folder).write('k8s/shop.yaml', manifest).steps(
      {
        stage: { deploy: 'staging' },
        acceptance: { needs: 'stage', verifies: 'staging', run: 'test "$(cat says)" != bad' },
      },
      {
        environments: {
          staging: { watch: 'off', kubernetes: { context: 'test', ...kubernetes } },
          production: { watch: 'off', kubernetes: { context: 'customers', ...kubernetes } },
        },
        release: 'production',
      },
    );
  });
  afterEach(() => customers.stop());

  const deliver = (says: string, env: Record<string, string> = {}): Promise<Ended> =>
    shop.write('says', says).commit(`Say ${says}`).start(['run'], env).ended;
  const head = (): string => shop.git('rev-parse', 'HEAD').trim();
  const live = async (name: string): Promise<Live | undefined> =>
    (await shop.json<{ environment: string; services: Live[] }[]>('environment')).find(({ environment }) => environment === name)
      ?.services[0];
  const passed = ({ code, stdout, stderr }: Ended): void => assert.equal(code, 0, stdout + stderr);

  it('is verified, rolled back on failure, and shown with its author', async () => {
    passed(await deliver('good'));
    const good = head();
    const first = await live('staging');
    assert.deepEqual(
      [first?.service, first?.state, first?.url, first?.release?.commit, first?.release?.by],
      ['shop', 'healthy', 'http://shop.test', good, 'Test'],
    );
    const bad = await deliver('bad');
    assert.equal(bad.code, 1, bad.stdout + bad.stderr);
    assert.equal(imageIn(cluster.api), `registry.test/shop:${good}`);
    assert.equal((await live('staging'))?.release?.commit, good);
  });

  it('can be rolled back by hand, and prints the logs of its pods', async () => {
    passed(await deliver('one'));
    const one = head();
    passed(await deliver('two'));
    passed(await shop.deliver('rollback', 'staging'));
    assert.equal(imageIn(cluster.api), `registry.test/shop:${one}`);
    assert.equal((await live('staging'))?.release?.commit, one);
    cluster.api.podLog = () => 'listening on 8080\n';
    const logs = await shop.deliver('environment', 'logs', 'staging');
    passed(logs);
    assert.match(logs.stdout, /listening on 8080/);
  });

  it('is released with the verified image', async () => {
    passed(await deliver('good'));
    const pods = cluster.api.store.all('pods');
    const { imageID } = (pods[0]?.['status'] as { containerStatuses: { imageID: string }[] }).containerStatuses[0] ?? { imageID: '' };
    assert.match(imageID, /^registry\.test\/shop@sha256:[0-9a-f]{64}$/);
    passed(await shop.deliver('release', '--yes'));
    assert.equal(imageIn(customers), imageID);
    assert.equal((await live('production'))?.release?.commit, head());
  });

  it('shows a release of somebody else and can roll it back', async () => {
    passed(await deliver('one'));
    const one = head();
    shop.git('config', 'user.name', 'Ben');
    passed(await deliver('two', { DELIVER_HOME: `${cluster.folder}/home-of-ben` }));
    const shown = await live('staging');
    assert.deepEqual([shown?.release?.commit, shown?.release?.by, shown?.previous?.commit], [head(), 'Ben', one]);
    passed(await shop.deliver('rollback', 'staging'));
    assert.equal(imageIn(cluster.api), `registry.test/shop:${one}`);
    assert.equal((await live('staging'))?.release?.commit, one);
  });

  it('can roll back a release of somebody else without a delivery from this machine', async () => {
    const elsewhere = { DELIVER_HOME: `${cluster.folder}/home-of-ben` };
    passed(await deliver('one', elsewhere));
    const one = head();
    passed(await deliver('two', elsewhere));
    assert.equal((await live('staging'))?.release?.commit, head());
    passed(await shop.deliver('rollback', 'staging'));
    assert.equal(imageIn(cluster.api), `registry.test/shop:${one}`);
  });
});

function imageIn({ store }: KubernetesApi): string | undefined {
  const { template } = (store.get('deployments', 'shop') as Stored & { spec: { template: { spec: { containers: { image: string }[] } } } })
    .spec;
  return template.spec.containers[0]?.image;
}
