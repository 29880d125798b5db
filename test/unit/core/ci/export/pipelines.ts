import assert from 'node:assert/strict';
import type { CiPipeline } from '../../../../../src/core/ci/ci-service';
import type { RepositoryFacts } from '../../../../../src/core/ci/export/repository-facts';
import { parsePipeline } from '../../../../../src/core/pipeline/parse';

export function service(yaml: string, folder = ''): CiPipeline {
  const { pipeline, errors } = parsePipeline(yaml, 'delivery.yaml');
  assert.deepEqual(errors, []);
  assert.ok(pipeline);
  return { folder, pipeline };
}

export const small = `service: shop
steps:
  test: {run: npm test}
`;

/** Every feature of a step. */
export const rich = `service: shop
steps:
  install:
    run: npm ci
    inputs: [package.json, package-lock.json]
    outputs: [node_modules/**]
    timeout: 10m
  lint.all:
    needs: install
    run: eslint .
    inputs: ['src/**/*.{ts,js}', '!src/generated/**']
  build:
    needs: install
    run: |
      echo "\${{ not.an.expression }}"
      npm run build
    outputs: ['dist/**', '*.vsix', '!dist/tmp/**']
    env: {PRICE: 'a$b', ANSWER: "yes", NAME: "it's"}
  test:
    needs: [build, lint.all]
    run: npm test
    secrets: [NPM_TOKEN]
    reports: [reports/*.xml]
    retries: 1
    timeout: 90s
  stage: {needs: test, deploy: staging}
  acceptance: {needs: stage, run: npm run acceptance, verifies: staging, env: {SLOW: "1"}}
  notify: {needs: acceptance, run: ./notify.sh}
environments:
  staging: {process: {command: node server.js}}
`;

/** A service in a folder of a repository with one lock file. */
export const node = `service: shop
steps:
  install: {run: npm ci && husky, inputs: [package.json], outputs: [node_modules/**]}
  lint: {needs: install, run: eslint .}
  stage: {needs: lint, deploy: staging}
environments:
  staging: {process: {command: node server.js}}
`;

const nodeFiles: Readonly<Record<string, string>> = {
  '.gitmodules': '',
  '.nvmrc': 'v22.3\n',
  'package.json': '{"workspaces": ["services/*"]}',
  'package-lock.json': '{}',
  'services/shop/package.json': '{"engines": {"npm": ">=10"}}',
};

/** Its service is in `services/shop`. */
export const nodeRepository: RepositoryFacts = { read: (file) => nodeFiles[file], usesHistory: false, usesLfs: true };

/** A very large definition: `count` steps, each after the one ten before it. */
export function large(name: string, count: number): string {
  const steps = Array.from({ length: count }, (_, index) => {
    const needs = index >= 10 ? `needs: step-${index - 10}, ` : '';
    return `  step-${index}: {${needs}run: npm run step-${index}, outputs: [out-${index}/**], timeout: 5m}`;
  });
  return `service: ${name}\nsteps:\n${steps.join('\n')}\n`;
}
