import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { Delivery, git } from '../../../support/delivery';
import { Project } from '../../../support/project';
import { eventually, temporaryFolder } from '../../../support/temporary';

describe('a snapshot', () => {
  const folder = temporaryFolder();
  let project: Project;
  let delivery: Delivery;

  beforeEach(async () => {
    project = new Project(folder.path).write('a.txt', 'a').write('b.txt', 'b').write('c.txt', 'c').write('.gitignore', 'ignored\n');
    project.commit('First');
    delivery = await Delivery.from(project.root, project.home);
  });

  const files = async (): Promise<string[]> => delivery.files(await delivery.snapshot());

  it('is the current commit if the working copy has no changes', async () => {
    const { change, notices } = await delivery.snapshot();
    assert.deepEqual(change, {
      commit: project.git('rev-parse', 'HEAD').trim(),
      tree: project.git('rev-parse', 'HEAD^{tree}').trim(),
      subject: 'First',
      dirty: false,
      branch: 'main',
    });
    assert.deepEqual(notices, []);
  });

  it('contains a change of the same length in the second of the commit', async () => {
    const second = () => Math.floor(Date.now() / 1000);
    const nextSecond = async () => {
      const now = second();
      await eventually('the next second', () => second() > now);
    };
    let began: number;
    do {
      await nextSecond();
      began = second();
      project.write('a.txt', '1').commit().write('a.txt', '2');
    } while (second() !== began);
    await nextSecond();
    const { change } = await delivery.snapshot();
    assert.equal(change.dirty, true);
  });

  it('contains renames, deletions, changes and new files, staged or not, but no ignored files', async () => {
    project.git('mv', 'a.txt', 'renamed.txt');
    fs.rmSync(path.join(project.root, 'b.txt'));
    project.write('c.txt', 'changed').write('new/file.txt', 'new').write('staged.txt', 'staged').write('ignored', 'x');
    project.git('add', 'staged.txt');
    project.write('staged.txt', 'changed after it was staged');
    const snapshot = await delivery.snapshot();
    assert.deepEqual(await delivery.files(snapshot), [
      '100644 .gitignore',
      '100644 c.txt',
      '100644 new/file.txt',
      '100644 renamed.txt',
      '100644 staged.txt',
    ]);
    const slot = await delivery.slot(snapshot);
    assert.equal(fs.readFileSync(path.join(slot.root, 'c.txt'), 'utf8'), 'changed');
    assert.equal(fs.readFileSync(path.join(slot.root, 'staged.txt'), 'utf8'), 'changed after it was staged');
    slot.release();
  });

  it('names its base commit and its branch', async () => {
    project.write('a.txt', 'changed');
    const head = project.git('rev-parse', 'HEAD').trim();
    const { change } = await delivery.snapshot();
    assert.equal(change.dirty, true);
    assert.equal(change.base, head);
    assert.equal(change.branch, 'main');
    assert.equal(change.subject, `Uncommitted changes on ${head.slice(0, 7)} First`);
  });

  it('contains mode bits and links', async () => {
    project.write('run.sh', '#!/bin/sh\n');
    fs.chmodSync(path.join(project.root, 'run.sh'), 0o755);
    fs.symlinkSync('a.txt', path.join(project.root, 'link'));
    fs.symlinkSync('/nowhere', path.join(project.root, 'dangling'));
    fs.chmodSync(path.join(project.root, 'c.txt'), 0o755);
    const names = await files();
    for (const entry of ['100755 run.sh', '120000 link', '120000 dangling', '100755 c.txt']) assert.ok(names.includes(entry), entry);
  });

  it('contains files with any valid name', async () => {
    const names = [
      'with space',
      'quo\'te"s',
      'line\nbreak',
      'tab\there',
      'back\\slash',
      'Größe/日本語.txt',
      '😀',
      '-dash',
      ':(glob)x',
      '*',
      '#c',
    ];
    for (const name of names) project.write(name, name);
    const snapshot = await delivery.snapshot();
    const listed = await delivery.files(snapshot);
    for (const name of names) assert.ok(listed.includes(`100644 ${name}`), name);
    const slot = await delivery.slot(snapshot);
    for (const name of names) assert.equal(fs.readFileSync(path.join(slot.root, name), 'utf8'), name);
    slot.release();
  });

  it('has the same commit id until a file changes', async () => {
    project.write('a.txt', 'changed').write('new', 'new');
    const first = await delivery.snapshot();
    assert.deepEqual(await delivery.snapshot(), first);
    fs.utimesSync(path.join(project.root, 'a.txt'), new Date(0), new Date(0));
    assert.deepEqual(await delivery.snapshot(), first);
    project.write('a.txt', 'changed again');
    assert.notEqual((await delivery.snapshot()).change.tree, first.change.tree);
  });

  it('contains a change that keeps the size and time of a file', async () => {
    project.write('a.txt', 'x');
    const before = await delivery.snapshot();
    const { atime, mtime } = fs.statSync(path.join(project.root, 'a.txt'));
    project.write('a.txt', 'y');
    fs.utimesSync(path.join(project.root, 'a.txt'), atime, mtime);
    assert.notEqual((await delivery.snapshot()).change.tree, before.change.tree);
  });

  it('contains the files of a repository without a commit', async () => {
    const fresh = new Project(folder.path, 'fresh').write('a.txt', 'a');
    const first = await Delivery.from(fresh.root, fresh.home);
    const snapshot = await first.snapshot();
    assert.deepEqual(await first.files(snapshot), ['100644 a.txt']);
    assert.deepEqual(
      { ...snapshot.change, commit: '', tree: '' },
      { commit: '', tree: '', subject: 'Uncommitted changes', dirty: true, branch: 'main' },
    );
    assert.equal((await first.snapshot()).change.commit, snapshot.change.commit);
    const slot = await first.slotNow();
    assert.equal(fs.readFileSync(path.join(slot.root, 'a.txt'), 'utf8'), 'a');
  });

  it('is empty for an empty repository', async () => {
    const fresh = new Project(folder.path, 'fresh');
    const first = await Delivery.from(fresh.root, fresh.home);
    assert.deepEqual(await first.files(await first.snapshot()), []);
    await first.slotNow();
  });

  it('names no branch for a detached HEAD', async () => {
    project.git('checkout', '-q', '--detach');
    assert.equal((await delivery.snapshot()).change.branch, undefined);
    project.write('a.txt', 'changed');
    const { change } = await delivery.snapshot();
    assert.equal(change.branch, undefined);
    assert.equal(change.dirty, true);
  });

  it('is the named commit, whatever the working copy contains', async () => {
    project.git('tag', '-a', 'v1', '-m', 'Version 1');
    project.write('a.txt', 'second').commit('Second').write('a.txt', 'changed');
    for (const revision of ['v1', 'HEAD~1', ':/First']) {
      const { change } = await delivery.snapshot(revision);
      assert.equal(change.commit, project.git('rev-parse', 'v1^{commit}').trim());
      assert.equal(change.subject, 'First');
      assert.equal(change.dirty, false);
    }
  });

  it('stays marked as uncommitted when it is delivered again by its id', async () => {
    project.write('a.txt', 'changed');
    const { change } = await delivery.snapshot();
    project.git('checkout', '-q', '--', 'a.txt');
    const again = await delivery.snapshot(change.commit);
    assert.equal(again.change.tree, change.tree);
    assert.equal(again.change.dirty, true);
  });

  it('is refused for a name of no commit, even if it looks like an option', async () => {
    for (const name of ['nothing', '--all', 'HEAD:a.txt', '']) assert.equal((await delivery.refusal(name)).kind, 'usage', name);
    assert.equal((await delivery.refusal('nothing')).message, `nothing names no commit of ${project.root}`);
  });

  it('is refused during a merge with conflicts until they are resolved', async () => {
    project.git('checkout', '-q', '-b', 'other');
    project.write('a.txt', 'theirs').commit('Theirs');
    project.git('checkout', '-q', 'main');
    project.write('a.txt', 'ours').commit('Ours');
    assert.throws(() => git(project.root, 'merge', 'other'));
    const { message, path: place } = await delivery.refusal();
    assert.equal(message, 'a.txt has unresolved conflicts');
    assert.equal(place, 'a.txt');
    project.write('a.txt', 'both').git('add', 'a.txt');
    assert.equal((await delivery.snapshot()).change.dirty, true);
  });

  it('is refused after a stash was applied with conflicts', async () => {
    project.write('a.txt', 'stashed').git('stash');
    project.write('a.txt', 'committed').commit();
    assert.throws(() => git(project.root, 'stash', 'pop'));
    assert.equal((await delivery.refusal()).message, 'a.txt has unresolved conflicts');
  });

  it('is refused with a hint if a nested repository has no commit', async () => {
    fs.mkdirSync(path.join(project.root, 'scratch'));
    git(path.join(project.root, 'scratch'), 'init', '-q');
    const failure = await delivery.refusal();
    assert.match(failure.message, /^scratch\/ is a nested git repository without a commit/);
    assert.equal(failure.hint, 'commit in it, or add it to .gitignore');
  });

  it('contains the files that a sparse working copy lacks', async () => {
    project.write('in/x', 'x').write('out/y', 'y').commit();
    git(project.root, 'sparse-checkout', 'set', '--cone', 'in');
    assert.ok(!fs.existsSync(path.join(project.root, 'out')));
    assert.equal((await delivery.snapshot()).change.dirty, false);
    project.write('in/x', 'changed').write('elsewhere/z', 'new');
    const names = await files();
    for (const entry of ['100644 out/y', '100644 in/x', '100644 elsewhere/z']) assert.ok(names.includes(entry), entry);
    const slot = await delivery.slotNow();
    assert.equal(fs.readFileSync(path.join(slot.root, 'out', 'y'), 'utf8'), 'y');
  });

  it('supports a split index and files that are only intended to be added', async () => {
    project.git('update-index', '--split-index');
    project.write('intended', 'x').git('add', '-N', 'intended');
    project.write('a.txt', 'changed');
    assert.ok((await files()).includes('100644 intended'));
  });

  it('contains the line ends that git would commit', async () => {
    project.git('config', 'core.autocrlf', 'input');
    project.git('config', 'core.safecrlf', 'true');
    project.write('crlf.txt', 'one\r\ntwo\r\n');
    const { change } = await delivery.snapshot();
    const blob = project.git('hash-object', '--path=crlf.txt', 'crlf.txt').trim();
    assert.equal(git(project.root, '--git-dir', '.git', 'ls-files', '-s', 'crlf.txt'), '');
    const slot = await delivery.slot({ change, notices: [] });
    assert.equal(git(slot.root, 'rev-parse', 'HEAD:crlf.txt'), blob);
    assert.equal(fs.readFileSync(path.join(slot.root, 'crlf.txt'), 'utf8'), 'one\ntwo\n');
    slot.release();
  });

  it('contains all services of a repository', async () => {
    project.write('cart/delivery.yaml', 'service: cart').write('web/delivery.yaml', 'service: web').write('web/src/x.ts', '');
    const snapshot = await delivery.snapshot();
    assert.deepEqual(await delivery.files(snapshot, 'web'), ['100644 delivery.yaml', '100644 src/x.ts']);
    assert.deepEqual(await delivery.files(snapshot, 'cart'), ['100644 delivery.yaml']);
  });

  it('removes its private index', async () => {
    project.write('a.txt', 'changed');
    await delivery.snapshot();
    assert.deepEqual(fs.readdirSync(delivery.home.folder), ['objects']);
  });
});
