import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { writePackedFile } from '../support/packed';
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
    writePackedFile(path.join(shop.root, 'tools/deliver-0.1.0.tgz'));
    writePackedFile(path.join(shop.root, 'tools/other.tgz'), 'other');
    shop.commit();
    const unknown = await shop.deliver('export', 'github');
    assert.deepEqual([unknown.code, /stage runs Deliver on CI, and its package is not known/.test(unknown.stderr)], [2, true]);
    for (const refused of ['tools/missing.tgz', 'tools/other.tgz', 'deliver', 'deliver@0.1.0', '../deliver-0.1.0.tgz', 'delivery.yaml'])
      assert.equal((await shop.deliver('export', 'github', '--package', refused)).code, 2, refused);
    assert.ok(!fs.existsSync(path.join(shop.root, '.github')));
    await shop.deliver('export', 'github', '--package', 'tools/deliver-0.1.0.tgz');
    const call = /run: npx --yes --package "\$GITHUB_WORKSPACE"\/tools\/deliver-0\.1\.0\.tgz deliver step stage\n/;
    assert.match(read(shop, '.github/workflows/deliver-shop.yml'), call);
    assert.equal((await shop.json<Exported>('export', 'github')).files[0]?.state, 'unchanged');
    assert.deepEqual((await shop.json<Checked>('check')).drift, []);
  });

  it('exits with 1 for --check when an export would change a file, and writes nothing', async () => {
    const shop = project();
    const file = '.gitlab-ci.yml';
    assert.equal((await shop.deliver('export', 'gitlab', '--check')).code, 1);
    assert.ok(!fs.existsSync(path.join(shop.root, file)));
    await shop.deliver('export', 'gitlab');
    assert.equal((await shop.deliver('export', 'gitlab', '--check')).code, 0);
    for (const change of [
      () => shop.steps({ build: 'make all' }),
      () =>
        shop
          .steps({ build: { run: 'make', timeout: '5m' }, test: { needs: 'build', run: 'make test' } })
          .write(file, `${read(shop, file)}# mine\n`),
    ]) {
      change();
      const before = read(shop, file);
      const { code, stdout } = await shop.deliver('export', 'gitlab', '--check');
      assert.equal(code, 1);
      assert.match(stdout, /would write \.gitlab-ci\.yml:\d+/);
      assert.equal(read(shop, file), before);
    }
  });

  it('keeps preserved regions on GitLab when the repository gets a second service, and when it loses it', async () => {
    const own = (line: string): string => `  # deliver: begin own\n  ${line}\n  # deliver: end own\n`;
    const shop = new Project(folder.path);
    const define = (name: string): Project =>
      shop.write(`${name}/delivery.yaml`, `service: ${name}\nsteps:\n  test: {run: make}\n  default: {run: make}\n`);
    const export_ = async (...more: string[]): Promise<void> => {
      const { code, stderr } = await shop.deliver('export', 'gitlab', ...more);
      assert.equal(code, 0, stderr);
    };
    define('cart').commit();
    await export_();
    const whole = '# deliver: begin own\nstages: [test]\n# deliver: end own\n\n';
    shop.write(
      '.gitlab-ci.yml',
      read(shop, '.gitlab-ci.yml')
        .replace('variables:', `${whole}variables:`)
        .replace('\ntest:\n', `\ntest:\n${own('tags: [big]')}`)
        .replace('default-step:\n', `default-step:\n${own('tags: [small]')}`),
    );
    define('orders').commit();
    // The export of the other service also moves them.
    await export_('--service', 'orders');
    const cart = '.gitlab/deliver-cart.yml';
    assert.match(
      read(shop, cart),
      /\ncart:test:\n {2}# deliver: begin own\n {2}tags: \[big\]\n[\s\S]*\ncart:default:\n {2}# deliver: begin own\n {2}tags: \[small\]\n/,
    );
    assert.doesNotMatch(read(shop, '.gitlab-ci.yml'), /tags/);
    assert.match(read(shop, '.gitlab-ci.yml'), /stages: \[test\]/);
    assert.doesNotMatch(read(shop, '.gitlab/deliver-orders.yml'), /^ *# deliver: begin own$/m);
    await export_();
    assert.deepEqual((await shop.json<Checked>('check')).drift, []);

    fs.rmSync(path.join(shop.root, 'orders'), { recursive: true });
    shop.commit();
    await export_();
    for (const line of [
      '\ntest:\n  # deliver: begin own\n  tags: [big]\n',
      '\ndefault-step:\n  # deliver: begin own\n  tags: [small]\n',
      whole,
    ])
      assert.ok(read(shop, '.gitlab-ci.yml').includes(line), read(shop, '.gitlab-ci.yml'));
    const { drift } = await shop.json<Checked>('check');
    assert.deepEqual(
      drift.map(({ path: file, message }) => [file, message]),
      [
        [cart, 'its jobs are in .gitlab-ci.yml now'],
        ['.gitlab/deliver-orders.yml', 'the service of this file no longer exists'],
      ],
    );
    await export_();
    assert.equal(read(shop, '.gitlab-ci.yml').split('tags: [big]').length, 2);
  });

  it('stops at a preserved region whose job no longer exists in the other file', async () => {
    const shop = new Project(folder.path).write('cart/delivery.yaml', 'service: cart\nsteps:\n  test: {run: make}\n').commit();
    await shop.deliver('export', 'gitlab');
    shop.write(
      '.gitlab-ci.yml',
      read(shop, '.gitlab-ci.yml').replace('\ntest:\n', '\ntest:\n  # deliver: begin own\n  tags: [big]\n  # deliver: end own\n'),
    );
    shop.write('cart/delivery.yaml', 'service: cart\nsteps:\n  unit: {run: make}\n');
    shop.write('orders/delivery.yaml', 'service: orders\nsteps:\n  test: {run: make}\n').commit();
    const { code, stderr } = await shop.deliver('export', 'gitlab');
    assert.equal(code, 2);
    assert.match(stderr, /\.gitlab-ci\.yml:\d+: a preserved region is in `test`, which no longer exists in delivery\.yaml/);
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
