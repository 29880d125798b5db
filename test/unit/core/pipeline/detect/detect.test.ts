import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { detectPipeline } from '../../../../../src/core/pipeline/detect/detect';
import { parsePipeline } from '../../../../../src/core/pipeline/parse';
import type { Pipeline } from '../../../../../src/core/model/pipeline';
import { temporaryFolder } from '../../../../support/temporary';
import { projects as samples } from './projects';

const json = JSON.stringify;

function write(folder: string, files: Record<string, string>): string {
  for (const [name, text] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    fs.writeFileSync(path.join(folder, name), text);
  }
  return folder;
}

async function detected(folder: string): Promise<{ yaml: string; pipeline: Pipeline; questions: readonly string[] }> {
  const answer = await detectPipeline({ folder, root: folder, name: 'shop' });
  assert.ok(answer.ok, answer.ok ? '' : answer.failure.message);
  const { yaml, questions } = answer.value;
  const { pipeline, errors } = parsePipeline(yaml, 'delivery.yaml');
  assert.deepEqual(errors, [], yaml);
  assert.ok(pipeline);
  // The file has the printed questions as well.
  for (const question of questions) assert.ok(yaml.includes(`# Question: ${question}`), yaml);
  return { yaml, pipeline, questions };
}

/** Returns a line for each step: its needs and its command. */
function outline(pipeline: Pipeline): string[] {
  return pipeline.steps.map(({ name, needs, run, deploy }) => `${name} [${needs.join(' ')}] ${run ?? `-> ${deploy}`}`);
}

describe('deliver init writes a definition for', () => {
  const folder = temporaryFolder();

  for (const [name, { files, steps, starts, health, asks }] of Object.entries(samples)) {
    it(name, async () => {
      const { yaml, pipeline, questions } = await detected(write(folder.path, files));
      const lines = pipeline.steps.map(
        ({ outputs }, index) => `${outline(pipeline)[index]}${outputs.length > 0 ? ` => ${outputs.join(' ')}` : ''}`,
      );
      assert.deepEqual(lines, steps, yaml);
      const settings = pipeline.environments['staging']?.settings as
        { command?: string; files?: string[]; service?: string; port?: number; health?: { probe: { http?: string } } } | undefined;
      assert.equal(
        settings &&
          (settings.command ??
            [...(settings.files ?? []), ...(settings.service ? [settings.service] : []), ...(settings.port ? [settings.port] : [])].join(
              ' ',
            )),
        starts,
        yaml,
      );
      assert.equal(settings?.health?.probe.http, health);
      if (asks) assert.match(questions.join('\n'), asks);
      else assert.deepEqual(questions, []);
    });
  }
});

describe('deliver init writes', () => {
  const folder = temporaryFolder();
  const from = async (files: Record<string, string>): ReturnType<typeof detected> => detected(write(folder.path, files));

  it('npm scripts after an install from the lock file', async () => {
    const { pipeline } = await from({
      'package.json': json({ scripts: { build: 'tsc', test: 'mocha', lint: 'eslint .' }, devDependencies: { mocha: '1' } }),
      'package-lock.json': '{}',
      'tsconfig.json': '{"compilerOptions": {"outDir": "./lib"}}',
    });
    assert.deepEqual(outline(pipeline), [
      'install [] npm ci',
      'lint [install] npm run lint',
      'build [install] npm run build',
      'test [build] npm test',
    ]);
    const [install, , build] = pipeline.steps;
    assert.deepEqual([install?.inputs, install?.outputs], [['package.json', 'package-lock.json'], ['node_modules/**']]);
    assert.deepEqual(build?.outputs, ['lib/**']);
  });

  it('the package manager of the lock file', async () => {
    const manifest = { 'package.json': json({ scripts: { test: 'x' }, dependencies: { a: '1' } }) };
    assert.deepEqual(outline((await from({ ...manifest, 'yarn.lock': '' })).pipeline), [
      'install [] yarn install --frozen-lockfile',
      'test [install] yarn run test',
    ]);
    assert.deepEqual(outline((await from({ ...manifest, 'pnpm-lock.yaml': '' })).pipeline), [
      'install [] pnpm install --frozen-lockfile',
      'test [install] pnpm run test',
    ]);
  });

  it('no `npm ci` without a lock file and no install without dependencies', async () => {
    assert.deepEqual(outline((await from({ 'package.json': json({ scripts: { test: 'x' } }) })).pipeline), ['test [] npm test']);
    assert.deepEqual(outline((await from({ 'package.json': json({ scripts: { test: 'x' }, dependencies: { a: '1' } }) })).pipeline), [
      'install [] npm install --no-package-lock',
      'test [install] npm test',
    ]);
  });

  it('no step for the placeholder test, nor for a script that watches', async () => {
    const scripts = { test: 'echo "Error: no test specified" && exit 1', build: 'tsc --watch', lint: 'eslint .' };
    assert.deepEqual(outline((await from({ 'package.json': json({ scripts }) })).pipeline), ['lint [] npm run lint']);
  });

  it('every run of a build whose output it cannot know, and of an install that runs own code', async () => {
    const { pipeline } = await from({
      'package.json': json({ scripts: { build: 'node build.js', prepare: 'node build.js' }, dependencies: { a: '1' } }),
      'package-lock.json': '{}',
    });
    assert.deepEqual(
      pipeline.steps.map((step) => step.inputs),
      [undefined, undefined],
    );
  });

  it('an environment for a service that starts and takes its port from PORT', async () => {
    const source = 'const port = process.env.PORT; if (url === "/healthz") ok();';
    const { pipeline } = await from({
      'package.json': json({ scripts: { start: 'node server.js', test: 'node --test' } }),
      'server.js': source,
    });
    assert.deepEqual(outline(pipeline), ['test [] npm test', 'stage [test] -> staging']);
    assert.deepEqual(pipeline.environments['staging'], {
      kind: 'process',
      watchMs: 60_000,
      settings: {
        command: 'node server.js',
        env: {},
        health: { probe: { http: '/healthz' }, timeoutMs: 30_000 },
        drainMs: 60_000,
        shutdownMs: 30_000,
      },
    });
    const other = await from({ 'server.js': 'listen(8080)' });
    assert.deepEqual([outline(other.pipeline), other.pipeline.environments], [['test [] npm test'], {}]);
  });

  it('unittest where pytest is not used, and installs what is required', async () => {
    const { pipeline } = await from({ 'app.py': '', 'tests/test_a.py': 'import unittest' });
    assert.deepEqual(outline(pipeline), ['test [] python3 -m unittest discover -s tests']);
    assert.deepEqual(outline((await from({ 'requirements.txt': 'flask\npytest==8\n' })).pipeline), [
      'install [] python3 -m venv .venv && .venv/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.txt',
      'test [install] .venv/bin/python -m pytest --junitxml=reports/pytest.xml',
    ]);
  });

  it('Gradle through its wrapper and without a daemon', async () => {
    assert.deepEqual(outline((await from({ 'build.gradle.kts': '', gradlew: '' })).pipeline), [
      'test [] sh gradlew --no-daemon --console=plain test',
      'build [test] sh gradlew --no-daemon --console=plain assemble',
    ]);
  });

  it('the targets of a Makefile, where no language is found', async () => {
    const makefile = '.PHONY: build test\nCC := cc\nbuild: a.o\n\tcc\nlint test:\n\ttrue\n';
    assert.deepEqual(outline((await from({ Makefile: makefile })).pipeline), [
      'build [] make build',
      'lint [build] make lint',
      'test [lint] make test',
    ]);
    assert.deepEqual(outline((await from({ 'go.mod': 'module a\n', 'a.go': 'package a' })).pipeline), [
      'build [] go build ./...',
      'vet [] go vet ./...',
    ]);
  });

  it('a compose file for a Dockerfile alone, and asks for a port that it does not know', async () => {
    const named = { folder: write(folder.path, { Dockerfile: 'FROM scratch' }), root: folder.path, name: 'Shop' };
    const answer = await detectPipeline(named);
    assert.ok(answer.ok);
    assert.equal(answer.value.composeFile, '# Runs the image of the Dockerfile.\nservices:\n  shop:\n    build: .\n');
    assert.match(answer.value.questions.join(), /^the Dockerfile exposes no port\. On which port does the service listen\?/);
    assert.deepEqual(outline((await detected(folder.path)).pipeline), ['stage [] -> staging']);
  });

  it('a compose environment as an alternative to a process', async () => {
    const { yaml } = await from({ ...samples['a Node service']?.files, 'compose.yaml': 'services: {web: {build: .}}' });
    assert.match(yaml, /^# environments:\n# {3}staging:\n# {5}compose: \{file: compose\.yaml, service: web\}$/m);
  });

  it('the steps of two languages side by side', async () => {
    const { pipeline } = await from({
      'package.json': json({ scripts: { test: 'x', build: 'y' } }),
      'Cargo.toml': '[package]\nname = "a"\n',
    });
    assert.deepEqual(outline(pipeline), [
      'node-build [] npm run build',
      'node-test [node-build] npm test',
      'rust-build [] cargo build',
      'rust-test [rust-build] cargo test',
    ]);
  });

  it('nothing for a folder that holds nothing, and says so', async () => {
    const answer = await detectPipeline({ folder: folder.path, root: folder.path, name: 'shop' });
    assert.ok(!answer.ok);
    assert.match(answer.failure.message, /^nothing to deliver was found/);
  });
});

const server = `const http = require('node:http');
http.createServer((q, a) => a.end('ok')).listen(process.env.PORT);
`;

const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>a</groupId><artifactId>a</artifactId><version>1</version><packaging>pom</packaging></project>`;

/** Small real projects; their commands are run in a clean copy, as the written file says. */
const projects: Record<string, { tool: string; files: Record<string, string>; made?: string }> = {
  Node: {
    tool: 'npm',
    files: {
      'package.json': json({
        name: 'a',
        version: '1.0.0',
        scripts: { build: 'node build.js', test: 'node --test', start: 'node server.js' },
        dependencies: { b: 'file:./b' },
      }),
      'b/package.json': json({ name: 'b', version: '1.0.0' }),
      'build.js': "require('b'); require('fs').writeFileSync('built', '')",
      'b/index.js': '',
      'a.test.js': "require('node:test')('a', () => require('fs').accessSync('built'))",
      'server.js': server,
    },
    made: 'built',
  },
  Go: {
    tool: 'go',
    files: {
      'go.mod': 'module example.com/shop\n\ngo 1.19\n',
      'main.go': 'package main\n\nimport "os"\n\nfunc main() { println(os.Getenv("PORT")) }\n',
      'main_test.go': 'package main\n\nimport "testing"\n\nfunc TestA(t *testing.T) {}\n',
    },
    made: 'bin/shop',
  },
  Python: {
    tool: 'python3',
    files: {
      'src/shop/__init__.py': 'A = 1\n',
      'pyproject.toml': '[project]\nname = "shop"\nversion = "1"\n',
      'tests/test_shop.py':
        'import unittest\nimport shop\n\nclass T(unittest.TestCase):\n    def test_a(self):\n        self.assertEqual(shop.A, 1)\n',
    },
  },
  'Python without tests': { tool: 'python3', files: { 'app.py': 'print(1)\n', 'requirements.txt': '# none\n' } },
  Rust: {
    tool: 'cargo',
    files: {
      'Cargo.toml': '[package]\nname = "shop"\nversion = "0.1.0"\nedition = "2021"\n',
      'src/main.rs': 'fn main() { let _ = std::env::var("PORT"); }\n\n#[test]\nfn a() {}\n',
    },
    made: 'target/release/shop',
  },
  // Without plugins, which Maven would have to download.
  Maven: { tool: 'mvn', files: { 'pom.xml': pom } },
  Make: { tool: 'make', files: { Makefile: 'all: out\nout:\n\techo a > out\ntest: out\n\ttest -s out\n' }, made: 'out' },
};

describe('what deliver init writes runs unedited in a clean copy', () => {
  const folder = temporaryFolder();

  for (const [name, { tool, files, made }] of Object.entries(projects)) {
    it(name, async function () {
      this.timeout(180_000);
      if (spawnSync(tool, [tool === 'go' ? 'version' : '--version']).status !== 0) {
        console.log(`      skipped: ${tool} is not installed here`);
        return this.skip();
      }
      const { pipeline } = await detected(write(folder.path, files));
      const ran: string[] = [];
      for (const step of inOrder(pipeline)) {
        if (step.run === undefined) continue;
        try {
          execFileSync('/bin/sh', ['-c', step.run], { cwd: folder.path, env: { ...process.env, ...step.env }, stdio: 'pipe' });
        } catch (error) {
          const { stdout, stderr } = error as { stdout?: Buffer; stderr?: Buffer };
          assert.fail(`${step.run}: ${String(stdout)}${String(stderr)}`);
        }
        ran.push(step.name);
      }
      assert.ok(ran.length > 0);
      if (made !== undefined) assert.ok(fs.existsSync(path.join(folder.path, made)), `${made} was built by ${ran.join(', ')}`);
    });
  }

  function inOrder(pipeline: Pipeline): Pipeline['steps'][number][] {
    const done: Pipeline['steps'][number][] = [];
    while (done.length < pipeline.steps.length) {
      const next = pipeline.steps.find((step) => !done.includes(step) && step.needs.every((need) => done.some((one) => one.name === need)));
      assert.ok(next);
      done.push(next);
    }
    return done;
  }
});
