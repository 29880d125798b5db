import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { detectPipeline } from '../../../../../src/core/pipeline/detect/detect';
import { leftOver } from '../../../../../src/core/pipeline/detect/adopt/adopted';
import { parsePipeline } from '../../../../../src/core/pipeline/parse';
import type { Pipeline } from '../../../../../src/core/model/pipeline';
import { temporaryFolder } from '../../../../support/temporary';

describe('deliver init takes over', () => {
  const folder = temporaryFolder();

  async function adopted(
    files: Record<string, string>,
  ): Promise<{ yaml: string; pipeline: Pipeline; found: readonly string[]; left: string[] }> {
    for (const [name, text] of Object.entries(files)) {
      fs.mkdirSync(path.dirname(path.join(folder.path, name)), { recursive: true });
      fs.writeFileSync(path.join(folder.path, name), text);
    }
    const answer = await detectPipeline(folder.path);
    assert.ok(answer.ok, answer.ok ? '' : answer.failure.message);
    const { yaml, found, left } = answer.value;
    const { pipeline, errors } = parsePipeline(yaml, 'delivery.yaml');
    assert.deepEqual(errors, [], yaml);
    assert.ok(pipeline);
    // The file has the printed notes as well.
    for (const one of left) assert.ok(yaml.includes(`#   ${leftOver(one)}`), yaml);
    return { yaml, pipeline, found, left: left.map(leftOver) };
  }
  const outline = ({ steps }: Pipeline): string[] => steps.map(({ name, needs, run }) => `${name} [${needs.join(' ')}] ${run ?? ''}`);

  const workflow = `name: CI
on: {push: {branches: [main]}, pull_request: {}}
env: {NODE_ENV: test}
jobs:
  lint:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-node@v4
      - run: npm ci
      - run: npm run lint
  test:
    runs-on: ubuntu-latest
    timeout-minutes: 15
    strategy: {matrix: {node: [20, 22]}}
    steps:
      - uses: actions/checkout@v4
      - run: npm ci
      - name: Unit tests
        run: npm test -- --node=\${{ matrix.node }} --sha=\${{ github.sha }}
        env: {NPM_TOKEN: "\${{ secrets.NPM_TOKEN }}", OTHER: "\${{ secrets.THING }}", RUN: "\${{ github.run_id }}"}
      - uses: codecov/codecov-action@v4
      - if: failure()
        run: cat log
  build:
    needs: [lint, test]
    runs-on: ubuntu-latest
    container: node:22
    defaults: {run: {working-directory: app}}
    steps:
      - run: |
          make clean
          make all
      - run: ./upload \${{ steps.x.outputs.y }}
  deploy:
    needs: build
    environment: production
    runs-on: ubuntu-latest
    steps: [{run: ./deploy.sh}]
`;

  it('the jobs of a GitHub workflow, and names what it left', async () => {
    const { pipeline, found, left } = await adopted({
      '.github/workflows/ci.yml': workflow,
      '.github/workflows/nightly.yml': 'on: {schedule: [{cron: "0 0 * * *"}]}\njobs: {x: {runs-on: y, steps: [{run: z}]}}\n',
    });
    assert.deepEqual(outline(pipeline), [
      'install [] npm ci',
      'lint [install] npm run lint',
      'test [install] npm test -- --node=20 --sha=$DELIVERY_COMMIT',
      'build [lint test] set -e\ncd app\nmake clean\nmake all\n',
    ]);
    const test = pipeline.steps[2];
    assert.deepEqual([test?.env, test?.secrets, test?.timeoutMs], [{ NODE_ENV: 'test' }, ['NPM_TOKEN', 'OTHER'], 900_000]);
    assert.deepEqual(found, ['.github/workflows/ci.yml']);
    assert.deepEqual(left, [
      '.github/workflows/ci.yml:12: job test runs once for each combination of node; here once, for node: 20',
      '.github/workflows/ci.yml:21: OTHER is the secret THING there; here the secret is called OTHER',
      '.github/workflows/ci.yml:21: the variable RUN: ${{ github.run_id }}',
      '.github/workflows/ci.yml:22: job test uses codecov/codecov-action@v4',
      '.github/workflows/ci.yml:23: job test: `cat log`, which runs only if failure()',
      '.github/workflows/ci.yml:25: job build: its `container`',
      '.github/workflows/ci.yml:34: job build: `./upload ${{ steps.x.outputs.y }}`, whose expressions only GitHub knows',
      '.github/workflows/ci.yml:35: job deploy deploys to production: make it an environment and a step with `deploy`',
      '.github/workflows/nightly.yml:1: the workflow is started by schedule, not by a change',
    ]);
  });

  it('what a language says of the same command: its inputs and outputs', async () => {
    const { pipeline } = await adopted({
      '.github/workflows/ci.yml': 'on: push\njobs: {test: {runs-on: x, steps: [{run: npm ci}, {run: npm test}]}}\n',
      'package.json': '{"scripts": {"test": "x"}, "dependencies": {"a": "1"}}',
      'package-lock.json': '{}',
    });
    assert.deepEqual(outline(pipeline), ['install [] npm ci', 'test [install] npm test']);
    assert.deepEqual(pipeline.steps[0]?.outputs, ['node_modules/**']);
  });

  it('the jobs of a .gitlab-ci.yml by stage and need, with what they extend', async () => {
    const { pipeline, left } = await adopted({
      '.gitlab-ci.yml': `image: node:22
include: [{local: more.yml}]
stages: [prep, check, ship]
variables: {A: "1", B: "$CI_REGISTRY/x", C: a$$b}
.base: &base
  before_script: [npm ci]
install:
  stage: prep
  script: npm ci
  artifacts: {paths: [node_modules/]}
lint:
  stage: check
  extends: .base
  script: [npm run lint]
test:
  <<: *base
  stage: check
  needs: [{job: install}]
  retry: {max: 2}
  timeout: 1h 30m
  script:
    - npm test
    - echo $CI_COMMIT_SHA $CI_JOB_ID
  artifacts: {reports: {junit: report.xml}}
deploy: {stage: ship, environment: prod, script: ./deploy}
approve: {stage: ship, when: manual, script: x}
`,
    });
    assert.deepEqual(outline(pipeline), [
      'install [] npm ci',
      'lint [install] set -e\nnpm ci\nnpm run lint\n',
      'test [install] set -e\nnpm ci\nnpm test\necho $DELIVERY_COMMIT $CI_JOB_ID\n',
    ]);
    const [install, , test] = pipeline.steps;
    assert.deepEqual([install?.env, install?.outputs], [{ A: '1', C: 'a$b' }, ['node_modules/**']]);
    assert.deepEqual([test?.retries, test?.timeoutMs, test?.reports], [2, 5_400_000, ['report.xml']]);
    assert.deepEqual(
      left.filter((line) => !line.includes('runs in the image')),
      [
        '.gitlab-ci.yml:2: the files that it includes',
        '.gitlab-ci.yml:4: the variable B: $CI_REGISTRY/x',
        '.gitlab-ci.yml:15: job test reads CI_JOB_ID, which only GitLab sets',
        '.gitlab-ci.yml:25: job deploy deploys to prod: make it an environment and a step with `deploy`',
        '.gitlab-ci.yml:26: job approve, which waits for a person',
      ],
    );
  });

  it('nothing from a Jenkinsfile, and says so', async () => {
    const unread = 'Jenkinsfile:1: deliver init does not read Jenkinsfiles';
    const Jenkinsfile = "pipeline { agent any\n stages { stage('Test') { steps { sh 'make test' } } } }\n";
    fs.writeFileSync(path.join(folder.path, 'Jenkinsfile'), Jenkinsfile);
    const alone = await detectPipeline(folder.path);
    assert.ok(!alone.ok);
    assert.match(alone.failure.message, /^nothing to deliver was found/);
    assert.match(alone.failure.hint ?? '', /^deliver init does not read Jenkinsfiles; write a delivery\.yaml/);
    const fromMake = await adopted({ Makefile: 'test:\n\ttrue\n' });
    assert.deepEqual([fromMake.found, fromMake.left], [['Make'], [unread]]);
    const fromGitlab = await adopted({ '.gitlab-ci.yml': 'test: {script: make}\n' });
    assert.deepEqual([fromGitlab.found, fromGitlab.left], [['.gitlab-ci.yml'], [unread]]);
  });

  it('GitHub before GitLab, and says which it passed over', async () => {
    const { found, left } = await adopted({
      '.github/workflows/ci.yml': 'on: push\njobs: {test: {runs-on: x, steps: [{run: make}]}}\n',
      '.gitlab-ci.yml': 'test: {script: make}\n',
    });
    assert.deepEqual(found, ['.github/workflows/ci.yml']);
    assert.deepEqual(left, ['.gitlab-ci.yml:1: the whole file: the steps are those of .github/workflows/ci.yml']);
  });

  it('nothing of what Deliver itself wrote', async () => {
    const { found, left } = await adopted({
      '.gitlab-ci.yml':
        '# Written by `deliver export gitlab` from delivery.yaml; run it again when that changes. [000000000000]\ntest: {script: make}\n',
      Jenkinsfile:
        '// Written by `deliver export jenkins` from delivery.yaml; run it again when that changes. [000000000000]\npipeline { }\n',
      Makefile: 'test:\n\ttrue\n',
    });
    assert.deepEqual([found, left], [['Make'], []]);
  });

  it('nothing of what is broken or hostile, and writes what it can all the same', async () => {
    const laughs = ['a0: &a0 [x, x]', ...Array.from({ length: 30 }, (_, n) => `a${n + 1}: &a${n + 1} [*a${n}, *a${n}]`)].join('\n');
    for (const [file, text] of [
      ['.gitlab-ci.yml', `${laughs}\ntest: {needs: *a30}\n`],
      ['.github/workflows/ci.yml', 'on: push\njobs: {a: {needs: a, steps: [{run: x}]}, b: 7, c: {steps: 3}}\n'],
      ['.github/workflows/ci.yml', '\t{'],
      ['.gitlab-ci.yml', 'a: &a\n  extends: a\n  <<: *a\n  script: &s [*s]\n'],
    ] as const) {
      const { found } = await adopted({ [file]: text, Makefile: 'test:\n\ttrue\n' });
      assert.deepEqual(found, ['Make'], text.slice(0, 60));
      fs.rmSync(path.join(folder.path, file));
    }
  });
});
