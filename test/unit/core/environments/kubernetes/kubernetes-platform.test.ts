import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { KubernetesPlatform } from '../../../../../src/core/environments/kubernetes/kubernetes-platform';
import type { KeptRelease, PlatformDeploy, PlatformDeployed } from '../../../../../src/core/environments/platform';
import type { Failure, Result } from '../../../../../src/core/model/result';
import type { KubernetesDefinition } from '../../../../../src/core/environments/kubernetes/descriptor';
import type { Release } from '../../../../../src/core/model/events';
import { hasKubectl, testCluster } from '../../../../support/kubectl';
import { eventually } from '../../../../support/temporary';

const manifest = `apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec: {containers: [{name: web, image: 'registry.test/shop:old'}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: shop}
data: {greeting: hello}
`;

(hasKubectl() ? describe : describe.skip)('a cluster, through kubectl', function () {
  this.timeout(60_000);
  const cluster = testCluster();
  const quiet = new AbortController().signal;
  let log: string[];
  beforeEach(() => {
    log = [];
    fs.mkdirSync(path.join(cluster.folder, 'k8s'));
    fs.writeFileSync(path.join(cluster.folder, 'k8s', 'shop.yaml'), manifest);
  });

  const platform = (more: Partial<KubernetesDefinition> = {}): KubernetesPlatform =>
    new KubernetesPlatform(
      {
        context: 'test',
        namespace: 'shop',
        manifests: ['k8s'],
        workload: 'deployment/shop',
        image: 'registry.test/shop:${DELIVERY_COMMIT}',
        timeoutMs: 20_000,
        ...more,
      },
      { environment: 'production', service: 'shop', folder: cluster.folder },
    );
  const releaseOf = (commit: string): Release => ({
    id: `run-${commit}`,
    commit,
    tree: 'tree',
    deployedAt: new Date().toISOString(),
    by: 'Ann',
  });
  const kept = (commit: string): KeptRelease => ({
    release: releaseOf(commit),
    slot: cluster.folder,
    folder: cluster.folder,
    secrets: [],
    details: {},
  });
  const deploy = (commit: string, more: Partial<PlatformDeploy> = {}, signal = quiet, on = platform()): Promise<Result<PlatformDeployed>> =>
    on.deploy(
      {
        service: 'shop',
        release: releaseOf(commit),
        folder: cluster.folder,
        slot: cluster.folder,
        siblings: [],
        secrets: {},
        addresses: {},
        ...more,
      },
      (line) => log.push(line),
      signal,
    );
  const image = (): string | undefined => {
    const { template } = (cluster.api.store.get('deployments', 'shop')?.['spec'] ?? {}) as {
      template?: { spec: { containers: { image: string }[] } };
    };
    return template?.spec.containers[0]?.image;
  };
  const value = <T>(result: Result<T>): T => {
    assert.ok(result.ok, `${JSON.stringify(result)}\n${log.join('\n')}`);
    return result.value;
  };
  const failure = <T>(result: Result<T>): Failure => {
    assert.ok(!result.ok, 'it went well');
    return result.failure;
  };

  it('applies what the manifests say, waits for the rollout and tells what happens', async () => {
    const { image: live } = value(await deploy('one'));
    assert.equal(image(), 'registry.test/shop:one');
    assert.match(live ?? '', /^registry\.test\/shop@sha256:[0-9a-f]{64}$/);
    assert.match(log.join('\n'), /deployment.apps\/shop serverside-applied\nconfigmap\/shop serverside-applied/);
    assert.match(log.join('\n'), /successfully rolled out/);
    assert.match(log.join('\n'), /replicaset\/shop-\w+: SuccessfulCreate: Created pod/);
    assert.equal(new Set(log).size, log.length, log.join('\n'));
  });

  it('brings an earlier release back from what the cluster keeps', async () => {
    for (const commit of ['one', 'two', 'three']) value(await deploy(commit));
    value(await platform().restore(kept('one'), (line) => log.push(line), quiet));
    assert.equal(image(), 'registry.test/shop:one');
    // The next delivery takes over what the rollback holds.
    value(await deploy('four'));
    assert.equal(image(), 'registry.test/shop:four');
    const gone = failure(await platform().restore(kept('never'), (line) => log.push(line), quiet));
    assert.match(`${gone.message} ${gone.hint}`, /does not keep never any more it keeps four, one, three, two/);
    assert.equal(image(), 'registry.test/shop:four');
  });

  it('leaves what is live where an earlier release does not come up any more', async () => {
    for (const commit of ['one', 'two', 'three']) value(await deploy(commit));
    cluster.api.controller.broken.add('registry.test/shop:one');
    const failed = failure(await platform().restore(kept('one'), (line) => log.push(line), quiet));
    assert.match(failed.message, /^one could not be brought back: .*cannot be pulled: .*; what was live stays$/);
    assert.equal(image(), 'registry.test/shop:three');
    const [seen] = value(await platform().observe(undefined, quiet));
    assert.deepEqual([seen?.state, seen?.release?.commit], ['healthy', 'three']);
  });

  it('says what is forbidden in the middle of a rollout', async () => {
    value(await deploy('one'));
    cluster.api.controller.readyMs = 60_000;
    log = [];
    const deployed = deploy('two');
    await eventually('it is rolled out', () => log.some((line) => line.startsWith('Waiting')));
    cluster.api.forbidden = new Set(['get deployments', 'list deployments', 'watch deployments']);
    await cluster.api.goAway();
    await cluster.api.start();
    assert.match(
      failure(await deployed).message,
      /did not come up: .* is forbidden: .*; and what was live could not be brought back: .*forbidden/,
    );
  });

  it('says why a rollout gets no further, and has the former release live again', async () => {
    value(await deploy('one'));
    const missing = failure(await deploy('not-there'));
    assert.match(
      missing.message,
      /deployment\/shop did not come up: the image registry.test\/shop:not-there cannot be pulled: .*not found/,
    );
    assert.equal(image(), 'registry.test/shop:one');
    cluster.api.podLog = () => 'listening\nError: no such table: orders\n';
    const crashing = failure(await deploy('crashing'));
    assert.match(crashing.message, /the container web ended with exit code 3 3 times/);
    assert.ok(log.includes('  Error: no such table: orders'), log.join('\n'));
    assert.equal(image(), 'registry.test/shop:one');
  });

  it('says why when the time is over', async () => {
    value(await deploy('one'));
    const on = platform({ timeoutMs: 3_000 });
    assert.match(failure(await deploy('no-node', {}, quiet, on)).message, /no node fits: 0\/3 nodes are available: 3 Insufficient memory/);
    assert.match(failure(await deploy('slow', {}, quiet, on)).message, /did not come up/);
    assert.equal(image(), 'registry.test/shop:one');
  });

  it('has the former release live again after a cancel', async () => {
    value(await deploy('one'));
    const cancel = new AbortController();
    const deployed = deploy('slow', {}, cancel.signal);
    await eventually('it is rolled out', () => image() === 'registry.test/shop:slow' && log.some((line) => line.startsWith('Waiting')));
    cancel.abort();
    assert.equal(failure(await deployed).kind, 'cancelled');
    assert.equal(image(), 'registry.test/shop:one');
  });

  it('leaves nothing running of a first release that does not come up', async () => {
    failure(await deploy('not-there'));
    assert.match(log.join('\n'), /there is no earlier release: deployment\/shop is scaled to 0/);
    assert.equal((cluster.api.store.get('deployments', 'shop')?.['spec'] as { replicas: number }).replicas, 0);
    const [seen] = value(await platform().observe(undefined, quiet));
    assert.deepEqual([seen?.state, seen?.reason], ['stopped', 'it was taken down: there was no earlier release']);
    // What was taken down is nothing to bring back.
    const again = failure(await deploy('crashing'));
    assert.doesNotMatch(again.message, /brought back/);
    assert.equal((cluster.api.store.get('deployments', 'shop')?.['spec'] as { replicas: number }).replicas, 0);
    value(await deploy('one'));
    assert.equal((cluster.api.store.get('deployments', 'shop')?.['spec'] as { replicas: number }).replicas, 1);
  });

  it('goes on when a cluster that was away in the middle is back', async () => {
    cluster.api.controller.readyMs = 1_500;
    const deployed = deploy('one');
    await eventually('it is applied', () => image() !== undefined);
    await cluster.api.goAway();
    await eventually('it is told', () => /the cluster of test is away/.test(log.join('\n')));
    await cluster.api.start();
    value(await deployed);
  });

  it('does not spin when the cluster stays away', async () => {
    const on = platform({ timeoutMs: 2_000 });
    cluster.api.controller.readyMs = 60_000;
    const deployed = deploy('one', {}, quiet, on);
    await eventually('it is applied', () => image() !== undefined);
    await cluster.api.goAway();
    const { message } = failure(await deployed);
    assert.match(message, /could not be brought back: the cluster of test is away/);
  });

  it('promotes exactly the image that was verified', async () => {
    const verified = 'registry.test/shop@sha256:'.padEnd(90, 'a');
    const artifact = { slot: '', folder: '', image: verified };
    value(await deploy('one', { promotes: { environment: 'staging', kind: 'kubernetes', artifact } }));
    assert.equal(image(), verified);
    const without = { environment: 'staging', kind: 'process' as const, artifact: { slot: '', folder: '' } };
    assert.match(failure(await deploy('two', { promotes: without })).message, /what was verified in staging is no image/);
  });

  it('sees what others delivered, how it is, and what could be brought back', async () => {
    value(await deploy('one'));
    value(await deploy('two'));
    const [seen] = value(await platform().observe(undefined, quiet));
    assert.deepEqual(
      [seen?.service, seen?.state, seen?.release?.commit, seen?.release?.by, seen?.earlier?.map(({ commit }) => commit)],
      ['shop', 'healthy', 'two', 'Ann', ['one']],
    );
  });

  it('stops and starts as many pods as there were', async () => {
    value(await deploy('one'));
    value(await platform().stop(kept('one'), quiet));
    assert.equal(value(await platform().observe(undefined, quiet))[0]?.state, 'stopped');
    value(await platform().start(kept('one'), quiet));
    assert.equal(value(await platform().observe(undefined, quiet))[0]?.state, 'healthy');
  });

  it('prints what its pods print', async () => {
    value(await deploy('one'));
    let text = '';
    value(await platform().logs(kept('one'), { lines: 10 }, (bytes) => (text += bytes.toString()), quiet));
    assert.equal(text, 'listening\n');
  });

  it('says when something changed, until the signal', async () => {
    value(await deploy('one'));
    const end = new AbortController();
    let changes = 0;
    const watching = platform().watch(() => changes++, end.signal);
    await eventually('it watches', () => cluster.api.asked.filter((line) => line.endsWith('/daemonsets')).length > 0);
    await eventually('a change is told', () => {
      const pod = cluster.api.store.all('pods')[0];
      if (pod) cluster.api.store.put('pods', pod);
      return changes > 0;
    });
    end.abort();
    await watching;
  });

  describe('before the first step', () => {
    const refusal = async (more: Partial<KubernetesDefinition> = {}): Promise<string> => {
      const { message, hint } = failure(await platform(more).check(cluster.folder, quiet));
      return `${message} (${hint ?? ''})`;
    };

    it('finds nothing in the way', async () => {
      value(await platform().check(cluster.folder, quiet));
      assert.deepEqual(cluster.api.store.all('deployments'), []);
    });

    it('names a context that is not there, with those that are', async () => {
      assert.match(await refusal({ context: 'prod' }), /kubectl knows no context prod \(it knows elsewhere, test\)/);
    });

    it('says that the cluster is away', async () => {
      await cluster.api.goAway();
      assert.match(await refusal(), /the cluster of test is away: .*\(try: kubectl --context=test version\)/);
    });

    it('says who is not signed in', async () => {
      cluster.api.token = 'secret';
      assert.match(await refusal(), /the cluster of test does not know you: .*\(sign in/);
    });

    it('signs in by the plugin that the kubeconfig names', async () => {
      cluster.api.token = 'from-the-plugin';
      const credential = {
        apiVersion: 'client.authentication.k8s.io/v1beta1',
        kind: 'ExecCredential',
        status: { token: 'from-the-plugin' },
      };
      const exec = {
        apiVersion: 'client.authentication.k8s.io/v1beta1',
        command: 'printenv',
        args: ['SIGN_IN'],
        interactiveMode: 'Never',
      };
      process.env['SIGN_IN'] = JSON.stringify(credential);
      cluster.api.kubeconfig(cluster.folder, { exec });
      try {
        value(await platform().check(cluster.folder, quiet));
      } finally {
        delete process.env['SIGN_IN'];
      }
    });

    it('names the permissions that are missing', async () => {
      cluster.api.forbidden = new Set(['patch deployments', 'list pods']);
      assert.match(await refusal(), /you may not patch deployments, list pods in the namespace shop of test \(ask for a role/);
    });

    it('says that the namespace is missing', async () => {
      assert.match(await refusal({ namespace: 'moon' }), /test has no namespace moon \(make it: /);
    });

    it('says what the manifests lack', async () => {
      assert.match(
        await refusal({ manifests: ['k8s/shop.yaml'], workload: 'deployment/moon' }),
        /hold no deployment\/moon \(they hold deployment\/shop, configmap\/shop\)/,
      );
    });

    it('leaves to the deployment what a step may still write', async () => {
      for (const manifests of [['generated/*.yaml'], ['k8s', 'generated.yaml']]) {
        const on = platform({ manifests });
        value(await on.check(cluster.folder, quiet));
        assert.match(failure(await deploy('one', {}, quiet, on)).message, /^generated\S* is not there: .* no step has written it/);
      }
      const on = platform({ workload: 'deployment/moon' });
      value(await on.check(cluster.folder, quiet));
      assert.match(failure(await deploy('one', {}, quiet, on)).message, /hold no deployment\/moon/);
    });
  });
});
