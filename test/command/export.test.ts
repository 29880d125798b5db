import * as assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { Project } from '../support/project';
import { temporaryFolder } from '../support/temporary';

interface Exported {
  engine: string;
  files: { path: string; service?: string; state: string; text?: string }[];
  left: string[];
  notes: string[];
}

interface Checked {
  errors: unknown[];
  drift: { path: string; line: number; message: string; hint: string }[];
}

describe('deliver export', function () {
  this.timeout(60_000);
  const folder = temporaryFolder();
  const project = (): Project =>
    new Project(folder.path).steps({ build: { run: 'make', timeout: '5m' }, test: { needs: 'build', run: 'make test' } });
  const read = (shop: Project, file: string): string => fs.readFileSync(path.join(shop.root, file), 'utf8');

  it('writes the files of each CI service, and leaves unchanged files alone', async () => {
    const shop = project();
    for (const [engine, file] of [
      ['github', '.github/workflows/deliver-shop.yml'],
      ['gitlab', '.gitlab-ci.yml'],
      ['jenkins', 'Jenkinsfile'],
    ] as const) {
      const first = await shop.deliver('export', engine);
      assert.equal(first.code, 0, first.stderr);
      assert.match(first.stdout, new RegExp(`^wrote ${file.replace(/\./g, '\\.')}\n`));
      const { mtimeMs } = fs.statSync(path.join(shop.root, file));
      const again = await shop.json<Exported>('export', engine);
      assert.deepEqual(
        again.files.map(({ path: written, state }) => [written, state]),
        [[file, 'unchanged']],
      );
      assert.equal(fs.statSync(path.join(shop.root, file)).mtimeMs, mtimeMs);
    }
    assert.deepEqual((await shop.json<Checked>('check')).drift, []);
  });

  it('reports the first line at which delivery.yaml and an exported file differ', async () => {
    const shop = project();
    await shop.deliver('export', 'github');
    shop.steps({ build: { run: 'make', timeout: '5m' }, test: { needs: 'build', run: 'make test-all' } });
    const file = '.github/workflows/deliver-shop.yml';
    const line = read(shop, file).split('\n').indexOf('        run: make test') + 1;
    const { drift } = await shop.json<Checked>('check');
    assert.deepEqual(drift, [{ path: file, line, message: 'the file no longer matches delivery.yaml', hint: 'run deliver export github' }]);
    const told = await shop.deliver('check');
    assert.equal(told.code, 0);
    assert.match(
      told.stdout,
      new RegExp(`drift: ${file}:${line}: the file no longer matches delivery\\.yaml\n  run deliver export github`),
    );
    await shop.deliver('export', 'github');
    assert.deepEqual((await shop.json<Checked>('check')).drift, []);
  });

  it('overwrites files of others and manual changes only with --force', async () => {
    const shop = project().write('.gitlab-ci.yml', 'mine:\n  script: make\n');
    const refused = await shop.deliver('export', 'gitlab');
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /\.gitlab-ci\.yml:1: \.gitlab-ci\.yml was not written by Deliver/);
    assert.equal(read(shop, '.gitlab-ci.yml'), 'mine:\n  script: make\n');
    assert.equal((await shop.deliver('export', 'gitlab', '--force')).code, 0);

    shop.write('.gitlab-ci.yml', read(shop, '.gitlab-ci.yml').replace('- make test', '- make test --by-hand'));
    const edited = await shop.deliver('export', 'gitlab');
    assert.equal(edited.code, 2);
    assert.match(edited.stderr, /manual changes outside its preserved regions/);
    assert.match((await shop.json<Checked>('check')).drift[0]?.message ?? '', /manual changes/);
    assert.equal((await shop.deliver('export', 'gitlab', '--force')).code, 0);
    assert.doesNotMatch(read(shop, '.gitlab-ci.yml'), /by-hand/);
  });

  it('keeps preserved regions', async () => {
    const shop = project();
    await shop.deliver('export', 'gitlab');
    const own = '  # deliver: begin own\n  image: gcc:15\n  # deliver: end own\n';
    shop.write('.gitlab-ci.yml', read(shop, '.gitlab-ci.yml').replace('test:\n', `test:\n${own}`));
    shop.steps({ build: 'make all', test: { needs: 'build', run: 'make test' } });
    assert.equal((await shop.deliver('export', 'gitlab')).code, 0);
    assert.match(read(shop, '.gitlab-ci.yml'), new RegExp(`- make all[\\s\\S]*\ntest:\n${own}`));
  });

  it('exports several services, each in its folder, and reports the file of a removed service', async () => {
    const shop = new Project(folder.path);
    for (const name of ['cart', 'orders']) shop.write(`${name}/delivery.yaml`, `service: ${name}\nsteps:\n  test: {run: make}\n`);
    shop.commit();
    assert.deepEqual(
      (await shop.json<Exported>('export', 'gitlab')).files.map((file) => file.path),
      ['.gitlab-ci.yml', '.gitlab/deliver-cart.yml', '.gitlab/deliver-orders.yml'],
    );
    assert.match(
      read(shop, '.gitlab-ci.yml'),
      /include:\n {2}- local: \/\.gitlab\/deliver-cart\.yml\n {2}- local: \/\.gitlab\/deliver-orders\.yml\n/,
    );
    assert.match(read(shop, '.gitlab/deliver-cart.yml'), /changes: \[cart\/\*\*\/\*\][\s\S]*\ncart:test:\n[\s\S]*- cd cart\n/);
    await shop.deliver('export', 'github', '--service', 'cart');
    assert.deepEqual(fs.readdirSync(path.join(shop.root, '.github/workflows')), ['deliver-cart.yml']);
    assert.match(read(shop, '.github/workflows/deliver-cart.yml'), /paths: \[cart\/\*\*, .*\n[\s\S]*working-directory: cart\n/);
    await shop.deliver('export', 'jenkins');
    assert.match(read(shop, 'orders/Jenkinsfile'), /dir\('orders'\) \{\n\s+sh 'make'/);
    fs.rmSync(path.join(shop.root, 'cart/delivery.yaml'));
    shop.commit();
    assert.deepEqual((await shop.json<Exported>('export', 'github')).left, ['.github/workflows/deliver-cart.yml']);
    assert.ok(
      (await shop.json<Checked>('check')).drift.some(
        ({ path: file, message }) => file.endsWith('deliver-cart.yml') && /no longer exists/.test(message),
      ),
    );
  });

  it('runs Deliver on CI only from a packed file of the repository, named once', async () => {
    const shop = new Project(folder.path).write(
      'services/shop/delivery.yaml',
      'service: shop\nsteps:\n  stage: {deploy: staging}\nenvironments:\n  staging: {process: {command: ./serve}}\n',
    );
    fs.mkdirSync(path.join(shop.root, 'tools'));
    for (const [file, name] of [
      ['deliver-0.1.0.tgz', 'deliver'],
      ['other.tgz', 'other'],
    ] as const) {
      const packed = path.join(shop.root, 'package');
      fs.mkdirSync(packed);
      fs.writeFileSync(path.join(packed, 'package.json'), JSON.stringify({ name }));
      execFileSync('tar', ['-czf', path.join(shop.root, 'tools', file), 'package/package.json'], { cwd: shop.root });
      fs.rmSync(packed, { recursive: true });
    }
    shop.commit();
    const unknown = await shop.deliver('export', 'github');
    assert.deepEqual([unknown.code, /stage runs Deliver on CI, and its package is not known/.test(unknown.stderr)], [2, true]);
    for (const refused of ['tools/missing.tgz', 'tools/other.tgz', 'deliver', 'deliver@0.1.0', '../deliver-0.1.0.tgz', 'delivery.yaml'])
      assert.equal((await shop.deliver('export', 'github', '--package', refused)).code, 2, refused);
    assert.ok(!fs.existsSync(path.join(shop.root, '.github')));
    await shop.deliver('export', 'github', '--package', 'tools/deliver-0.1.0.tgz');
    const call = /run: npx --yes --package \.\.\/\.\.\/tools\/deliver-0\.1\.0\.tgz deliver step stage\n/;
    assert.match(read(shop, '.github/workflows/deliver-shop.yml'), call);
    assert.equal((await shop.json<Exported>('export', 'github')).files[0]?.state, 'unchanged');
    assert.deepEqual((await shop.json<Checked>('check')).drift, []);
  });

  it('prints a dry run, and refuses unknown arguments', async () => {
    const shop = project();
    const dry = await shop.json<Exported>('export', 'jenkins', '--dry-run');
    assert.deepEqual([dry.files[0]?.state, /^pipeline \{$/m.test(dry.files[0]?.text ?? '')], ['to be written', true]);
    assert.ok(!fs.existsSync(path.join(shop.root, 'Jenkinsfile')));
    const unknown = await shop.deliver('export', 'travis');
    assert.deepEqual([unknown.code, /github, gitlab, jenkins/.test(unknown.stderr)], [2, true]);
    shop.write('delivery.yaml', 'service: shop\nsteps: {test: {rum: x}}\n');
    const invalid = await shop.deliver('export', 'github');
    assert.deepEqual([invalid.code, /delivery\.yaml:2:\d+: .*rum/.test(invalid.stderr)], [2, true]);
  });
});
