import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { findHandovers } from '../../../../src/core/pipeline/handovers';
import { temporaryFolder } from '../../../support/temporary';

describe('manual handovers', () => {
  const folder = temporaryFolder();

  async function found(file: string, text: string): Promise<string[]> {
    execFileSync('git', ['init', '-q'], { cwd: folder.path });
    fs.mkdirSync(path.dirname(path.join(folder.path, file)), { recursive: true });
    fs.writeFileSync(path.join(folder.path, file), text);
    return (await findHandovers(folder.path)).map((one) => `${one.path}:${one.line} ${one.message}`);
  }

  it('are GitLab jobs that wait for a click', async () => {
    const text = `build:\n  script: make\ndeploy:\n  script: ./deploy\n  when: manual\nlater:\n  rules:\n    - if: $X\n      when: manual\n    - when: always\n`;
    assert.deepEqual(await found('.gitlab-ci.yml', text), [
      '.gitlab-ci.yml:5 job deploy waits for a person: `when: manual`',
      '.gitlab-ci.yml:9 job later waits for a person: `when: manual`',
    ]);
  });

  it('are GitHub jobs whose environment may have reviewers', async () => {
    const text = `on: push\njobs:\n  test:\n    runs-on: x\n  ship:\n    environment: production\n  stage:\n    environment:\n      name: staging\n`;
    assert.deepEqual(await found('.github/workflows/ci.yml', text), [
      '.github/workflows/ci.yml:6 job ship may wait for the reviewers of environment production',
      '.github/workflows/ci.yml:8 job stage may wait for the reviewers of environment staging',
    ]);
  });

  it('are none in a workflow that Deliver wrote', async () => {
    const text = '# Written by `deliver export github` from delivery.yaml\non: push\njobs:\n  stage:\n    environment: staging\n';
    assert.deepEqual(await found('.github/workflows/deliver-shop.yml', text), []);
  });

  for (const on of ['workflow_dispatch', '[workflow_dispatch]', '{workflow_dispatch: {inputs: {}}}']) {
    it(`are GitHub workflows that deploy only by hand: on: ${on}`, async () => {
      assert.deepEqual(await found('.github/workflows/ship.yaml', `name: x\non: ${on}\njobs:\n  deploy:\n    runs-on: x\n`), [
        '.github/workflows/ship.yaml:2 the workflow deploys only when a person starts it: `workflow_dispatch`',
      ]);
    });
  }

  it('are not workflows that also start by themselves, nor those that deploy nothing', async () => {
    assert.deepEqual(await found('.github/workflows/a.yml', 'on: [push, workflow_dispatch]\njobs: {deploy: {}}\n'), []);
    assert.deepEqual(await found('.github/workflows/a.yml', 'on: workflow_dispatch\njobs: {benchmark: {}}\n'), []);
  });

  it('are Jenkins inputs, and not those in comments', async () => {
    const text = `pipeline {\n  // input 'x'\n  /* input\n  input 'y' */\n  stage('a') { }\n  input message: 'Deploy?'\n  input {\n  inputFile = 1\n}\n`;
    assert.deepEqual(await found('ci/Jenkinsfile', text), [
      'ci/Jenkinsfile:6 the pipeline waits for a person at `input`',
      'ci/Jenkinsfile:7 the pipeline waits for a person at `input`',
    ]);
  });

  for (const broken of ['', 'a: [', '- a\n', 'a: *b\n', '\0\0', 'on:\njobs:\n', 'jobs: {deploy: null, x: [environment]}\n']) {
    it(`are none in a broken file: ${JSON.stringify(broken)}`, async () => {
      assert.deepEqual(await found('.github/workflows/a.yml', broken), []);
      assert.deepEqual(await found('.gitlab-ci.yml', broken), []);
    });
  }
});
