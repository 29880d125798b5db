import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { parseManifests, renderManifests } from '../../../../../src/core/environments/kubernetes/manifests';
import type { KubernetesDefinition } from '../../../../../src/core/environments/kubernetes/descriptor';
import { hasKubectl } from '../../../../support/kubectl';
import { temporaryFolder } from '../../../../support/temporary';

const object = (kind: string, name: string, more = ''): string => `apiVersion: v1\nkind: ${kind}\nmetadata: {name: ${name}}\n${more}`;

describe('the manifests of a release', () => {
  const folder = temporaryFolder();
  const write = (name: string, text: string): void => {
    fs.mkdirSync(path.dirname(path.join(folder.path, name)), { recursive: true });
    fs.writeFileSync(path.join(folder.path, name), text);
  };
  const render = async (more: Partial<KubernetesDefinition>): Promise<string | string[]> => {
    const definition = { context: 'test', workload: 'deployment/shop', timeoutMs: 1000, ...more };
    const rendering = { service: 'shop', namespace: 'shop', folder: folder.path, mark: 'test', signal: new AbortController().signal };
    const result = await renderManifests(definition, rendering);
    return result.ok ? result.value.map(({ kind, metadata }) => `${kind} ${metadata.name}`) : result.failure.message;
  };

  it('come from files, folders and globs without duplicates', async () => {
    write('k8s/a.yaml', `${object('Service', 'a')}---\n${object('ConfigMap', 'b')}`);
    write(
      'k8s/b.json',
      JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'c' } }] }),
    );
    write('k8s/notes.md', 'no manifest');
    write('more/deep/d.yml', object('Service', 'd'));
    assert.deepEqual(await render({ manifests: ['k8s', 'k8s/a.yaml', 'more/**/*.yml'] }), [
      'Service a',
      'ConfigMap b',
      'Secret c',
      'Service d',
    ]);
  });

  it('are refused if they are not YAML, not objects, or missing', async () => {
    write('a.yaml', 'kind: [');
    assert.match(String(await render({ manifests: ['a.yaml'] })), /^a\.yaml is not valid YAML: /);
    write('b.yaml', 'replicas: 3\n');
    assert.match(String(await render({ manifests: ['b.yaml'] })), /^b\.yaml contains something that is not a Kubernetes object/);
    assert.match(String(await render({ manifests: ['c.yaml'] })), /^c\.yaml does not exist: it is not part of the change/);
  });

  it('are read as YAML 1.1, in which a mode is octal', () => {
    const [config] = (() => {
      const read = parseManifests(object('ConfigMap', 'a', 'mode: 0644\n'), 'a.yaml');
      return read.ok ? (read.value as unknown as { mode: number }[]) : [];
    })();
    assert.equal(config?.mode, 0o644);
  });

  it('are built by kustomize if the folder has a kustomization', async function () {
    if (!hasKubectl()) return this.skip();
    write(
      'base/deployment.yaml',
      `apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: shop}\nspec: {template: {spec: {containers: []}}}\n`,
    );
    write('base/kustomization.yaml', 'resources: [deployment.yaml]\n');
    write('overlay/kustomization.yaml', 'namePrefix: staging-\nresources: [../base]\n');
    assert.deepEqual(await render({ manifests: ['overlay'] }), ['Deployment staging-shop']);
    write('overlay/kustomization.yaml', 'resources: [../nowhere]\n');
    assert.match(String(await render({ manifests: ['overlay'] })), /^kubectl could not build overlay: .*nowhere/);
  });

  it('are rendered by helm from a chart and its values, without hooks', async function () {
    if (process.platform === 'win32') return this.skip();
    write('chart/Chart.yaml', 'name: shop\nversion: 1.0.0\n');
    write('values.yaml', 'replicas: 2\n');
    // A substitute for helm. It prints an object whose name is its command line.
    write('bin/helm', '#!/bin/sh\nprintf "apiVersion: v1\\nkind: ConfigMap\\nmetadata: {name: \\"%s\\"}\\n" "$*"\n');
    fs.chmodSync(path.join(folder.path, 'bin/helm'), 0o755);
    const before = process.env['PATH'];
    process.env['PATH'] = `${path.join(folder.path, 'bin')}:${before}`;
    try {
      const file = path.join(folder.path, 'values.yaml');
      const called = `template shop ${path.join(folder.path, 'chart')} --namespace=shop --no-hooks --values=${file}`;
      assert.deepEqual(await render({ chart: { folder: 'chart', values: ['values.yaml'] } }), [`ConfigMap ${called}`]);
    } finally {
      process.env['PATH'] = before;
    }
  });
});
