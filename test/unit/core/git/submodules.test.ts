import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { contentsOf, Delivery, git } from '../../../support/delivery';
import { Project } from '../../../support/project';
import { temporaryFolder } from '../../../support/temporary';

describe('a submodule', () => {
  const folder = temporaryFolder();
  let library: Project;
  let project: Project;
  let delivery: Delivery;

  const add = (to: Project, from: Project, name: string): void => {
    git(to.root, '-c', 'protocol.file.allow=always', 'submodule', 'add', '-q', '--name', `the ${name}`, from.root, name);
    to.commit(`With ${name}`);
  };
  const read = (root: string, name: string): string => fs.readFileSync(path.join(root, name), 'utf8');

  beforeEach(async () => {
    library = new Project(folder.path, 'library').write('x.txt', 'x').commit('Library');
    project = new Project(folder.path).write('a.txt', 'a').commit('First');
    add(project, library, 'lib/größe "x"');
    delivery = await Delivery.from(project.root, project.home);
  });

  const module = 'lib/größe "x"';

  it('is checked out from the clone in the working copy, at the recorded commit', async () => {
    library.write('x.txt', 'newer').commit('Newer');
    const before = contentsOf(project.root);
    const slot = await delivery.slotNow();
    assert.equal(read(slot.root, `${module}/x.txt`), 'x');
    assert.equal(git(path.join(slot.root, module), 'log', '--format=%s'), 'Library');
    assert.equal(git(slot.root, 'status', '--porcelain'), '');
    assert.deepEqual(slot.notices, []);
    assert.deepEqual(contentsOf(project.root), before);
  });

  it('is delivered at its current commit, pushed or not', async () => {
    fs.writeFileSync(path.join(project.root, module, 'x.txt'), 'mine');
    git(path.join(project.root, module), '-c', 'user.name=T', '-c', 'user.email=t@example.com', 'commit', '-qam', 'Mine');
    const snapshot = await delivery.snapshot();
    assert.equal(snapshot.change.dirty, true);
    assert.equal(read((await delivery.slotNow()).root, `${module}/x.txt`), 'mine');
  });

  it('causes a notice if it has uncommitted changes', async () => {
    fs.writeFileSync(path.join(project.root, module, 'x.txt'), 'edited');
    const slot = await delivery.slotNow();
    assert.deepEqual(slot.notices, [`submodule ${module} has uncommitted changes, which are not delivered`]);
    assert.equal(read(slot.root, `${module}/x.txt`), 'x');
  });

  it('causes a notice if it was never cloned', async () => {
    git(folder.path, 'clone', '-q', project.root, 'again');
    const again = await Delivery.from(path.join(folder.path, 'again'), project.home);
    const slot = await again.slotNow();
    assert.deepEqual(slot.notices, [
      `submodule ${module} is not checked out: it is not cloned in the working copy. Run git submodule update --init.`,
    ]);
    assert.equal(read(slot.root, 'a.txt'), 'a');
  });

  it('causes a notice if its commit does not exist', async () => {
    git(project.root, 'update-index', '--cacheinfo', `160000,${'1'.repeat(40)},${module}`);
    git(project.root, 'commit', '-qm', 'Nowhere');
    const slot = await delivery.slot(await delivery.snapshot('HEAD'));
    slot.release();
    assert.equal(slot.notices.length, 1);
    assert.match(slot.notices[0] ?? '', new RegExp(`^submodule ${module} is not checked out: git read-tree failed`));
  });

  it('is also checked out inside a submodule, and named by its full path on failure', async () => {
    const inner = new Project(folder.path, 'inner').write('y.txt', 'y').commit();
    add(library, inner, 'inner');
    git(path.join(project.root, module), 'pull', '-q');
    const missing = await delivery.slotNow();
    assert.deepEqual(missing.notices, [
      `submodule ${module}/inner is not checked out: it is not cloned in the working copy. Run git submodule update --init.`,
    ]);
    git(project.root, '-c', 'protocol.file.allow=always', 'submodule', 'update', '-q', '--init', '--recursive', '--remote');
    const whole = await delivery.slotNow();
    assert.deepEqual(whole.notices, []);
    assert.equal(read(whole.root, `${module}/inner/y.txt`), 'y');
  });

  it('is checked out from the clone of a linked worktree', async () => {
    project.git('worktree', 'add', '-q', '-b', 'feature', '../feature');
    const root = path.join(folder.path, 'feature');
    git(root, '-c', 'protocol.file.allow=always', 'submodule', 'update', '-q', '--init');
    fs.writeFileSync(path.join(root, module, 'x.txt'), 'feature');
    git(path.join(root, module), '-c', 'user.name=T', '-c', 'user.email=t@example.com', 'commit', '-qam', 'Feature');
    const slot = await (await Delivery.from(root, project.home)).slotNow();
    assert.deepEqual(slot.notices, []);
    assert.equal(read(slot.root, `${module}/x.txt`), 'feature');
  });

  it('is removed from the slot when it leaves the tree or becomes a folder', async () => {
    await delivery.slotNow();
    project.git('rm', '-q', module);
    project.write(`${module}/plain.txt`, 'plain');
    const slot = await delivery.slotNow();
    assert.deepEqual(fs.readdirSync(path.join(slot.root, module)), ['plain.txt']);
  });

  it('is restored after a step changed it, cloned it or replaced it by a link', async () => {
    const { root } = await delivery.slotNow();
    fs.writeFileSync(path.join(root, module, 'x.txt'), 'by a step');
    fs.writeFileSync(path.join(root, module, 'stale.txt'), 'by a step');
    await delivery.slotNow();
    assert.deepEqual(fs.readdirSync(path.join(root, module)).sort(), ['.git', 'x.txt']);

    git(root, 'submodule', 'absorbgitdirs');
    assert.ok(fs.statSync(path.join(root, module, '.git')).isFile());
    const before = contentsOf(library.root);
    await delivery.slotNow();
    assert.equal(read(root, `${module}/x.txt`), 'x');

    fs.rmSync(path.join(root, module), { recursive: true });
    fs.symlinkSync(library.root, path.join(root, module));
    const slot = await delivery.slotNow();
    assert.ok(fs.lstatSync(path.join(slot.root, module)).isDirectory());
    assert.deepEqual(slot.notices, []);

    fs.rmSync(path.join(root, 'lib'), { recursive: true });
    fs.symlinkSync(folder.path, path.join(root, 'lib'));
    await delivery.slotNow();
    assert.equal(read(root, `${module}/x.txt`), 'x');
    assert.deepEqual(contentsOf(library.root), before);
    assert.ok(!fs.existsSync(path.join(folder.path, 'größe "x"')));
  });

  it('is not checked out if its name leads out of the git folder', async () => {
    fs.writeFileSync(path.join(project.root, '.gitmodules'), `[submodule "../../../library/.git"]\n\tpath = other\n\turl = x\n`);
    git(project.root, 'update-index', '--add', '--cacheinfo', `160000,${library.git('rev-parse', 'HEAD').trim()},other`);
    git(project.root, 'add', '.gitmodules');
    git(project.root, 'commit', '-qm', 'Evil');
    const slot = await delivery.slot(await delivery.snapshot('HEAD'));
    slot.release();
    assert.ok(slot.notices.some((notice) => notice.startsWith('submodule other is not checked out: it is not cloned')));
    assert.deepEqual(fs.readdirSync(path.join(slot.root, 'other')), []);
  });
});

describe('a nested repository that is no submodule', () => {
  const folder = temporaryFolder();

  it('is delivered at its current commit', async () => {
    const project = new Project(folder.path).write('a.txt', 'a').commit();
    const nested = path.join(project.root, 'nested');
    fs.mkdirSync(nested);
    git(nested, 'init', '-q');
    fs.writeFileSync(path.join(nested, 'n.txt'), 'n');
    git(nested, 'add', '-A');
    git(nested, 'commit', '-qm', 'Nested');
    const before = contentsOf(project.root);
    const slot = await (await Delivery.from(project.root, project.home)).slotNow();
    assert.equal(fs.readFileSync(path.join(slot.root, 'nested', 'n.txt'), 'utf8'), 'n');
    assert.deepEqual(slot.notices, []);
    assert.deepEqual(contentsOf(project.root), before);
  });
});
