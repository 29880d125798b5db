import { spawnSync } from 'node:child_process';
import { KubernetesApi } from './kubernetes-api';
import { temporaryFolder } from './temporary';

/** Whether the tests can call kubectl; says so where they cannot. */
export function hasKubectl(): boolean {
  const found = spawnSync('kubectl', ['version', '--client'], { stdio: 'ignore' }).status === 0;
  if (!found) console.log('    kubectl is not installed: what needs it is skipped');
  return found;
}

/** A cluster for each test, and a kubeconfig with the context `test` for it; call it in `describe`. */
export function testCluster(): { readonly api: KubernetesApi; readonly kubeconfig: string; readonly folder: string } {
  const folder = temporaryFolder();
  let api = new KubernetesApi();
  let kubeconfig = '';
  const before = process.env['KUBECONFIG'];
  beforeEach(async () => {
    api = new KubernetesApi();
    await api.start();
    api.store.put('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
    kubeconfig = api.kubeconfig(folder.path);
    process.env['KUBECONFIG'] = kubeconfig;
  });
  afterEach(async () => {
    if (before === undefined) delete process.env['KUBECONFIG'];
    else process.env['KUBECONFIG'] = before;
    await api.stop();
  });
  return {
    get api() {
      return api;
    },
    get kubeconfig() {
      return kubeconfig;
    },
    get folder() {
      return folder.path;
    },
  };
}
