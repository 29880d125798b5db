import assert from 'node:assert/strict';
import { planFile, type ExportPlan } from '../../../../../src/core/ci/export/exported-file';
import { github, gitlab, jenkins, type Exporter } from './exporters';
import type { Result } from '../../../../../src/core/model/result';
import { githubErrors } from '../../../../support/ci-files';
import { node, nodeRepository, rich, service } from './pipelines';

const exported = (engine: Exporter, yaml: string, there?: string, force?: boolean): Result<ExportPlan> => {
  const [file] = engine.files([service(yaml)], {});
  assert.ok(file);
  return planFile(engine, file, {}, there, force);
};
const text = (plan: Result<ExportPlan>): string => {
  assert.ok(plan.ok, plan.ok ? '' : plan.failure.message);
  return plan.value.text;
};
const after = (whole: string, line: string, own: readonly string[]): string => {
  assert.ok(whole.includes(`${line}\n`), `${line} is in\n${whole}`);
  return whole.replace(`${line}\n`, `${line}\n${own.join('\n')}\n`);
};
const yamlOwn = (indent: string, ...lines: string[]) =>
  ['# deliver: begin own', ...lines, '# deliver: end own'].map((line) => `${indent}${line}`);
const groovyOwn = (indent: string, ...lines: string[]) =>
  ['// deliver: begin own', ...lines, '// deliver: end own'].map((line) => `${indent}${line}`);

/** The pipeline after a change: other steps before and after, and another command. */
const changed = rich
  .replace('steps:\n', 'steps:\n  first: {run: ./first.sh}\n')
  .replace('run: npm test\n', 'run: npm run test:all\n')
  .replace('  notify:', '  last: {run: ./last.sh}\n  notify:');

describe('preserved regions of an exported file', () => {
  it('stay in the job, among the steps and at the top level when the rest changes', async () => {
    let whole = text(exported(github, rich));
    whole = after(whole, '  test:', yamlOwn('    ', 'container: node:22'));
    const lastOfTest = whole.slice(whole.indexOf('      - name: test\n')).split('      - if:')[0]?.trimEnd() ?? '';
    whole = after(whole, lastOfTest, yamlOwn('      ', '- run: echo afterwards'));
    whole = after(whole, '  contents: read', yamlOwn('', 'run-name: By ${{ github.actor }}'));
    const again = exported(github, rich, whole);
    assert.ok(again.ok && !again.value.isEdited);
    const now = text(exported(github, changed, text(again)));
    assert.match(
      now,
      /\n {2}test:\n {4}# deliver: begin own\n {4}container: node:22\n {4}# deliver: end own\n {4}needs: \[build, lint-all\]\n/,
    );
    assert.match(now, /npm run test:all[\s\S]*NPM_TOKEN \}\}\n {6}# deliver: begin own\n {6}- run: echo afterwards\n/);
    assert.match(now, /contents: read\n\n# deliver: begin own\nrun-name: .*\n# deliver: end own\n\nconcurrency:/);
    assert.deepEqual(await githubErrors(now), []);
    assert.equal(text(exported(github, changed, now)), now);
  });

  it('replace generated keys', () => {
    const whole = after(text(exported(github, rich)), '  build:', yamlOwn('    ', 'runs-on: [big, linux]'));
    const now = text(exported(github, rich, whole));
    const job = /\n {2}build:\n([\s\S]*?)\n\n/.exec(now)?.[1] ?? '';
    assert.equal(job.match(/runs-on/g)?.length, 1);
    assert.match(job, /runs-on: \[big, linux\]/);
    assert.equal(now.match(/runs-on: ubuntu-latest/g)?.length, 4);
  });

  it('stay in a Jenkinsfile, also beside multi-line commands', () => {
    let whole = text(exported(jenkins, rich));
    whole = after(whole, "        stage('build') {", groovyOwn('          ', "agent { label 'big' }"));
    whole = after(whole, 'pipeline {', groovyOwn('  ', "agent { docker { image 'node:22' } }"));
    whole = after(whole, "    stage('lint.all and build') {", groovyOwn('      ', '// both at once'));
    whole = after(whole, "          junit testResults: 'reports/*.xml', allowEmptyResults: true\n        }\n      }\n    }", groovyOwn('    ', "stage('mine') { steps { sh 'x' } }")); // prettier-ignore
    const first = text(exported(jenkins, rich, whole));
    assert.ok(!first.includes('agent any'));
    const now = text(exported(jenkins, changed.replace('npm run build', 'npm run build\n      echo more'), first));
    assert.match(now, /stage\('build'\) \{\n {10}\/\/ deliver: begin own\n {10}agent \{ label 'big' \}/);
    assert.match(now, /^pipeline \{\n {2}\/\/ deliver: begin own\n {2}agent \{ docker/m);
    assert.match(now, /stage\('test'\) \{[\s\S]*?\n {4}\}\n {4}\/\/ deliver: begin own\n {4}stage\('mine'\)/);
    assert.equal(text(exported(jenkins, changed.replace('npm run build', 'npm run build\n      echo more'), now)), now);
  });

  it('stop the export when their job is removed', () => {
    const whole = after(text(exported(github, rich)), '  test:', yamlOwn('    ', 'container: node:22'));
    const without = exported(github, rich.replace(/ {2}test:\n[\s\S]*?timeout: 90s\n/, '').replace('needs: test,', 'needs: build,'), whole);
    assert.ok(!without.ok);
    assert.match(without.failure.message, /a preserved region is in `test`, which no longer exists in delivery.yaml/);
    assert.equal(without.failure.line, whole.split('\n').indexOf('    # deliver: begin own') + 1);
  });

  it('need both marks and valid YAML', () => {
    const whole = text(exported(github, rich));
    const open = exported(github, rich, after(whole, '  test:', ['    # deliver: begin own', '    container: node:22']));
    assert.match(open.ok ? '' : open.failure.message, /begins here without an end/);
    const closed = exported(github, rich, after(whole, '  test:', ['    # deliver: end own']));
    assert.match(closed.ok ? '' : closed.failure.message, /ends here without a beginning/);
    const broken = exported(github, rich, after(whole, '  test:', yamlOwn('    ', 'container: [node')));
    assert.match(broken.ok ? '' : broken.failure.message, /with the preserved regions the file is not valid YAML/);
  });

  it('include one for the image of all GitLab jobs', () => {
    const whole = text(exported(gitlab, rich));
    const filled = whole.replace(/# image: node:22.*/, 'image: node:24');
    assert.match(text(exported(gitlab, changed, filled)), /# deliver: begin own\nimage: node:24\n# deliver: end own\n\nvariables:/);
    const repository = { package: 'deliver.tgz', repository: nodeRepository };
    const [file] = gitlab.files([service(node, 'services/shop')], repository);
    assert.ok(file);
    const own = text(planFile(gitlab, file, repository, filled.replace(/\n\nvariables:[\s\S]*/, '\n')));
    assert.deepEqual(own.match(/^image: .*$/gm), ['image: node:24'], 'it replaces the image of the repository');
    const removed = whole.replace(/# deliver: begin own\n.*\n# deliver: end own\n\n/, '');
    assert.ok(!text(exported(gitlab, changed, removed)).includes('begin own\n'));
  });
});

describe('an existing exported file', () => {
  it('stays when only empty lines or line ends differ', () => {
    const whole = text(exported(gitlab, rich));
    for (const same of [whole, whole.replace(/\n/g, '\r\n'), whole.replace(/\n\n/g, '\n\n\n')]) {
      const plan = exported(gitlab, rich, same);
      assert.ok(plan.ok && plan.value.isUnchanged);
    }
  });

  it('is recognized as changed outside its preserved regions', () => {
    const whole = text(exported(github, rich)).replace('run: eslint .', 'run: eslint . --fix');
    const plan = exported(github, rich, whole);
    assert.ok(plan.ok);
    assert.deepEqual(
      [plan.value.isEdited, plan.value.firstChange],
      [true, whole.split('\n').findIndex((line) => line.includes('--fix')) + 1],
    );
    const commented = exported(github, changed, text(exported(github, rich)).replace('  build:\n', '  # why so\n  build:\n'));
    assert.ok(commented.ok && commented.value.isEdited, 'a comment is not lost either');
    const newer = exported(github, changed, text(exported(github, rich)));
    assert.ok(newer.ok && !newer.value.isEdited);
  });

  it('is refused if Deliver did not write it', () => {
    const foreign = 'name: CI\non: push\n';
    const plan = exported(github, rich, foreign);
    assert.match(plan.ok ? '' : plan.failure.message, /was not written by Deliver/);
    assert.match(text(exported(github, rich, foreign, true)), /^# Written by `deliver export github`/);
  });
});
