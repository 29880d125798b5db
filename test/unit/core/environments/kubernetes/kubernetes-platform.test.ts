import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import * as path from 'node:path';
import { KubernetesPlatform } from '../../../../../src/core/environments/kubernetes/kubernetes-platform';
import { recordSecret } from '../../../../../src/core/environments/kubernetes/release-record';
import type { KeptRelease, PlatformDeploy, PlatformDeployed } from '../../../../../src/core/environments/platform';
import type { Failure, Result } from '../../../../../src/core/model/result';
import type { KubernetesDefinition } from '../../../../../src/core/environments/kubernetes/descriptor';
import type { Release } from '../../../../../src/core/model/events';
import type { Stored } from '../../../../support/kubernetes-store';
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
  const greeting = (): unknown => (cluster.api.store.get('configmaps', 'shop')?.['data'] as { greeting?: string } | undefined)?.greeting;
  const configMap = (name: string): string => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\ndata: {key: value}\n`;
  const records = (): string[] =>
    cluster.api.store.all('secrets').map(({ metadata: { annotations = {} } }) => {
      const { commit } = JSON.parse(annotations['deliver/release'] ?? '{}') as { commit?: string };
      return `${commit} ${annotations['deliver/state']}`;
    });
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

  describe('a release that the cluster does not accept', () => {
    const changed = (from: string | RegExp, to: string): void =>
      fs.writeFileSync(path.join(cluster.folder, 'k8s', 'shop.yaml'), manifest.replace('hello', 'good day').replaceAll(from, to));

    it('changes nothing if a field is immutable, and names the field', async () => {
      value(await deploy('one'));
      changed('app: shop', 'app: shop2');
      const { message, hint } = failure(await deploy('two'));
      assert.equal(
        message,
        'the cluster does not accept this release, and nothing was changed: The Deployment "shop" is invalid: spec.selector: field is immutable',
      );
      assert.match(hint ?? '', /kubectl --context=test --namespace=shop delete deployment\/shop/);
      assert.equal(greeting(), 'hello');
      assert.equal(image(), 'registry.test/shop:one');
    });

    it('changes nothing if an admission policy refuses one object', async () => {
      value(await deploy('one'));
      changed('nothing', '');
      cluster.api.refused.set('deployments/shop', 'the policy wants limits');
      assert.match(failure(await deploy('two')).message, /nothing was changed: .*the policy wants limits/);
      assert.equal(greeting(), 'hello');
    });

    it('names the field that somebody else has set, and changes nothing', async () => {
      fs.writeFileSync(
        path.join(cluster.folder, 'k8s', 'shop.yaml'),
        manifest.replace('spec:\n  selector', 'spec:\n  replicas: 1\n  selector'),
      );
      value(await deploy('one'));
      cluster.api.store.patch('deployments', 'shop', { spec: { replicas: 2 } }, 'kubectl', false);
      const { message, hint } = failure(await deploy('two'));
      assert.equal(message, 'nothing was changed: .spec.replicas of deployment/shop was set by kubectl');
      assert.match(hint ?? '', /leave \.spec\.replicas out of the manifests .*or set `conflicts: take`/);
      assert.equal(image(), 'registry.test/shop:one');
      value(await deploy('two', {}, quiet, platform({ conflicts: 'take' })));
      assert.equal(image(), 'registry.test/shop:two');
      assert.equal((cluster.api.store.get('deployments', 'shop')?.['spec'] as { replicas: number }).replicas, 1);
    });

    it('restores every object if the cluster refuses one while they are applied', async () => {
      value(await deploy('one'));
      changed('nothing', '');
      const isApplied = (): boolean => greeting() === 'good day';
      Object.defineProperty(cluster.api.refused, 'get', {
        value: (name: string) => (name === 'deployments/shop' && isApplied() ? 'the quota is used up' : undefined),
      });
      assert.match(failure(await deploy('two')).message, /the quota is used up/);
      assert.equal(greeting(), 'hello');
      assert.equal(image(), 'registry.test/shop:one');
    });
  });

  it('restores the configuration of the former release after a failed rollout', async () => {
    value(await deploy('one'));
    fs.writeFileSync(path.join(cluster.folder, 'k8s', 'shop.yaml'), `${manifest.replace('hello', 'good day')}---\n${configMap('extra')}`);
    failure(await deploy('crashing'));
    assert.equal(greeting(), 'hello');
    assert.equal(cluster.api.store.get('configmaps', 'extra'), undefined);
    assert.deepEqual(records(), ['one deployed']);
  });

  it('restores objects that no release of Deliver had before', async () => {
    cluster.api.store.put('configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'shop' }, data: { greeting: 'by hand' } });
    value(await deploy('one'));
    cluster.api.store.put('configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'extra' }, data: { key: 'by hand' } });
    fs.writeFileSync(path.join(cluster.folder, 'k8s', 'extra.yaml'), configMap('extra'));
    failure(await deploy('crashing'));
    assert.deepEqual(cluster.api.store.get('configmaps', 'extra')?.['data'], { key: 'by hand' });
  });

  it('removes what only the earlier release had, except what others own and what holds data', async () => {
    const claim = 'apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\nspec: {}\n';
    const extra = path.join(cluster.folder, 'k8s', 'extra.yaml');
    fs.writeFileSync(extra, `${configMap('extra')}---\n${configMap('shared')}---\n${claim}`);
    value(await deploy('one'));
    const shared = cluster.api.store.get('configmaps', 'shared');
    assert.ok(shared);
    cluster.api.store.put('configmaps', {
      ...shared,
      metadata: { ...shared.metadata, annotations: { 'deliver/service': 'cart', 'deliver/environment': 'production' } },
    });
    fs.rmSync(extra);
    value(await deploy('two'));
    assert.equal(cluster.api.store.get('configmaps', 'extra'), undefined);
    assert.ok(cluster.api.store.get('configmaps', 'shared'));
    assert.ok(cluster.api.store.get('persistentvolumeclaims', 'data'));
    assert.ok(log.includes('configmap/extra is no longer part of the release, and is removed when it is live'), log.join('\n'));
    assert.ok(log.includes('configmap/shared stays: it belongs to cart now'), log.join('\n'));
    value(await platform().restore(kept('one'), (line) => log.push(line), quiet));
    assert.ok(cluster.api.store.get('configmaps', 'extra'));
    assert.deepEqual(records(), ['one deployed']);
  });

  it('keeps the records of the last 10 releases', async () => {
    const record = (commit: string): ReturnType<typeof recordSecret> =>
      recordSecret({ service: 'shop', environment: 'production' }, { release: releaseOf(commit), url: '', objects: [] });
    for (let index = 0; index < 12; index++) {
      const secret = record(`c${index}`) as unknown as Stored;
      const values = { ...secret.metadata.annotations, 'deliver/state': 'deployed' };
      cluster.api.store.put('secrets', { ...secret, metadata: { ...secret.metadata, annotations: values } });
    }
    value(await deploy('one'));
    assert.equal(records().length, 10);
    assert.ok(records().includes('one deployed'));
  });

  describe('the jobs of a release', () => {
    const job = (tag: string): string =>
      `apiVersion: batch/v1\nkind: Job\nmetadata: {name: migrate}\nspec: {template: {spec: {restartPolicy: Never, containers: [{name: m, image: 'registry.test/migrate:${tag}'}]}}}\n`;
    const write = (tag: string): void => fs.writeFileSync(path.join(cluster.folder, 'k8s', 'job.yaml'), job(tag));

    it('end after the configuration is applied and before the workload is', async () => {
      write('one');
      value(await deploy('one'));
      const order = cluster.api.applied.filter((name) => !name.startsWith('secrets/'));
      assert.deepEqual(order, ['configmaps/shop', 'jobs/migrate', 'deployments/shop']);
      assert.ok(log.includes('  listening'), log.join('\n'));
    });

    it('are replaced if their template has changed, and do not run again otherwise', async () => {
      write('one');
      value(await deploy('one'));
      const first = cluster.api.store.get('jobs', 'migrate')?.metadata.uid;
      value(await deploy('two'));
      assert.equal(cluster.api.store.get('jobs', 'migrate')?.metadata.uid, first);
      write('two');
      value(await deploy('three'));
      assert.notEqual(cluster.api.store.get('jobs', 'migrate')?.metadata.uid, first);
    });

    it('fail the delivery with their log, and the configuration is restored', async () => {
      value(await deploy('one'));
      write('crashing');
      fs.writeFileSync(path.join(cluster.folder, 'k8s', 'shop.yaml'), manifest.replace('hello', 'good day'));
      cluster.api.podLog = () => 'no such table: orders\n';
      assert.match(failure(await deploy('two')).message, /^job\/migrate failed: Job has reached the specified backoff limit$/);
      assert.ok(log.includes('  no such table: orders'), log.join('\n'));
      assert.equal(image(), 'registry.test/shop:one');
      assert.equal(greeting(), 'hello');
      write('two');
      value(await deploy('three'));
    });
  });

  describe('the state of a service', () => {
    const seen = async (): Promise<(string | undefined)[]> => {
      const [first] = value(await platform().observe(kept('one'), quiet));
      return [first?.state, first?.reason];
    };

    it('is missing if somebody deleted the workload', async () => {
      value(await deploy('one'));
      cluster.api.store.remove('deployments', 'shop');
      assert.deepEqual(await seen(), ['missing', 'deployment/shop is not in the cluster']);
      value(await platform().restore(kept('one'), (line) => log.push(line), quiet));
      assert.deepEqual(await seen(), ['healthy', undefined]);
    });

    it('is stopped if somebody scaled the workload to 0', async () => {
      value(await deploy('one'));
      cluster.api.store.patch('deployments', 'shop', { spec: { replicas: 0 } }, 'kubectl', false);
      await eventually('the controller has seen it', async () => (await seen())[0] === 'stopped');
      assert.deepEqual(await seen(), ['stopped', 'it is scaled to 0']);
    });

    it('includes the releases even for people who may not read secrets, without earlier ones', async () => {
      value(await deploy('one'));
      cluster.api.forbidden = new Set(['list secrets']);
      const [first] = value(await platform().observe(undefined, quiet));
      assert.deepEqual([first?.state, first?.earlier], ['healthy', undefined]);
    });
  });

  it('does not count an outage of the cluster as time of the rollout', async () => {
    cluster.api.controller.readyMs = 3_500;
    const deployed = deploy('one', {}, quiet, platform({ timeoutMs: 5_000 }));
    await eventually('the manifests are applied', () => image() !== undefined);
    await cluster.api.disconnect();
    await eventually('the outage is logged', () => /the cluster of test is unreachable/.test(log.join('\n')));
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    await cluster.api.start();
    value(await deployed);
  });

  describe('the address of a release', () => {
    let answers = 0;
    let server: http.Server;
    const answer = async (status: (request: number) => number): Promise<string> => {
      answers = 0;
      server = http.createServer((_, response) => response.writeHead(status(++answers)).end());
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    };
    afterEach(() => server.close());

    it('answers at the end of the deployment', async () => {
      const url = await answer((request) => (request < 4 ? 503 : 200));
      value(await deploy('one', {}, quiet, platform({ url })));
      assert.equal(answers, 4);
    });

    it('fails the release if it never answers well at the path of the health check', async () => {
      const url = await answer(() => 200);
      value(await deploy('one', {}, quiet, platform({ url })));
      server.close();
      const broken = await answer(() => 500);
      const on = platform({ url: broken, health: { path: '/healthz', timeoutMs: 500 } });
      assert.match(
        failure(await deploy('two', {}, quiet, on)).message,
        /does not answer at its address: GET http:.*\/healthz answered 500/,
      );
      assert.equal(image(), 'registry.test/shop:one');
    });

    it('is only reported if this machine cannot look it up', async () => {
      await answer(() => 200);
      value(await deploy('one', {}, quiet, platform({ url: 'http://shop.invalid' })));
      assert.match(log.join('\n'), /shop\.invalid.* from this machine: whether customers reach the release is not known/);
    });
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
