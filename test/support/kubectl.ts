import { spawnSync } from 'node:child_process';
import { KubernetesApi } from './kubernetes-api';
import { temporaryFolder } from './temporary';

/** Returns whether kubectl is installed, and logs if it is not. */
export function hasKubectl(): boolean {
  const found = spawnSync('kubectl', ['version', '--client'], { stdio: 'ignore' }).status === 0;
  if (!found) console.log('    kubectl is not installed: its tests are skipped');
  return found;
}

/** Provides a cluster for each test, with a kubeconfig whose context is `test`. Call it in `describe`. */
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
