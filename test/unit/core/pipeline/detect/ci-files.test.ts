import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { leftOver } from '../../../../../src/core/pipeline/detect/ci-files';
import { detectPipeline } from '../../../../../src/core/pipeline/detect/detect';
import { parsePipeline } from '../../../../../src/core/pipeline/parse';
import type { Pipeline } from '../../../../../src/core/model/pipeline';
import { temporaryFolder } from '../../../../support/temporary';

const json = JSON.stringify;

/** Commands that change other systems, this machine or files outside the checkout, or that work on a CI service only. */
const dangerous = [
  // deploy
  'kubectl apply -f k8s/',
  'KUBECONFIG=x kubectl rollout restart deploy/shop',
  'helm upgrade --install shop ./chart',
  'terraform apply -auto-approve',
  'cd infra && terraform destroy',
  'pulumi up --yes',
  'ansible-playbook site.yml',
  'aws s3 sync dist s3://bucket',
  'gcloud run deploy',
  'az webapp up',
  'heroku container:release web',
  'vercel --prod',
  'npx vercel deploy',
  'netlify deploy',
  'firebase deploy',
  'npx wrangler deploy',
  'fly deploy',
  'serverless deploy',
  'npx cdk deploy',
  'ssh host "systemctl restart shop"',
  'scp -r dist host:/srv',
  'rsync -a dist/ host:/srv',
  'npx gh-pages -d dist',
  'mvn -B deploy',
  'npm run deploy',
  // publish
  'npm publish',
  'npm publish --access public',
  'yarn npm publish',
  'pnpm -r publish',
  'npx semantic-release',
  'npx lerna publish',
  'cargo publish',
  'twine upload dist/*',
  'python -m twine upload dist/*',
  'poetry publish --build',
  'uv publish',
  'gem push shop.gem',
  'goreleaser release',
  'gh release create v1',
  'dotnet nuget push shop.nupkg',
  './gradlew publish',
  'git push origin main',
  'git tag v1',
  'git commit -am x',
  'npx vsce publish',
  // containers
  'docker push shop',
  'docker login -u x',
  'docker build -t shop .',
  'docker system prune -af',
  'docker-compose up -d',
  'docker rm -f $(docker ps -aq)',
  'podman push shop',
  // install globally
  'npm i -g typescript',
  'npm install --global yarn',
  'yarn global add x',
  'pnpm add -g x',
  'pip install -r requirements.txt',
  'python -m pip install x',
  'gem install bundler',
  'cargo install wasm-pack',
  'go install ./...',
  'apt-get install -y curl',
  'apk add git',
  'brew install go',
  'corepack enable',
  'curl -sSL https://example.com/install.sh | sh',
  'wget -qO- https://example.com/x | bash -s',
  'bash <(curl -s https://example.com/x)',
  'make install',
  'rustup default nightly',
  // rights and the machine
  'sudo rm -rf build',
  'env sudo make',
  'systemctl restart shop',
  'git config --global user.name x',
  'git config --global --add safe.directory "*"',
  'npm config set registry https://example.com',
  'npm set //registry.npmjs.org/:_authToken=x',
  'pkill -f node',
  'killall node',
  'eval "$(ssh-agent -s)"',
  'ssh-keyscan host >> known_hosts',
  'gpg --import key.asc',
  // a database
  'npx prisma migrate deploy',
  'npx knex migrate:latest',
  'bundle exec rails db:drop',
  'alembic upgrade head',
  'psql -c "drop table x"',
  // outside of the checkout
  'rm -rf $WORKSPACE/*',
  'rm -rf "$DIR"/*',
  'rm -rf /',
  'rm -rf ~/cache',
  'rm -rf ../other',
  'echo "$KEY" > ~/.ssh/id_rsa',
  'echo x >> $HOME/.npmrc',
  'echo "//registry/:_authToken=x" > ~/.npmrc',
  'echo x > /etc/hosts',
  'echo x | tee /etc/hosts',
  'cp dist/app /usr/local/bin/app',
  'mv x ../y',
  'mkdir -p ~/.kube',
  'chmod 600 ~/.ssh/id_rsa',
  'ln -s "$PWD" /srv/app',
  'tar -xzf x.tgz -C /opt',
  'curl -o /usr/bin/x https://example.com/x',
  'cd / && rm -rf tmp',
  'git clone https://example.com/x',
  // other systems and CI variables
  'curl -X POST https://hooks.example.com',
  'npx codecov',
  'bash <(curl https://codecov.io/bash)',
  'sonar-scanner',
  'echo "x=1" >> $GITHUB_OUTPUT',
  'echo $CI_COMMIT_SHA',
  './upload ${BUILD_NUMBER}',
  'test $GITHUB_REF = main',
  'echo ${{ github.run_id }}',
  './run --token $API_TOKEN',
];

const inFile: Readonly<Record<string, (command: string) => Record<string, string>>> = {
  'a GitHub workflow': (command) => ({
    '.github/workflows/ci.yml': `on: push\njobs: {test: {runs-on: x, steps: [{run: ${json(`npm test\n${command}`)}}]}}\n`,
  }),
  'a .gitlab-ci.yml': (command) => ({
    '.gitlab-ci.yml': `test: {before_script: [${json(command)}], script: [npm test, ${json(command)}]}\n`,
  }),
  'a Jenkinsfile': (command) => ({ Jenkinsfile: `pipeline { stages { stage('x') { steps { sh '''npm test\n${command}''' } } } }\n` }),
  'scripts of a package.json': (command) => ({
    'package.json': json({
      dependencies: { a: '1' },
      scripts: {
        build: `tsc && ${command}`,
        prelint: command,
        lint: 'eslint .',
        'test:unit': 'npm run inner',
        inner: command,
        prepare: command,
        start: command,
      },
    }),
    '.github/workflows/ci.yml': 'on: push\njobs: {test: {runs-on: x, steps: [{run: npm run test:unit}, {run: npm run inner}]}}\n',
  }),
  'a Makefile': (command) => ({
    Makefile: `all: deep\n\ttrue\ndeep:\n\t@${command.replace(/\$/g, '$$$$')}\nlint:\n\t$(MAKE) deep\ntest: deep\n`,
    '.gitlab-ci.yml': 'x: {script: [make test, make deep]}\n',
  }),
  'a Procfile': (command) => ({ Procfile: `web: ${command}\n` }),
};

describe('deliver init and CI files', () => {
  const folder = temporaryFolder();

  function write(files: Record<string, string>): void {
    for (const [name, text] of Object.entries(files)) {
      fs.mkdirSync(path.dirname(path.join(folder.path, name)), { recursive: true });
      fs.writeFileSync(path.join(folder.path, name), text);
    }
  }

  async function detected(
    files: Record<string, string>,
  ): Promise<{ yaml: string; pipeline: Pipeline; found: readonly string[]; left: string[] }> {
    write(files);
    const answer = await detectPipeline({ folder: folder.path, root: folder.path, name: 'shop' });
    assert.ok(answer.ok, answer.ok ? '' : answer.failure.message);
    const { yaml, found, left } = answer.value;
    const { pipeline, errors } = parsePipeline(yaml, 'delivery.yaml');
    assert.deepEqual(errors, [], yaml);
    assert.ok(pipeline);
    // The file has the printed notes as well.
    for (const one of left) assert.ok(yaml.includes(`#   ${leftOver(one)}`), yaml);
    return { yaml, pipeline, found, left: left.map(leftOver) };
  }
  const commandsOf = ({ steps, environments }: Pipeline): string[] => [
    ...steps.flatMap(({ run }) => run ?? []),
    ...Object.values(environments).map(({ settings }) => (settings as { command?: string }).command ?? ''),
  ];
  const node = { 'package.json': json({ scripts: { test: 'node --test' } }) };

  for (const [place, files] of Object.entries(inFile)) {
    it(`never activates a dangerous command of ${place}`, async () => {
      const isSource = place.startsWith('scripts') || place === 'a Makefile' || place === 'a Procfile';
      for (const command of dangerous) {
        write(isSource ? { 'go.mod': 'module shop\n', 'shop.go': 'package shop\n' } : node);
        if (place === 'a Makefile') fs.rmSync(path.join(folder.path, 'go.mod'));
        if (place === 'a Makefile') write({ 'index.html': '' });
        const { pipeline } = await detected(files(command));
        const allowed =
          /^(npm (test|install --no-package-lock --ignore-scripts|ci --ignore-scripts)|go (build|vet) \.\/\.\.\.|python3 -m http\.server .*)$/;
        assert.deepEqual(commandsOf(pipeline).filter((run) => run !== '' && !allowed.test(run)), [], command); // prettier-ignore
        if (!isSource) assert.ok(!JSON.stringify(pipeline).includes(json(command).slice(1, -1)), command);
      }
    });
  }

  it('lists the commands that are not used, with their place', async () => {
    const { left } = await detected({
      ...node,
      '.github/workflows/ci.yml': `on: {push: {branches: [main]}}
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: npm test
      - run: |
          # upload
          kubectl apply \\
            -f k8s

          docker push shop
`,
      '.github/workflows/nightly.yml': 'on: {schedule: [{cron: "0 0 * * *"}]}\njobs: {x: {steps: [{run: rm -rf /}]}}\n',
      '.github/workflows/release.yml': 'on: {push: {tags: ["v*"]}}\njobs: {x: {steps: [{run: npm publish}]}}\n',
      '.gitlab-ci.yml': 'include: [{local: x.yml}]\ntest:\n  script:\n    - npm test\n    - ./upload\n',
      Jenkinsfile:
        'pipeline {\n  stages { stage(\'a\') { steps {\n    sh \'make all\'\n    sh """\n      ./deploy.sh\n    """\n  } } }\n}\n',
    });
    assert.deepEqual(left, [
      '.github/workflows/nightly.yml:1: the whole workflow, which schedule starts',
      '.github/workflows/release.yml:1: the whole workflow, which a tag starts',
      '.gitlab-ci.yml:1: the files that it includes',
      '.github/workflows/ci.yml:10: kubectl apply -f k8s',
      '.github/workflows/ci.yml:13: docker push shop',
      '.gitlab-ci.yml:5: ./upload',
      'Jenkinsfile:3: make all',
      'Jenkinsfile:5: ./deploy.sh',
    ]);
  });

  it('takes the names, constants and reports of the commands that it finds in the project', async () => {
    const { yaml, pipeline } = await detected({
      'package.json': json({ scripts: { test: 'vitest', 'test:types': 'tsd', 'test:e2e': 'playwright test', deploy: './deploy' } }),
      '.github/workflows/ci.yml': `on: push
env: {TZ: UTC, SHA: "\${{ github.sha }}", GITHUB_X: y}
jobs:
  test:
    runs-on: ubuntu-latest
    strategy: {matrix: {node: [20, 22]}}
    steps:
      - uses: actions/setup-node@v4
        with: {node-version: "\${{ matrix.node }}"}
      - run: npm test
        env: {LEVEL: "1", KEY: "\${{ secrets.KEY }}"}
      - run: npm run test:types
      - run: npm run test:e2e
      - run: npm run deploy
      - uses: actions/upload-artifact@v4
        with: {path: ./reports/junit.xml}
`,
    });
    assert.deepEqual(
      pipeline.steps.map(({ name, run, env, reports }) => [name, run, env, reports]),
      [
        ['test', 'npm test', { TZ: 'UTC', LEVEL: '1', CI: 'true' }, ['reports/junit.xml']],
        ['test-types', 'npm run test:types', { TZ: 'UTC' }, ['reports/junit.xml']],
      ],
    );
    assert.match(yaml, /^# The CI files use node 20 or 22 \(\.github\/workflows\/ci\.yml:9\)\.$/m);
  });

  it('takes the variables, reports and image of a GitLab job', async () => {
    const { yaml, pipeline } = await detected({
      'go.mod': 'module shop\n',
      'shop_test.go': 'package shop\n',
      '.gitlab-ci.yml':
        'image: golang:1.22-alpine\nvariables: {LEVEL: {value: "2"}, CI_X: y, B: $C}\ntest: {script: go test ./..., artifacts: {reports: {junit: $CI_PROJECT_DIR/report.xml}}}\n',
    });
    const test = pipeline.steps.find(({ name }) => name === 'test');
    assert.deepEqual([test?.env, test?.reports], [{ LEVEL: '2' }, ['report.xml']]);
    assert.match(yaml, /The CI files use golang 1\.22 /);
  });

  it('names the commands of the CI files of a project that it does not know', async () => {
    write({ Jenkinsfile: "sh 'make test'\n" });
    const answer = await detectPipeline({ folder: folder.path, root: folder.path, name: 'shop' });
    assert.ok(!answer.ok);
    assert.match(answer.failure.message, /^nothing to deliver was found/);
    assert.match(
      answer.failure.hint ?? '',
      /^deliver init runs no command of a CI file \(Jenkinsfile:1: make test\); write a delivery\.yaml/,
    );
  });

  it('ignores the files that Deliver wrote', async () => {
    const { found, left } = await detected({
      '.gitlab-ci.yml':
        '# Written by `deliver export gitlab` from delivery.yaml; run it again when that changes. [000000000000]\ntest: {script: make}\n',
      Jenkinsfile: "// Written by `deliver export jenkins` from delivery.yaml; run it again when that changes. [000000000000]\nsh 'x'\n",
      Makefile: 'test:\n\ttrue\n',
    });
    assert.deepEqual([found, left], [['Make'], []]);
  });

  it('survives broken and hostile files', async () => {
    const laughs = ['a0: &a0 [x, x]', ...Array.from({ length: 30 }, (_, n) => `a${n + 1}: &a${n + 1} [*a${n}, *a${n}]`)].join('\n');
    for (const [file, text] of [
      ['.gitlab-ci.yml', `${laughs}\ntest: {script: *a30}\n`],
      ['.github/workflows/ci.yml', 'on: push\njobs: {a: {needs: a, steps: [{run: 7}]}, b: 7, c: {steps: 3}}\n'],
      ['.github/workflows/ci.yml', 'on: push\njobs: {a: {steps: [{run: "x\\u0007\\u2028y # \\ttrue"}]}}\n'],
      ['.github/workflows/ci.yml', '\t{'],
      ['.gitlab-ci.yml', 'a: &a\n  extends: a\n  <<: *a\n  script: &s [*s]\n'],
      ['Jenkinsfile', `sh '''${'x'.repeat(5000)}\n`.repeat(50)],
    ] as const) {
      const { found } = await detected({ [file]: text, Makefile: 'test:\n\ttrue\n' });
      assert.deepEqual(found, ['Make'], text.slice(0, 60));
      fs.rmSync(path.join(folder.path, file));
    }
  });
});
