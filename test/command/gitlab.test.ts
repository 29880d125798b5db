import * as assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { gitlabCiLocal } from '../support/ci-files';
import { exportedCommands, exportedDefinition } from '../support/exported-commands';
import { Project } from '../support/project';
import { temporaryFolder } from '../support/temporary';

const repository = path.resolve(__dirname, '..', '..');
const isAble = process.platform !== 'win32' && spawnSync('rsync', ['--version']).status === 0;

/** gitlab-ci-local copies files from job to job with rsync; each job has its own checkout. */
(isAble ? describe : describe.skip)('an exported .gitlab-ci.yml, really run', function () {
  this.timeout(180_000);
  let shop: Project;
  afterEach(() => shop.close());
  const folder = temporaryFolder();

  const serving = (text: string) =>
    `require('node:http').createServer((_, r) => r.end('${text}')).listen(process.env.PORT, '127.0.0.1');\n`;
  const isGood = 'node -e "fetch(process.env.DELIVERY_URL).then(r=>r.text()).then(t=>process.exit(t===\'bad\'?1:0))"';
  const run = (...more: string[]) => {
    const args = [gitlabCiLocal(), '--shell-isolation', '--no-artifacts-to-source', ...more];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, {
      cwd: shop.root,
      env: shop.environment({ INSTALLED: path.join(folder.path, 'installed'), NO_COLOR: '1' }),
      encoding: 'utf8',
    });
    return { status, output: `${stdout}${stderr}`.replace(/\x1b\[[0-9;]*m/g, '') };
  };
  const live = async () => {
    const [staging] = await shop.json<{ services: { url: string; release: { commit: string } }[] }[]>('environment');
    return staging?.services[0];
  };

  it('builds, hands outputs over, deploys, verifies, and rolls back a failed verification', async () => {
    shop = new Project(folder.path);
    const packed = execFileSync('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', shop.root], {
      cwd: repository,
      encoding: 'utf8',
    });
    const tool = `mkdir -p node_modules/.bin && printf '#!/bin/sh\\necho "built for $PRICE"\\n' > node_modules/.bin/tool && chmod +x node_modules/.bin/tool`;
    shop
      .write('package.json', '{}')
      .write('.gitignore', 'node_modules\ndist\n.gitlab-ci-local\n')
      .write('server.js', serving('good'))
      .steps(
        {
          install: { run: `echo x >> "$INSTALLED" && ${tool}`, inputs: ['package.json'], outputs: ['node_modules/**'] },
          build: { needs: 'install', run: 'tool && mkdir -p dist && cp server.js dist/', outputs: ['dist/**'], env: { PRICE: '$5' } },
          'unit.test': { needs: 'build', run: 'set -x\ntest -x node_modules/.bin/tool\nfalse\ntest -f dist/server.js', timeout: '1m' },
          stage: { needs: 'unit.test', deploy: 'staging' },
          acceptance: { needs: 'stage', verifies: 'staging', run: isGood },
        },
        { environments: { staging: { process: { command: 'exec node dist/server.js' } } } },
      );
    assert.equal((await shop.deliver('export', 'gitlab', '--package', packed.trim())).code, 0);
    const good = shop.commit('Say good').git('rev-parse', 'HEAD').trim();

    const first = run();
    assert.equal(first.status, 0, first.output);
    assert.match(first.output, /json schema validated/);
    assert.match(first.output, /> built for \$5/);
    const service = await live();
    assert.equal(service?.release.commit, good);
    assert.equal(await (await fetch(service.url)).text(), 'good');

    shop.write('server.js', serving('bad')).commit('Say bad');
    const second = run();
    assert.notEqual(second.status, 0, second.output);
    assert.match(second.output, /The inputs are unchanged/);
    assert.equal(fs.readFileSync(path.join(folder.path, 'installed'), 'utf8'), 'x\n');
    assert.match(second.output, /staging was rolled back to [0-9a-f]{7} — acceptance failed/);
    assert.equal(await (await fetch(service.url)).text(), 'good');
  });

  it('runs every command with the result of a local run', () => {
    shop = new Project(folder.path).write('.gitignore', '.gitlab-ci-local\n').write('delivery.yaml', exportedDefinition()).commit();
    execFileSync(process.execPath, [path.join(repository, 'dist/cli.js'), 'export', 'gitlab'], { cwd: shop.root, env: shop.environment() });
    shop.commit();
    const { output } = run();
    for (const [name, { passes, retries }] of Object.entries(exportedCommands)) {
      // Each attempt has its own checkout.
      if (retries !== undefined && passes) continue;
      assert.match(output, new RegExp(`\\b${passes ? 'PASS' : 'FAIL'}\\s+${name}\\b`), `${name} in ${output}`);
    }
  });

  it('runs the services of a repository as one pipeline, each in its folder', () => {
    shop = new Project(folder.path).write('.gitignore', '.gitlab-ci-local\n');
    for (const name of ['cart', 'orders'])
      shop.write(
        `services/${name}/delivery.yaml`,
        `service: ${name}\nsteps:\n  build: {run: 'mkdir out && pwd > out/where', outputs: [out/**]}\n  test: {needs: build, run: 'cat out/where && echo for $DELIVERY_SERVICE'}\n`,
      );
    shop.commit();
    execFileSync(process.execPath, [path.join(repository, 'dist/cli.js'), 'export', 'gitlab'], { cwd: shop.root, env: shop.environment() });
    shop.commit();
    const { status, output } = run('--no-evaluate-rule-changes');
    assert.equal(status, 0, output);
    for (const name of ['cart', 'orders']) {
      assert.match(output, new RegExp(`${name}:test .*> .*/services/${name}\n`));
      assert.match(output, new RegExp(`${name}:test .*> for ${name}\n`));
    }
  });
});
