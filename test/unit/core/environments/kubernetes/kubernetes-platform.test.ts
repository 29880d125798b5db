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

(hasKubectl() ? describe : describe.skip)('a Kubernetes environment', function () {
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
    assert.ok(!result.ok, 'it succeeded');
    return result.failure;
  };

  it('applies the manifests, waits for the rollout and logs its progress', async () => {
    const { image: live } = value(await deploy('one'));
    assert.equal(image(), 'registry.test/shop:one');
    assert.match(live ?? '', /^registry\.test\/shop@sha256:[0-9a-f]{64}$/);
    assert.match(log.join('\n'), /configmap\/shop serverside-applied\ndeployment.apps\/shop serverside-applied/);
    assert.match(log.join('\n'), /successfully rolled out/);
    assert.match(log.join('\n'), /replicaset\/shop-\w+: SuccessfulCreate: Created pod/);
    assert.equal(new Set(log).size, log.length, log.join('\n'));
  });

  it('restores an earlier release from its record in the cluster', async () => {
    for (const commit of ['one', 'two', 'three']) value(await deploy(commit));
    value(await platform().restore(kept('one'), (line) => log.push(line), quiet));
    assert.equal(image(), 'registry.test/shop:one');
    // The next delivery takes over the fields that the rollback set.
    value(await deploy('four'));
    assert.equal(image(), 'registry.test/shop:four');
    const gone = failure(await platform().restore(kept('never'), (line) => log.push(line), quiet));
    assert.match(`${gone.message} ${gone.hint}`, /keeps no record of never it keeps four, one; deliver that commit again/);
    assert.equal(image(), 'registry.test/shop:four');
  });

  it('keeps the live release if a rollback fails', async () => {
    for (const commit of ['one', 'two', 'three']) value(await deploy(commit));
    cluster.api.controller.broken.add('registry.test/shop:one');
    const failed = failure(await platform().restore(kept('one'), (line) => log.push(line), quiet));
    assert.match(failed.message, /^one could not be restored: .*cannot be pulled: .*$/);
    assert.equal(image(), 'registry.test/shop:three');
    const [seen] = value(await platform().observe(undefined, quiet));
    assert.deepEqual([seen?.state, seen?.release?.commit], ['healthy', 'three']);
  });

  it('reports a permission that is lost during a rollout', async () => {
    value(await deploy('one'));
    cluster.api.controller.readyMs = 60_000;
    log = [];
    const deployed = deploy('two');
    await eventually('the rollout has started', () => log.some((line) => line.startsWith('Waiting')));
    cluster.api.forbidden = new Set(['get deployments', 'list deployments', 'watch deployments']);
    await cluster.api.disconnect();
    await cluster.api.start();
    assert.match(
      failure(await deployed).message,
      /did not come up: .* is forbidden: .*; the previous release could not be restored: .*forbidden/,
    );
  });

  it('explains a failed rollout and restores the former release', async () => {
    value(await deploy('one'));
    const missing = failure(await deploy('not-there'));
    assert.match(
      missing.message,
      /deployment\/shop did not come up: the image registry.test\/shop:not-there cannot be pulled: .*not found/,
    );
    assert.equal(image(), 'registry.test/shop:one');
    cluster.api.podLog = () => 'listening\nError: no such table: orders\n';
    const crashing = failure(await deploy('crashing'));
    assert.match(crashing.message, /the container web ended with exit code 3, 3 times/);
    assert.ok(log.includes('  Error: no such table: orders'), log.join('\n'));
    assert.equal(image(), 'registry.test/shop:one');
  });

  it('explains a rollout that times out', async () => {
    value(await deploy('one'));
    const on = platform({ timeoutMs: 3_000 });
    assert.match(failure(await deploy('no-node', {}, quiet, on)).message, /no node fits: 0\/3 nodes are available: 3 Insufficient memory/);
    assert.match(failure(await deploy('slow', {}, quiet, on)).message, /did not come up/);
    assert.equal(image(), 'registry.test/shop:one');
  });

  it('restores the former release after a cancel', async () => {
    value(await deploy('one'));
    const cancel = new AbortController();
    const deployed = deploy('slow', {}, cancel.signal);
    await eventually(
      'the rollout has started',
      () => image() === 'registry.test/shop:slow' && log.some((line) => line.startsWith('Waiting')),
    );
    cancel.abort();
    const { kind, message } = failure(await deployed);
    assert.equal(kind, 'cancelled', `${message}\n${log.join('\n')}`);
    assert.equal(image(), 'registry.test/shop:one');
  });

  it('stops a first release that does not come up', async () => {
    failure(await deploy('not-there'));
    assert.match(log.join('\n'), /there is no earlier release: deployment\/shop is scaled to 0/);
    assert.equal((cluster.api.store.get('deployments', 'shop')?.['spec'] as { replicas: number }).replicas, 0);
    const [seen] = value(await platform().observe(undefined, quiet));
    assert.deepEqual([seen?.state, seen?.reason], ['stopped', 'it was taken down: there was no earlier release']);
    // A release that was taken down is no target for a rollback.
    const second = failure(await deploy('crashing'));
    assert.doesNotMatch(second.message, /restored/);
    assert.equal((cluster.api.store.get('deployments', 'shop')?.['spec'] as { replicas: number }).replicas, 0);
    value(await deploy('one'));
    assert.equal((cluster.api.store.get('deployments', 'shop')?.['spec'] as { replicas: number }).replicas, 1);
  });

  it('continues when an unreachable cluster is reachable again', async () => {
    cluster.api.controller.readyMs = 1_500;
    const deployed = deploy('one');
    await eventually('the manifests are applied', () => image() !== undefined);
    await cluster.api.disconnect();
    await eventually('the outage is logged', () => /the cluster of test is unreachable/.test(log.join('\n')));
    await cluster.api.start();
    value(await deployed);
  });

  it('gives up when the cluster stays unreachable', async () => {
    const on = platform({ timeoutMs: 2_000 });
    cluster.api.controller.readyMs = 60_000;
    const deployed = deploy('one', {}, quiet, on);
    await eventually('the manifests are applied', () => image() !== undefined);
    await cluster.api.disconnect();
    const { message } = failure(await deployed);
    assert.match(message, /could not be restored: the cluster of test is unreachable/);
  });

  it('promotes exactly the verified image', async () => {
    const verified = 'registry.test/shop@sha256:'.padEnd(90, 'a');
    const artifact = { slot: '', folder: '', image: verified };
    value(await deploy('one', { promotes: { environment: 'staging', kind: 'kubernetes', artifact } }));
    assert.equal(image(), verified);
    const without = { environment: 'staging', kind: 'process' as const, artifact: { slot: '', folder: '' } };
    assert.match(
      failure(await deploy('two', { promotes: without })).message,
      /the release that was verified in staging has no container image/,
    );
  });

  it('observes the status and history of releases that others delivered', async () => {
    value(await deploy('one'));
    value(await deploy('two'));
    const [seen] = value(await platform().observe(undefined, quiet));
    assert.deepEqual(
      [seen?.service, seen?.state, seen?.release?.commit, seen?.release?.by, seen?.earlier?.map(({ commit }) => commit)],
      ['shop', 'healthy', 'two', 'Ann', ['one']],
    );
  });

  it('restores the number of pods after a stop', async () => {
    value(await deploy('one'));
    value(await platform().stop(kept('one'), quiet));
    assert.equal(value(await platform().observe(undefined, quiet))[0]?.state, 'stopped');
    value(await platform().start(kept('one'), quiet));
    assert.equal(value(await platform().observe(undefined, quiet))[0]?.state, 'healthy');
  });

  it('prints the logs of its pods', async () => {
    value(await deploy('one'));
    let text = '';
    value(await platform().logs(kept('one'), { lines: 10 }, (bytes) => (text += bytes.toString()), quiet));
    assert.equal(text, 'listening\n');
  });

  it('reports changes until the signal aborts', async () => {
    value(await deploy('one'));
    const end = new AbortController();
    let changes = 0;
    const watching = platform().watch(() => changes++, end.signal);
    await eventually('the watch has started', () => cluster.api.requests.filter((line) => line.endsWith('/daemonsets')).length > 0);
    await eventually('a change is reported', () => {
      const pod = cluster.api.store.all('pods')[0];
      if (pod) cluster.api.store.put('pods', pod);
      return changes > 0;
    });
    end.abort();
    await watching;
  });

  describe('the check before the first step', () => {
    const refusal = async (more: Partial<KubernetesDefinition> = {}): Promise<string> => {
      const { message, hint } = failure(await platform(more).check(cluster.folder, quiet));
      return `${message} (${hint ?? ''})`;
    };

    it('accepts a valid environment and changes nothing', async () => {
      value(await platform().check(cluster.folder, quiet));
      assert.deepEqual(cluster.api.store.all('deployments'), []);
    });

    it('reports a missing context and lists the existing ones', async () => {
      assert.match(await refusal({ context: 'prod' }), /kubectl has no context prod \(available: elsewhere, test\)/);
    });

    it('reports an unreachable cluster', async () => {
      await cluster.api.disconnect();
      assert.match(await refusal(), /the cluster of test is unreachable: .*\(try: kubectl --context=test version\)/);
    });

    it('reports rejected credentials', async () => {
      cluster.api.token = 'secret';
      assert.match(await refusal(), /the cluster of test rejected the credentials: .*\(sign in/);
    });

    it('signs in with the credential plugin of the kubeconfig', async () => {
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

    it('lists the missing permissions', async () => {
      cluster.api.forbidden = new Set(['patch deployments', 'list pods']);
      assert.match(await refusal(), /you may not patch deployments, list pods in the namespace shop of test \(ask for a role/);
    });

    it('reports a missing namespace', async () => {
      assert.match(await refusal({ namespace: 'moon' }), /test has no namespace moon \(create it: /);
    });

    it('reports a workload that the manifests do not contain', async () => {
      assert.match(
        await refusal({ manifests: ['k8s/shop.yaml'], workload: 'deployment/moon' }),
        /contain no deployment\/moon \(they contain deployment\/shop, configmap\/shop\)/,
      );
    });

    it('accepts missing files that a step may still write', async () => {
      for (const manifests of [['generated/*.yaml'], ['k8s', 'generated.yaml']]) {
        const on = platform({ manifests });
        value(await on.check(cluster.folder, quiet));
        assert.match(failure(await deploy('one', {}, quiet, on)).message, /^generated\S* does not exist: .* no step has written it/);
      }
      const on = platform({ workload: 'deployment/moon' });
      value(await on.check(cluster.folder, quiet));
      assert.match(failure(await deploy('one', {}, quiet, on)).message, /contain no deployment\/moon/);
    });
  });
});
