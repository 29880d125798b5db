import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { Delivery } from '../../../support/delivery';
import { Project } from '../../../support/project';
import { temporaryFolder } from '../../../support/temporary';

describe('the ignored files of a checkout', () => {
  const folder = temporaryFolder();
  let project: Project;
  let delivery: Delivery;
  let root: string;

  beforeEach(async () => {
    project = new Project(folder.path)
      .write('.gitignore', 'dist\nnode_modules\n*.o\n')
      .write('src/tax.ts', 'tax')
      .write('src/index.ts', 'index')
      .write('cmd/old/main.go', 'main')
      .commit('First');
    delivery = await Delivery.from(project.root, project.home);
    ({ root } = await delivery.slotNow());
    for (const name of ['dist/index.js', 'node_modules/tax/tax.js']) put(name);
  });

  const put = (name: string): void => {
    fs.mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    fs.writeFileSync(path.join(root, name), name);
  };
  const remove = async (name: string): Promise<void> => {
    fs.rmSync(path.join(project.root, name), { recursive: true });
    assert.equal((await delivery.slotNow()).root, root);
  };
  const exists = (name: string): boolean => fs.existsSync(path.join(root, name));

  for (const [source, built] of [
    ['src/tax.ts', 'dist/tax.js'],
    ['src/tax.ts', 'dist/deep/tax.d.ts'],
    ['src/tax.ts', 'tax.o'],
    ['src/tax.ts', 'dist/tax$1.class'],
    ['cmd', 'dist/old'],
  ] as const) {
    it(`go if ${built} seems to be built from the removed ${source}, except installed packages`, async () => {
      put(built);
      await remove(source);
      assert.deepEqual([exists(built), exists('dist/index.js'), exists('node_modules/tax/tax.js')], [false, false, true]);
    });
  }

  it('stay if none has the name of a removed source', async () => {
    put('dist/taxes.js');
    await remove('src/tax.ts');
    assert.ok(exists('dist/taxes.js'));
  });

  it('stay if a source only changed', async () => {
    put('dist/tax.js');
    project.write('src/tax.ts', 'new');
    await delivery.slotNow();
    assert.ok(exists('dist/tax.js'));
  });
});

(process.platform === 'win32' ? describe.skip : describe)('the files of a checkout', () => {
  const folder = temporaryFolder();
  let project: Project;
  let delivery: Delivery;
  const modeOf = (root: string, name: string): string => (fs.statSync(path.join(root, name)).mode & 0o777).toString(8);
  const chmod = (name: string, mode: number): void => fs.chmodSync(path.join(project.root, name), mode);

  beforeEach(async () => {
    project = new Project(folder.path).write('key', 'k').write('run.sh', 'r').write('a.txt', 'a');
    chmod('run.sh', 0o755);
    project.commit('First');
    delivery = await Delivery.from(project.root, project.home);
  });

  it('are never more accessible than those of the working copy', async () => {
    chmod('key', 0o600);
    chmod('run.sh', 0o700);
    project.write('.env.local', 'SECRET=1');
    chmod('.env.local', 0o600);
    const { root } = await delivery.slotNow();
    assert.deepEqual(
      ['key', 'run.sh', '.env.local', 'a.txt'].map((name) => modeOf(root, name)),
      ['600', '700', '600', modeOf(project.root, 'a.txt')],
    );
  });

  it('keep their modes in later deliveries, and are not written again for it', async () => {
    chmod('key', 0o600);
    const { root } = await delivery.slotNow();
    const { mtimeMs, ino } = fs.statSync(path.join(root, 'key'));
    project.write('a.txt', 'b');
    assert.equal((await delivery.slotNow()).root, root);
    const after = fs.statSync(path.join(root, 'key'));
    assert.deepEqual([modeOf(root, 'key'), after.mtimeMs, after.ino], ['600', mtimeMs, ino]);
    fs.writeFileSync(path.join(root, 'key'), 'a step did this');
    await delivery.slotNow();
    assert.deepEqual([modeOf(root, 'key'), fs.readFileSync(path.join(root, 'key'), 'utf8')], ['600', 'k']);
  });
});
