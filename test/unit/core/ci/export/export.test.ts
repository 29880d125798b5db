import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { parse, stringify } from 'yaml';
import type { CiFile } from '../../../../../src/core/ci/ci-service';
import { planFile } from '../../../../../src/core/ci/export/exported-file';
import { retried } from '../../../../../src/core/ci/export/shell';
import { exporters, github, gitlab, jenkins } from './exporters';
import { declarativeErrors } from '../../../../support/declarative';
import { githubErrors, gitlabErrors } from '../../../../support/ci-files';
import { exportedCommands, exportedDefinition } from '../../../../support/exported-commands';
import { statementsOf, stringsIn, type Statement } from '../../../../support/groovy-blocks';
import { needsProgram } from '../../../../support/programs';
import { temporaryFolder } from '../../../../support/temporary';
import { large, node, nodeRepository, rich, service, small } from './pipelines';

/** `UPDATE_GOLDEN=1` rewrites the golden files. */
const golden = path.join(__dirname, 'golden');

interface GitlabJob {
  script: string[];
  retry?: number;
}

interface GithubJob {
  needs?: string[];
  steps: { name?: string; run?: string; uses?: string; env?: Record<string, string>; 'working-directory'?: string }[];
}

/** The options for a repository that asks for a version of Node, with submodules and large files. */
const prepared = { package: 'tools/deliver-0.1.0.tgz', repository: nodeRepository };

const errorsOf = async (file: CiFile): Promise<string[]> =>
  file.path.endsWith('Jenkinsfile') ? [] : file.path.startsWith('.github') ? githubErrors(file.body) : gitlabErrors(file.body);

describe('an exported pipeline', function () {
  this.timeout(30_000);
  const temporary = temporaryFolder();
  // Jobs run on Linux, so their commands are tested there only.
  const onLinux = process.platform === 'linux' ? it : it.skip;

  const definitions = {
    small: { text: small, repository: undefined },
    rich: { text: rich, repository: undefined },
    node: { text: node, repository: nodeRepository },
  };
  for (const engine of exporters)
    for (const [name, { text, repository }] of Object.entries(definitions)) {
      it(`reads as if written by hand: ${name} for ${engine.label}`, () => {
        const options = { package: 'tools/deliver-0.1.0.tgz', ...(repository && { repository }) };
        const [file] = engine.files([service(text, repository && 'services/shop')], options);
        assert.ok(file);
        const plan = planFile(engine, file, options, undefined);
        assert.ok(plan.ok);
        const expected = path.join(golden, `${name}-${engine.kind}.txt`);
        if (process.env['UPDATE_GOLDEN']) fs.writeFileSync(expected, plan.value.text);
        assert.equal(plan.value.text, fs.readFileSync(expected, 'utf8'));
      });
    }

  describe('retries of a command', () => {
    const shells = { 'sh -e': ['sh', '-e'], 'bash -e': ['bash', '-e'], sh: ['sh'] };
    for (const [shell, [program = '', ...flags]] of Object.entries(shells)) {
      const run = (command: string): number | null =>
        spawnSync(program, [...flags, '-c', retried(command, 3)], { cwd: temporary.path, encoding: 'utf8' }).status;

      onLinux(`fail with the last exit code and stop at the first success in ${shell}`, () => {
        assert.equal(run('exit 7'), 7);
        const file = `tries-${shell.replace(/\W/g, '')}`;
        assert.equal(run(`echo x >> ${file}\ntest $(wc -l < ${file}) = 2`), 0);
        assert.equal(fs.readFileSync(path.join(temporary.path, file), 'utf8'), 'x\nx\n');
      });

      onLinux(`respect \`set -e\` in the command in ${shell}`, () => {
        assert.equal(run('set -e\nfalse\necho all good'), 1);
        assert.equal(run('false\necho all good'), 0);
        assert.equal(run('set -eu\n(echo $MISSING)\necho all good') === 0, false);
      });
    }
  });

  describe('has the result of a local run', () => {
    const definition = service(exportedDefinition());
    const bodyOf = (engine: (typeof exporters)[number], of = definition): string => engine.files([of], {})[0]?.body ?? '';
    const run = (name: string, program: string, args: readonly string[]): boolean => {
      const cwd = path.join(temporary.path, name);
      fs.mkdirSync(cwd, { recursive: true });
      const env = { ...process.env, CI_PROJECT_DIR: cwd, GITHUB_PATH: path.join(cwd, 'path'), GITHUB_WORKSPACE: cwd };
      return spawnSync(program, args, { cwd, env, stdio: 'ignore', timeout: 60_000 }).status === 0;
    };
    /** GitLab's runner runs all lines of a job in one bash, which it ends by itself with 0. */
    const asGitlab = (lines: readonly string[]): string[] => ['-c', ['set -eo pipefail', ...lines, 'exit 0'].join('\n')];
    const expected = Object.fromEntries(Object.entries(exportedCommands).map(([name, { passes }]) => [name, passes]));
    const resultsOf = (resultOf: (name: string) => boolean): unknown =>
      Object.fromEntries(Object.keys(exportedCommands).map((name) => [name, resultOf(name)]));

    onLinux('in sh', () => {
      const local = Object.entries(exportedCommands).filter(([, { retries, timeout }]) => retries === undefined && timeout === undefined);
      for (const [name, { run: command, passes }] of local) {
        if (name !== 'installs-a-program') assert.equal(run(name, 'sh', ['-c', command]), passes, name);
      }
    });

    onLinux('on GitHub', () => {
      const { jobs } = parse(bodyOf(github)) as { jobs: Record<string, GithubJob> };
      const results = resultsOf((name) => {
        const script = path.join(temporary.path, 'script');
        const added = jobs[name]?.steps.some((step) => step.run?.includes('GITHUB_PATH')) ? 'PATH="$PWD/node_modules/.bin:$PATH"\n' : '';
        fs.writeFileSync(script, `${added}${jobs[name]?.steps.find((step) => step.name === name)?.run}`);
        return run(name, 'sh', [script]);
      });
      assert.deepEqual(results, expected);
    });

    onLinux('on GitLab', () => {
      const jobs = parse(bodyOf(gitlab)) as Record<string, GitlabJob>;
      const results = resultsOf((name) => {
        const { script = [], retry = 0 } = jobs[name] ?? {};
        return Array.from({ length: retry + 1 }).some(() => run(name, 'bash', asGitlab(script)));
      });
      assert.deepEqual(results, expected);
    });

    onLinux('on GitLab with unchanged inputs and lines of your own', () => {
      const cached = service(exportedDefinition({ inputs: ['package.json'] }));
      const jobs = parse(bodyOf(gitlab, cached)) as Record<string, GitlabJob>;
      for (const [name, { passes }] of Object.entries(exportedCommands)) {
        const { script = [], retry = 0 } = jobs[name] ?? {};
        assert.match(script.join('\n'), /The inputs are unchanged/);
        if (retry > 0) continue;
        assert.equal(run(name, 'bash', asGitlab(script)), passes, name);
        assert.equal(fs.existsSync(path.join(temporary.path, name, `.deliver-passed-${name}`)), passes, name);
        assert.equal(run(name, 'bash', asGitlab([...script, 'false'])), false, name);
      }
    });

    onLinux('on Jenkins', () => {
      const scripts = scriptsIn(statementsOf(bodyOf(jenkins)));
      for (const [index, [name, { passes, retries, timeout }]] of Object.entries(exportedCommands).entries()) {
        if (retries !== undefined || timeout !== undefined || name === 'installs-a-program') continue;
        const script = path.join(temporary.path, 'script');
        fs.writeFileSync(script, scripts[index] ?? '', { mode: 0o755 });
        // Jenkins runs a script with its own first line by that line.
        assert.equal(scripts[index]?.startsWith('#!') ? run(name, script, []) : run(name, 'sh', ['-xe', script]), passes, name);
      }
    });
  });

  const valid = Object.entries({
    small: [service(small)],
    rich: [service(rich)],
    'in a folder': [service(rich, 'services/shop')],
    'of two services': [service(rich, 'shop'), service(rich.replace('service: shop', 'service: cart'), 'cart')],
    'every command': [service(exportedDefinition())],
  });

  describe('as actionlint reads it', () => {
    needsProgram('actionlint', '-version');
    for (const [name, services] of valid)
      it(`has no error: ${name}`, () => {
        for (const { body } of github.files(services, prepared)) {
          const args = ['-no-color', '-ignore', 'unexpected key "queue" for "concurrency"', '-'];
          assert.equal(spawnSync('actionlint', args, { input: body, encoding: 'utf8' }).stdout, '', body);
        }
      });
  });

  describe('as Groovy reads it', () => {
    needsProgram('groovy', '--version');
    it('has every command and value unchanged', () => {
      const values = ["it's", 'a$b', '${env.X}', '\\', '\\u0041', 'first\r\nsecond', 'first\rsecond', '"', "'''", 'ends with \\'];
      const steps = Object.fromEntries(values.map((value, index) => [`step-${index}`, { run: `echo ${value}`, env: { VALUE: value } }]));
      const file = path.join(temporary.path, 'Jenkinsfile');
      fs.writeFileSync(file, jenkins.files([service(stringify({ service: 'shop', steps }))], {})[0]?.body ?? '');
      const read = execFileSync('groovy', [path.join(__dirname, 'read-jenkinsfile.groovy'), file], { encoding: 'utf8' });
      const found = read.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as { sh?: string; VALUE?: string }]));
      assert.deepEqual(
        found.flatMap(({ VALUE }) => VALUE ?? []),
        values,
      );
      assert.deepEqual(
        found.flatMap(({ sh }) => sh?.replace(/^#!\/bin\/sh\n/, '') ?? []),
        values.map((value) => `echo ${value}`),
      );
    });
  });

  for (const [name, services] of valid)
    it(`passes the published validators: ${name}`, async () => {
      for (const engine of [github, gitlab])
        for (const file of engine.files(services, prepared)) assert.deepEqual(await errorsOf(file), [], file.body);
    });

  it('follows the documented grammar of declarative pipelines, with distinct stage names', () => {
    for (const file of jenkins.files([service(small), service(rich, 'services/shop'), service(large('shop', 200))], {})) {
      const statements = statementsOf(file.body);
      assert.deepEqual(declarativeErrors(statements), [], file.body);
      const names = stagesIn(statements);
      assert.equal(new Set(names).size, names.length);
    }
    const wrong = 'pipeline { agent any\n stages { stage("a") { parallel { stage("b") { parallel { stage("c") { } } } } } } }';
    assert.equal(declarativeErrors(statementsOf(wrong)).length, 2);
  });

  onLinux('hands over what a step made with modes and links, and without what is left out', () => {
    const [workflow] = github.files([service(rich)], {});
    const { jobs } = parse(workflow?.body ?? '') as { jobs: Record<string, GithubJob> };
    const run = (job: string, name: string): string => jobs[job]?.steps.find((step) => step.name === name)?.run ?? '';
    const folder = temporary.path;
    const [from, to] = ['from', 'to'].map((name) => path.join(folder, name)) as [string, string];
    const env = { ...process.env, RUNNER_TEMP: folder };
    for (const each of ['from/node_modules/.bin', 'from/dist/tmp', 'to']) fs.mkdirSync(path.join(folder, each), { recursive: true });
    for (const file of ['node_modules/.bin/tool', 'dist/a.js', 'dist/.hidden', 'dist/tmp/left', 'shop.vsix', 'other'])
      fs.writeFileSync(path.join(from, file), file, { mode: 0o755 });
    fs.symlinkSync('a.js', path.join(from, 'dist/link'));
    execFileSync('sh', ['-c', run('install', 'Pack outputs')], { cwd: from, env });
    execFileSync('bash', ['-eo', 'pipefail', '-c', run('build', 'Pack outputs')], { cwd: from, env });
    execFileSync('sh', ['-c', run('test', 'Unpack outputs')], { cwd: to, env });
    assert.deepEqual(fs.readdirSync(to, { recursive: true }).sort(), [
      'dist',
      'dist/.hidden',
      'dist/a.js',
      'dist/link',
      'node_modules',
      'node_modules/.bin',
      'node_modules/.bin/tool',
      'shop.vsix',
    ]);
    assert.ok(fs.lstatSync(path.join(to, 'dist/link')).isSymbolicLink());
    assert.equal(fs.statSync(path.join(to, 'node_modules/.bin/tool')).mode & 0o777, 0o755);
    fs.rmSync(path.join(folder, 'shop-build.tgz'));
    assert.throws(() => execFileSync('sh', ['-c', run('test', 'Unpack outputs')], { cwd: to, env, stdio: 'ignore' }));
  });

  it('delivers only the service of the delivery branch on GitLab', () => {
    const deploys = 'steps:\n  build: {run: make}\n  stage: {needs: build, deploy: s}\nenvironments: {s: {command: {deploy: d}}}\n';
    const [, shop] = gitlab.files([service(`service: shop\n${deploys}`, 'a'), service(`service: shop.api\n${deploys}`)], {});
    const jobs = parse(shop?.body ?? '') as Record<string, { readonly rules: readonly { readonly if: string; readonly when?: string }[] }>;
    const run = '20261125T044500123-abcd';
    for (const name of ['.deliver-shop', 'shop:stage']) {
      const [first] = jobs[name]?.rules ?? [];
      assert.equal(first?.when, 'never');
      const [, any, own] = /^\$CI_COMMIT_BRANCH =~ \/(.+)\/ && \$CI_COMMIT_BRANCH !~ \/(.+)\/$/.exec(first?.if ?? '') ?? [];
      const isLeftOut = (branch: string): boolean => new RegExp(any ?? '').test(branch) && !new RegExp(own ?? '').test(branch);
      assert.deepEqual(
        [`deliver/shop-${run}`, `deliver/shop.api-${run}`, `deliver/shop-api-${run}`, 'main', 'x/deliver/1'].map(isLeftOut),
        [false, true, true, false, false],
      );
    }
  });

  it('avoids features that Enterprise servers lack, and warns about the missing ones', async () => {
    const text =
      'service: a\nsteps:\n  build: {run: make, outputs: [out]}\n  stage: {needs: build, deploy: s}\nenvironments: {s: {command: {deploy: d}}}\n';
    const on = (engine: string): CiFile => {
      const [file] = github.files([service(`${text}${engine}`)], {});
      assert.ok(file);
      return file;
    };
    for (const engine of ['', 'engine: {github: {url: https://github.com}}', 'engine: {github: {url: https://acme.ghe.com/}}'])
      assert.match(on(engine).body, /queue: max/, engine);
    const enterprise = on('engine: {github: {url: https://github.example.com}}');
    assert.deepEqual(await githubErrors(enterprise.body), []);
    assert.doesNotMatch(enterprise.body, /queue:/);
    assert.match(enterprise.notes.join('\n'), /Enterprise servers only support actions\/upload-artifact@v3/);
  });

  it('uploads reports from hidden folders, which GitHub skips by default', () => {
    const hidden = (reports: string): boolean => {
      const [file] = github.files([service(`service: a\nsteps: {t: {run: make, reports: [${reports}]}}\n`)], {});
      return /include-hidden-files: true/.test(file?.body ?? '');
    };
    assert.ok(hidden('.reports/*.xml') && hidden('out/.junit.xml'));
    assert.ok(!hidden('out/*.xml') && !hidden('./out/*.xml'));
  });

  it('fails the same validators when it is wrong', async () => {
    const [workflow] = github.files([service(small)], {});
    assert.notDeepEqual(await githubErrors((workflow?.body ?? '').replace('runs-on:', 'runs-in:')), []);
    assert.notDeepEqual(await githubErrors((workflow?.body ?? '').replace('github.sha', 'git hub.sha')), []);
    const [ci] = gitlab.files([service(small)], {});
    assert.notDeepEqual(await gitlabErrors((ci?.body ?? '').replace('script:', 'scrpt:')), []);
  });

  it('maps names that a CI service rejects to distinct valid ones', () => {
    const yaml =
      'service: a\nsteps:\n  a.b: {run: x}\n  a-b: {run: x, needs: a.b}\n  1st: {run: x}\n  default: {run: x}\n  pages: {run: x}\n';
    const [workflow] = github.files([service(yaml)], {});
    const { jobs } = parse(workflow?.body ?? '') as { jobs: Record<string, GithubJob> };
    assert.deepEqual(Object.keys(jobs), ['a-b-2', 'a-b', '_1st', 'default', 'pages']);
    assert.deepEqual(jobs['a-b']?.needs, ['a-b-2']);
    const [ci] = gitlab.files([service(yaml)], {});
    assert.deepEqual(
      Object.keys(parse(ci?.body ?? '') as object).filter((key) => key !== 'variables' && key !== 'default'),
      ['a.b', 'a-b', '1st', 'default-step', 'pages-step'],
    );
  });

  it('keeps every command unchanged', () => {
    const commands = [
      `echo "it's" '$HOME' \`date\` $(date) \\n \\\\ "\${x}"`,
      'echo ${{ secrets.X }} and $$ and $CI_COMMIT_SHA',
      `cat <<'EOF'\n  '''\nEOF\necho # not: a comment`,
      'a: b # c',
      '- x',
      '{a: b}',
      'yes',
      "'quoted'",
      'exit 3',
    ];
    for (const command of commands) {
      const yaml = `service: a\nsteps: {one: {run: ${JSON.stringify(command)}}}\n`;
      const [workflow] = github.files([service(yaml)], {});
      const { jobs } = parse(workflow?.body ?? '') as { jobs: Record<string, GithubJob> };
      const run = jobs['one']?.steps.at(-1)?.run?.replace(/\$\{\{ '\$\{\{' \}\}/g, '${{');
      assert.equal(run, command);
      const [ci] = gitlab.files([service(yaml)], {});
      const job = (parse(ci?.body ?? '') as Record<string, { script: string[] }>)['one'];
      assert.equal(commandForSh(job?.script.at(-1) ?? ''), command);
      const [jenkinsfile] = jenkins.files([service(yaml)], {});
      assert.deepEqual(commandsIn(statementsOf(jenkinsfile?.body ?? '')), [command]);
    }
  });

  onLinux('tries again what fails, with the very command', () => {
    const [workflow] = github.files(
      [service('service: a\nsteps: {one: {run: "echo x >> log; test $(wc -l < log) = 3", retries: 4}}\n')],
      {},
    );
    const { jobs } = parse(workflow?.body ?? '') as { jobs: Record<string, GithubJob> };
    const folder = temporary.path;
    execFileSync('sh', ['-c', jobs['one']?.steps.at(-1)?.run ?? ''], { cwd: folder });
    assert.equal(fs.readFileSync(path.join(folder, 'log'), 'utf8'), 'x\nx\nx\n');
  });

  onLinux('gets a key from what git knows of the inputs: of its own and of those before it', () => {
    const [workflow] = github.files([service(rich)], {});
    const { jobs } = parse(workflow?.body ?? '') as { jobs: Record<string, GithubJob> };
    const key = jobs['lint-all']?.steps.find(({ name }) => name === 'Compute the cache key')?.run ?? '';
    const folder = path.join(temporary.path, 'repository');
    const output = path.join(temporary.path, 'output');
    fs.mkdirSync(folder);
    const git = (...args: string[]) => execFileSync('git', args, { cwd: folder });
    const keyNow = (): string => {
      git('add', '-A');
      fs.writeFileSync(output, '');
      execFileSync('sh', ['-c', key], { cwd: folder, env: { ...process.env, GITHUB_OUTPUT: output } });
      return fs.readFileSync(output, 'utf8');
    };
    const write = (file: string, text: string): void => {
      fs.mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
      fs.writeFileSync(path.join(folder, file), text);
    };
    git('init', '-q');
    for (const file of ['package.json', 'src/a.ts', 'src/deep/b.js', 'src/generated/c.ts', 'other.txt']) write(file, file);
    const before = keyNow();
    assert.match(before, /^key=[0-9a-f]{40}\n$/);
    for (const file of ['other.txt', 'src/generated/c.ts']) write(file, 'changed');
    assert.equal(keyNow(), before);
    for (const file of ['package.json', 'src/a.ts', 'src/deep/b.js']) {
      const last = keyNow();
      write(file, `changed ${file}`);
      assert.notEqual(keyNow(), last, file);
    }
    const last = keyNow();
    fs.renameSync(path.join(folder, 'src/a.ts'), path.join(folder, 'src/z.ts'));
    assert.notEqual(keyNow(), last, 'a file that is called otherwise is another input');
    fs.rmSync(path.join(folder, '.git'), { recursive: true });
    assert.throws(() => execFileSync('sh', ['-c', key], { cwd: folder, env: { ...process.env, GITHUB_OUTPUT: output }, stdio: 'ignore' }));
  });
});

describe('limits of CI services', function () {
  this.timeout(60_000);
  const services = Array.from({ length: 20 }, (_, index) => service(large(`service-${index}`, 10), `services/${index}`));

  it('allow 20 services of 10 steps, and 200 steps in one', async () => {
    for (const engine of [github, gitlab])
      for (const many of [services, [service(large('shop', 200))]])
        for (const file of engine.files(many, {})) {
          assert.deepEqual(await errorsOf(file), []);
          assert.deepEqual(
            file.notes.filter((note) => note.startsWith('limit:')),
            [],
            file.path,
          );
        }
    for (const file of jenkins.files(services, {})) assert.ok(!file.notes.some((note) => note.startsWith('limit:')));
  });

  it('are reported when they are exceeded', () => {
    const limitsOf = (files: readonly CiFile[]): string[] =>
      files.flatMap((file) => file.notes).filter((note) => note.startsWith('limit:'));
    const [jenkinsLimit = ''] = limitsOf(jenkins.files([service(large('shop', 200))], {}));
    assert.match(jenkinsLimit, /lines; Jenkins may not compile it \(64 kB a method\).*SCRIPT_SPLITTING_TRANSFORMATION/);
    const steps = Array.from({ length: 60 }, (_, index) => `  s${index}: {run: x, outputs: [o${index}]}`).join('\n');
    const needs = Array.from({ length: 60 }, (_, index) => `s${index}`).join(', ');
    const wide = service(`service: a\nsteps:\n${steps}\n  all: {needs: [${needs}], run: x, retries: 5, timeout: 8h}\n`);
    assert.deepEqual(limitsOf(gitlab.files([wide], {})), [
      'limit: all needs 60 jobs and their outputs; GitLab accepts at most 50',
      'limit: GitLab retries a job at most 2 times; all has 5 retries',
    ]);
    assert.deepEqual(limitsOf(github.files([wide], {})), [
      'limit: GitHub-hosted runners stop a job after 6 hours, before the timeout of all',
    ]);
    assert.match(
      limitsOf(gitlab.files([service(large('shop', 300)), service(large('cart', 300), 'cart')], {}))[0] ?? '',
      /600 jobs; the free tier of gitlab.com allows 500/,
    );
    assert.match(limitsOf(github.files([service(large('shop', 480))], {}))[0] ?? '', /kB; GitHub accepts at most 500 kB/);
  });
});

/** Returns the command that a script runs by `sh`, or the script if every shell runs it alike. */
function commandForSh(script: string): string {
  if (!script.startsWith('sh -c ')) return script;
  return execFileSync('bash', ['-c', `sh() { printf %s "$2"; }; ${script}`], { encoding: 'utf8' });
}

/** Returns the shell commands of a Jenkinsfile in order. */
function commandsIn(statements: readonly Statement[]): string[] {
  return scriptsIn(statements).map((script) => script.replace(/^#!\/bin\/sh\n/, ''));
}

function scriptsIn(statements: readonly Statement[]): string[] {
  return statements.flatMap(({ word, rest, block }) => [...(word === 'sh' ? stringsIn(rest) : []), ...scriptsIn(block ?? [])]);
}

function stagesIn(statements: readonly Statement[]): string[] {
  return statements.flatMap(({ word, rest, block }) => [...(word === 'stage' ? stringsIn(rest) : []), ...stagesIn(block ?? [])]);
}
