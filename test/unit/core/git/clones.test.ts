import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { contentsOf, Delivery, git } from '../../../support/delivery';
import { Project } from '../../../support/project';
import { temporaryFolder } from '../../../support/temporary';

describe('a slot', () => {
  const folder = temporaryFolder();
  let origin: Project;

  beforeEach(() => {
    origin = new Project(folder.path, 'origin');
    for (const text of ['one', 'two', 'three']) origin.write('a.txt', text).write(`${text}.txt`, text).commit(text);
    origin.git('config', 'uploadpack.allowFilter', 'true');
  });

  const clone = (name: string, ...args: string[]): string => {
    git(folder.path, 'clone', '-q', ...args, `file://${origin.root}`, name);
    return path.join(folder.path, name);
  };
  const home = (): string => path.join(folder.path, 'home');

  it('has the history of a shallow clone', async () => {
    const root = clone('shallow', '--depth', '2');
    fs.writeFileSync(path.join(root, 'a.txt'), 'changed');
    const before = contentsOf(root);
    const slot = await (await Delivery.from(root, home())).slotNow();
    assert.equal(fs.readFileSync(path.join(slot.root, 'a.txt'), 'utf8'), 'changed');
    assert.equal(git(slot.root, 'log', '--format=%s', 'HEAD~1'), 'three\ntwo');
    assert.equal(git(slot.root, 'rev-parse', '--is-shallow-repository'), 'true');
    assert.deepEqual(contentsOf(root), before);
  });

  it('has the whole history after a shallow clone is deepened', async () => {
    const root = clone('shallow', '--depth', '1');
    const delivery = await Delivery.from(root, home());
    await delivery.slotNow();
    git(root, 'fetch', '-q', '--unshallow');
    assert.equal(git((await delivery.slotNow()).root, 'rev-list', '--count', 'HEAD'), '3');
  });

  it('fetches the missing objects of a partial clone, but not into that clone', async () => {
    const root = clone('partial', '--filter=blob:none');
    fs.writeFileSync(path.join(root, 'new.txt'), 'new');
    const delivery = await Delivery.from(root, home());
    const before = contentsOf(root);
    const slot = await delivery.slot(await delivery.snapshot('HEAD~2'));
    assert.equal(fs.readFileSync(path.join(slot.root, 'a.txt'), 'utf8'), 'one');
    assert.equal(git(slot.root, 'show', 'HEAD:one.txt'), 'one');
    slot.release();
    assert.equal(fs.readFileSync(path.join((await delivery.slotNow()).root, 'new.txt'), 'utf8'), 'new');
    assert.deepEqual(contentsOf(root), before);
  });

  it('finds the objects that the clone itself borrows', async () => {
    const root = clone('borrower', '--shared');
    const slot = await (await Delivery.from(root, home())).slotNow();
    assert.equal(git(slot.root, 'rev-list', '--count', '--objects', 'HEAD'), git(origin.root, 'rev-list', '--count', '--objects', 'HEAD'));
  });

  it('holds the files of the worktree that is delivered', async () => {
    const root = clone('main');
    git(root, 'worktree', 'add', '-q', '-b', 'feature', '../feature');
    fs.writeFileSync(path.join(folder.path, 'feature', 'a.txt'), 'feature');
    const [main, feature] = [await Delivery.from(root, home()), await Delivery.from(path.join(folder.path, 'feature'), home())];
    assert.equal(feature.home.folder, main.home.folder);
    const { change } = await feature.snapshot();
    assert.equal(change.branch, 'feature');
    assert.equal((await main.snapshot()).change.dirty, false);
    const [first, second] = [await main.slot(await main.snapshot()), await feature.slot(await feature.snapshot())];
    assert.deepEqual(
      [first, second].map((slot) => path.basename(slot.root)),
      ['main', 'main'],
    );
    assert.equal(fs.readFileSync(path.join(second.root, 'a.txt'), 'utf8'), 'feature');
    for (const slot of [first, second]) slot.release();
  });

  it('supports paths that contain the separator of git’s lists', async () => {
    const root = clone('a:b "c" d\\e');
    fs.writeFileSync(path.join(root, 'a.txt'), 'changed');
    const slot = await (await Delivery.from(root, home())).slotNow();
    assert.equal(fs.readFileSync(path.join(slot.root, 'a.txt'), 'utf8'), 'changed');
    assert.equal(git(slot.root, 'rev-list', '--count', 'HEAD'), '4');
  });

  it('supports a repository with SHA-256', async () => {
    const root = path.join(folder.path, 'sha256');
    git(folder.path, 'init', '-q', '--object-format=sha256', root);
    fs.writeFileSync(path.join(root, 'a.txt'), 'a');
    const slot = await (await Delivery.from(root, home())).slotNow();
    assert.equal(git(slot.root, 'rev-parse', 'HEAD').length, 64);
  });

  it('belongs to the repository that a link leads into', async () => {
    fs.mkdirSync(path.join(origin.root, 'deep', 'er'), { recursive: true });
    fs.symlinkSync(path.join(origin.root, 'deep', 'er'), path.join(folder.path, 'link'));
    const delivery = await Delivery.from(path.join(folder.path, 'link'), home());
    assert.equal(delivery.repository.root, origin.root);
    assert.equal(delivery.repository.commonGitFolder, path.join(origin.root, '.git'));
  });

  it('is refused with a reason for a folder that is no working copy', async () => {
    const reason = async (name: string): Promise<string> =>
      Delivery.from(path.join(folder.path, name), home()).then(
        () => 'none',
        (error: unknown) => String(error).replaceAll(folder.path, ''),
      );
    git(folder.path, 'init', '-q', '--bare', 'bare.git');
    fs.mkdirSync(path.join(folder.path, 'plain'));
    fs.mkdirSync(path.join(folder.path, 'line\nbreak'));
    git(path.join(folder.path, 'line\nbreak'), 'init', '-q');
    assert.equal(await reason('missing'), 'Error: the folder /missing does not exist');
    assert.equal(await reason('plain'), 'Error: /plain is not in a git repository');
    assert.equal(await reason('bare.git'), 'Error: /bare.git is in a bare git repository');
    assert.match(await reason('line\nbreak'), /contains a line break/);
  });
});
