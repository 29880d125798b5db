import * as assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import * as http from 'node:http';
import * as path from 'node:path';
import { Project, type Ended } from '../support/project';
import { eventually, temporaryFolder } from '../support/temporary';

interface Live {
  service: string;
  state: string;
  reason?: string;
  release?: { commit: string; restored?: { by: string } };
}

const kubeconfig = process.env['DELIVER_TEST_KUBECONFIG'];
if (kubeconfig === undefined) console.log('    DELIVER_TEST_KUBECONFIG names no kubeconfig: the tests with a real cluster are skipped');

/**
 * Runs against the cluster of the kubeconfig's current context. Its nodes must have the image `node:20` (or DELIVER_TEST_IMAGE), and
 * this machine must reach their node ports. Each test has a namespace of its own.
 */
(kubeconfig === undefined ? describe.skip : describe)('a delivery to a real Kubernetes cluster', function () {
  this.timeout(180_000);
  const folder = temporaryFolder();
  const image = process.env['DELIVER_TEST_IMAGE'] ?? 'node:20';
  let namespace: string;
  let shop: Project;

  const kubectl = (...args: string[]): string =>
    execFileSync('kubectl', [`--kubeconfig=${kubeconfig}`, `--namespace=${namespace}`, ...args], {
      encoding: 'utf8',
      stdio: 'pipe',
    }).trim();
  const context = (): string => kubectl('config', 'current-context');

  before(() => {
    process.env['KUBECONFIG'] = path.resolve(kubeconfig ?? '');
  });
  beforeEach(() => {
    namespace = `deliver-test-${randomUUID().slice(0, 8)}`;
    kubectl('create', 'namespace', namespace);
    shop = new Project(folder.path);
    define();
  });
  afterEach(() => {
    kubectl('delete', 'namespace', namespace, '--wait=false');
  });

  /** Writes a delivery.yaml that deploys and verifies. */
  function define(kubernetes: Record<string, unknown> = {}, verify = 'test "$(cat says)" != bad'): void {
    const settings = { context: context(), namespace, manifests: 'k8s/', workload: 'deployment/shop', timeout: '60s', ...kubernetes };
    shop
      .write('says', 'good')
      .steps(
        { stage: { deploy: 'staging' }, acceptance: { needs: 'stage', verifies: 'staging', run: verify } },
        { environments: { staging: { watch: 'off', kubernetes: settings } } },
      );
  }

  /** Writes the manifests of a service that answers with the text of its config map. */
  function write(text: string, { app = 'shop', kind = 'Deployment', probe = '/', replicas = '', more = '' } = {}): void {
    const spec = kind === 'StatefulSet' ? '  serviceName: shop\n' : '  strategy: {rollingUpdate: {maxUnavailable: 0}}\n';
    shop.write(
      'k8s/shop.yaml',
      `apiVersion: v1
kind: ConfigMap
metadata: {name: shop}
data: {TEXT: ${text}}
---
apiVersion: v1
kind: Service
metadata: {name: shop}
spec: {type: NodePort, selector: {app: ${app}}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: ${kind}
metadata: {name: shop}
spec:
${spec}${replicas}  selector: {matchLabels: {app: ${app}}}
  template:
    metadata: {labels: {app: ${app}}, annotations: {text: ${text}}}
    spec:
      terminationGracePeriodSeconds: 20
      containers:
        - name: web
          image: ${image}
          imagePullPolicy: IfNotPresent
          command: [node, -e, "const s=require('http').createServer((q,a)=>a.setHeader('Connection','close').end(process.env.TEXT)).listen(8080);process.on('SIGTERM',()=>setTimeout(()=>process.exit(),3000))"]
          envFrom: [{configMapRef: {name: shop}}]
          readinessProbe: {httpGet: {path: '/', port: 8080${probe === '/' ? '' : ', scheme: HTTPS'}}, periodSeconds: 1}
${more}`,
    );
  }
  const broken = { probe: 'broken' };

  const deliver = (env: Record<string, string> = {}): Promise<Ended> => shop.commit().start(['run'], env).ended;
  const passed = ({ code, stdout, stderr }: Ended): void => assert.equal(code, 0, stdout + stderr);
  const failed = ({ code, stdout, stderr }: Ended): string => {
    assert.equal(code, 1, stdout + stderr);
    return stdout + stderr;
  };
  const live = async (): Promise<Live | undefined> =>
    (await shop.json<{ services: Live[] }[]>('environment')).flatMap(({ services }) => services)[0];
  const text = (): string => kubectl('get', 'configmap', 'shop', '--output=jsonpath={.data.TEXT}');
  const address = (): string => {
    const host = kubectl('get', 'nodes', '--output=jsonpath={.items[0].status.addresses[?(@.type=="InternalIP")].address}');
    return `http://${host}:${kubectl('get', 'service', 'shop', '--output=jsonpath={.spec.ports[0].nodePort}')}/`;
  };
  const get = async (url: string): Promise<string> =>
    new Promise((resolve) => {
      const request = http.get(url, { agent: false, timeout: 5_000 }, (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => (body += chunk.toString()));
        response.on('end', () => resolve(body));
      });
      request.once('timeout', () => request.destroy(new Error('timeout')));
      request.once('error', (error) => resolve(`failed: ${error.message}`));
    });

  it('changes nothing if the cluster does not accept a part of the release', async () => {
    write('one');
    passed(await deliver());
    await eventually('the service answers', async () => (await get(address())) === 'one');
    write('two', { app: 'shop2' });
    assert.match(failed(await deliver()), /nothing was changed: The Deployment "shop" is invalid: spec\.selector: field is immutable/);
    assert.equal(text(), 'one');
    assert.equal(await get(address()), 'one');
  });

  it('loses no request over releases, a rollback and a failed release, and restores the configuration', async () => {
    write('one');
    passed(await deliver());
    const url = address();
    await eventually('the service answers', async () => (await get(url)) === 'one');
    const failures: string[] = [];
    let isOver = false;
    const load = (async () => {
      while (!isOver) {
        const answer = await get(url);
        if (answer.startsWith('failed')) failures.push(answer);
      }
    })();
    shop.write('k8s/extra.yaml', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: extra}\ndata: {key: value}\n');
    write('two');
    passed(await deliver());
    shop.git('rm', '-q', 'k8s/extra.yaml');
    write('three', broken);
    define({ timeout: '8s' });
    const log = failed(await deliver());
    assert.match(log, /did not come up/);
    assert.equal(text(), 'two');
    write('four');
    shop.write('says', 'bad');
    failed(await deliver());
    assert.equal(text(), 'two');
    assert.equal(kubectl('get', 'configmap', 'extra', '--output=jsonpath={.data.key}'), 'value');
    const elsewhere = { DELIVER_HOME: path.join(folder.path, 'colleague') };
    shop.git('config', 'user.name', 'Ben');
    passed(await shop.start(['rollback', 'staging'], elsewhere).ended);
    assert.equal(text(), 'one');
    assert.equal(kubectl('get', 'configmap', 'extra', '--ignore-not-found'), '');
    assert.equal((await live())?.release?.restored?.by, 'Ben');
    isOver = true;
    await load;
    assert.deepEqual(failures, []);
  });

  it('reports a service that somebody deleted or scaled to 0', async () => {
    write('one');
    passed(await deliver());
    kubectl('scale', 'deployment/shop', '--replicas=0');
    await eventually('it is stopped', async () => (await live())?.state === 'stopped');
    kubectl('delete', 'deployment/shop');
    assert.deepEqual((await live())?.state, 'missing');
    process.env['KUBECONFIG'] = '/dev/null';
    try {
      assert.equal((await live())?.state, 'unknown');
    } finally {
      process.env['KUBECONFIG'] = path.resolve(kubeconfig ?? '');
    }
  });

  it('names the field that somebody else has set', async () => {
    write('one', { replicas: '  replicas: 1\n' });
    passed(await deliver());
    kubectl('scale', 'deployment/shop', '--replicas=2');
    write('two', { replicas: '  replicas: 1\n' });
    assert.match(failed(await deliver()), /\.spec\.replicas of deployment\/shop was set by kubectl/);
    assert.equal(text(), 'one');
    define({ conflicts: 'take' });
    passed(await deliver());
    assert.equal(kubectl('get', 'deployment', 'shop', '--output=jsonpath={.spec.replicas}'), '1');
  });

  it('restores a stateful set whose new pods crash', async () => {
    define({ workload: 'statefulset/shop', timeout: '30s' });
    write('one', { kind: 'StatefulSet' });
    passed(await deliver());
    write('two', { kind: 'StatefulSet', ...broken });
    define({ workload: 'statefulset/shop', timeout: '20s' });
    assert.doesNotMatch(failed(await deliver()), /could not be restored/);
    assert.equal(text(), 'one');
    assert.equal((await live())?.state, 'healthy');
  });

  it('applies definitions before custom resources, and runs jobs before the workload', async () => {
    const kind = `T${namespace.slice(-8)}`;
    const plural = kind.toLowerCase();
    const job = (script: string): Project =>
      shop.write(
        'k8s/job.yaml',
        `apiVersion: batch/v1
kind: Job
metadata: {name: migrate}
spec:
  backoffLimit: 0
  template: {spec: {restartPolicy: Never, containers: [{name: m, image: '${image}', imagePullPolicy: IfNotPresent, command: [node, -e, "${script}"]}]}}
`,
      );
    write('one');
    shop.write(
      'k8s/a-resource.yaml',
      `apiVersion: example.com/v1
kind: ${kind}
metadata: {name: one}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: ${plural}.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: ${plural}, singular: ${plural}, kind: ${kind}}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]
`,
    );
    job('console.log(1)');
    try {
      passed(await deliver());
      assert.equal(kubectl('get', plural, 'one', '--output=name'), `${plural}.example.com/one`);
      job("console.log('no such table: orders'); process.exit(3)");
      write('two');
      failed(await deliver());
      const { stdout } = await shop.deliver('log', 'stage');
      assert.match(stdout, /no such table: orders/);
      assert.match(stdout, /job\/migrate failed: /);
      assert.equal(text(), 'one');
      job('console.log(2)');
      passed(await deliver());
      assert.equal(kubectl('logs', 'job/migrate'), '2');
      assert.equal(text(), 'two');
    } finally {
      kubectl('delete', 'crd', `${plural}.example.com`, '--ignore-not-found', '--wait=false');
    }
  });
});
