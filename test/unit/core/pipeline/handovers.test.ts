import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { findManualApprovals } from '../../../../src/core/pipeline/handovers';
import { temporaryFolder } from '../../../support/temporary';

describe('manual handovers', () => {
  const folder = temporaryFolder();

  async function found(file: string, text: string): Promise<string[]> {
    execFileSync('git', ['init', '-q'], { cwd: folder.path });
    fs.mkdirSync(path.dirname(path.join(folder.path, file)), { recursive: true });
    fs.writeFileSync(path.join(folder.path, file), text);
    return (await findManualApprovals(folder.path)).map((one) => `${one.path}:${one.line} ${one.message}`);
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

  it('are Jenkins inputs inside of other blocks, and not what a script holds', async () => {
    const text = `script {\n  timeout(time: 1) { input 'Go?' }\n  def to = input(message: 'Where?')\n  return input("x")\n  sh \'\'\'\n  input 'x'\n  \'\'\'\n  echo "then; input 'x'"\n  milestone 1\n  checkout url: 'https://x' // input 'y'\n}\n`;
    assert.deepEqual(
      (await found('deploy.jenkinsfile', text)).map((line) => line.split(' ')[0]),
      ['deploy.jenkinsfile:2', 'deploy.jenkinsfile:3', 'deploy.jenkinsfile:4'],
    );
  });

  it('are workflows that only a person starts and that call one that deploys', async () => {
    const text = 'on: workflow_dispatch\njobs:\n  go:\n    uses: ./.github/workflows/deploy.yml\n';
    assert.equal((await found('.github/workflows/go.yml', text)).length, 1);
  });

  it('are steps of delivery.yaml whose command asks a person', async () => {
    const text = `service: shop\nsteps:\n  one:\n    run: npm ci && npm login\n  two:\n    run: |\n      # read -p x\n      npm test\n      read -r -p 'Sure? ' yes\n  three: {run: docker run --rm -it shop sh}\n  four: {deploy: staging}\n`;
    assert.deepEqual(await found('delivery.yaml', text), [
      'delivery.yaml:4 step one asks for a login: `npm login`',
      'delivery.yaml:9 step two reads an answer: `read -p`',
      'delivery.yaml:10 step three wants a terminal: `docker run -it`',
    ]);
  });

  for (const run of [
    'echo y | read -p x y',
    'read -p x y < answers',
    'read line',
    'echo "read -p x"',
    "node -e 'npm login'",
    'docker run -t shop',
    'docker run -i shop sh -t',
    'docker run shop sh -it',
    'gh auth login --with-token < token',
    'az login --service-principal -u x -p $Y',
    'ssh host deploy',
    'npm run login',
    'cat <<EOF\\nread -p x\\nEOF',
  ])
    it(`are not commands that may go on alone: ${run}`, async () => {
      assert.deepEqual(await found('delivery.yaml', `service: shop\nsteps:\n  one:\n    run: "${run.replaceAll('"', '\\"')}"\n`), []);
    });

  for (const broken of ['', 'a: [', '- a\n', 'a: *b\n', '\0\0', 'on:\njobs:\n', 'jobs: {deploy: null, x: [environment]}\n']) {
    it(`are none in a broken file: ${JSON.stringify(broken)}`, async () => {
      assert.deepEqual(await found('.github/workflows/a.yml', broken), []);
      assert.deepEqual(await found('.gitlab-ci.yml', broken), []);
    });
  }
});
