import * as assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { SlotPool } from '../../../../src/core/runner/slots';
import { contentsOf, Delivery, git } from '../../../support/delivery';
import { Project } from '../../../support/project';
import { eventually, temporaryFolder } from '../../../support/temporary';

describe('a slot', () => {
  const folder = temporaryFolder();
  let project: Project;
  let delivery: Delivery;

  beforeEach(async () => {
    project = new Project(folder.path)
      .write('a.txt', 'a')
      .write('src/b.txt', 'b')
      .write('.gitignore', 'node_modules\ndist\n')
      .commit('First');
    delivery = await Delivery.from(project.root, project.home);
  });

  const read = (root: string, name: string): string => fs.readFileSync(path.join(root, name), 'utf8');
  const names = (root: string): string[] => fs.readdirSync(root).filter((name) => name !== '.git');
  const put = (root: string, name: string, text = name): void => {
    fs.mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    fs.writeFileSync(path.join(root, name), text);
  };

  it('has the history, the tags, the branches and the origin of the repository', async () => {
    project.git('tag', '-a', 'v1.2', '-m', 'Version');
    project.write('a.txt', 'second').commit('Second').git('branch', 'büro/✓');
    project.git('remote', 'add', 'origin', '../origin.git');
    project.git('remote', 'add', 'web.site', 'https://example.com/"shop".git');
    project.git('update-ref', 'refs/remotes/origin/main', 'HEAD');
    const { root } = await delivery.slotNow();
    assert.match(git(root, 'describe'), /^v1\.2-1-g/);
    assert.equal(git(root, 'log', '--format=%s'), 'Second\nFirst');
    assert.equal(git(root, 'for-each-ref', '--format=%(refname)'), git(project.root, 'for-each-ref', '--format=%(refname)'));
    assert.equal(git(root, 'remote', 'get-url', 'origin'), path.join(folder.path, 'origin.git'));
    assert.equal(git(root, 'remote', 'get-url', 'web.site'), 'https://example.com/"shop".git');
    assert.equal(git(root, 'rev-parse', 'HEAD'), git(project.root, 'rev-parse', 'HEAD'));
    assert.equal(git(root, 'status', '--porcelain'), '');
  });

  it('has uncommitted changes as a commit on top of that history', async () => {
    project.write('a.txt', 'changed');
    const { root } = await delivery.slotNow();
    assert.equal(git(root, 'diff', '--name-only', 'HEAD~1'), 'a.txt');
    assert.equal(git(root, 'rev-parse', 'HEAD~1'), git(project.root, 'rev-parse', 'HEAD'));
    assert.equal(git(root, 'status', '--porcelain'), '');
  });

  it('has none of the packages that are installed in the working copy alone', async () => {
    project.write('node_modules/left-pad/index.js', '');
    const find = (root: string): string =>
      execFileSync(process.execPath, ['-p', "require.resolve('left-pad')"], { cwd: root, encoding: 'utf8', stdio: 'pipe' });
    assert.match(find(project.root), /left-pad/);
    const { root } = await delivery.slotNow();
    assert.throws(() => find(root), /Cannot find module 'left-pad'/);
  });

  it('keeps ignored files from run to run, while all else is exactly the new tree', async () => {
    const { root } = await delivery.slotNow();
    for (const name of ['node_modules/x/index.js', 'src/dist/out.js', 'stale.txt', 'empty/deep/stale.txt']) put(root, name);
    put(root, 'a.txt', 'changed by a step');
    fs.rmSync(path.join(root, 'src', 'b.txt'));
    git(project.root, 'mv', 'a.txt', 'moved.txt');
    const slot = await delivery.slotNow();
    assert.equal(slot.root, root);
    assert.deepEqual(names(root), ['.gitignore', 'moved.txt', 'node_modules', 'src']);
    assert.equal(read(root, 'moved.txt'), 'a');
    assert.equal(read(root, 'src/b.txt'), 'b');
    assert.equal(read(root, 'node_modules/x/index.js'), 'node_modules/x/index.js');
    assert.equal(read(root, 'src/dist/out.js'), 'src/dist/out.js');
  });

  it('drops what was ignored and is not any more, and keeps what the user’s clone alone ignores', async () => {
    put(project.root, '.git/info/exclude', 'private\n');
    const { root } = await delivery.slotNow();
    for (const name of ['dist/out.js', 'private/cache']) put(root, name);
    project.write('.gitignore', 'node_modules\n');
    await delivery.slotNow();
    assert.deepEqual(names(root), ['.gitignore', 'a.txt', 'private', 'src']);
  });

  it('does not write files again that did not change', async () => {
    const { root } = await delivery.slotNow();
    const before = fs.statSync(path.join(root, 'src', 'b.txt'));
    project.write('a.txt', 'changed');
    await delivery.slotNow();
    const after = fs.statSync(path.join(root, 'src', 'b.txt'));
    assert.deepEqual([after.ino, after.mtimeMs, after.ctimeMs], [before.ino, before.mtimeMs, before.ctimeMs]);
    assert.equal(read(root, 'a.txt'), 'changed');
  });

  it('undoes what a step did to it, of the same size and time too, and never writes through a link', async () => {
    const { root } = await delivery.slotNow();
    const outside = path.join(folder.path, 'outside');
    put(outside, 'b.txt', 'outside');
    const { atime, mtime } = fs.statSync(path.join(root, 'a.txt'));
    put(root, 'a.txt', 'z');
    fs.utimesSync(path.join(root, 'a.txt'), atime, mtime);
    fs.rmSync(path.join(root, 'src'), { recursive: true });
    fs.symlinkSync(outside, path.join(root, 'src'));
    fs.rmSync(path.join(root, '.gitignore'));
    put(root, '.gitignore/in/the/way');
    await delivery.slotNow();
    assert.equal(read(root, 'a.txt'), 'a');
    assert.equal(read(root, '.gitignore'), 'node_modules\ndist\n');
    assert.ok(fs.lstatSync(path.join(root, 'src')).isDirectory());
    assert.equal(read(root, 'src/b.txt'), 'b');
    assert.equal(read(outside, 'b.txt'), 'outside');
  });

  it('forgets what a step did with git: refs, settings, hooks, a rebase under way', async () => {
    const { root } = await delivery.slotNow();
    const before = git(root, 'for-each-ref');
    git(root, 'tag', 'mine');
    git(root, 'checkout', '-q', '-b', 'mine');
    put(root, 'a.txt', 'mine');
    git(root, 'commit', '-qam', 'Mine');
    git(root, 'config', 'core.worktree', folder.path);
    git(root, 'config', 'core.sparseCheckout', 'true');
    put(root, '.git/hooks/post-checkout', '#!/bin/sh\nexit 1\n');
    fs.chmodSync(path.join(root, '.git', 'hooks', 'post-checkout'), 0o755);
    put(root, '.git/rebase-merge/onto', 'x');
    put(root, '.git/index.lock', '');
    put(root, '.git/info/sparse-checkout', '/nothing\n');
    put(root, 'clone/.git/HEAD', 'ref: refs/heads/main\n');
    const slot = await delivery.slotNow();
    assert.equal(git(root, 'for-each-ref'), before);
    assert.equal(git(root, 'rev-parse', '--show-toplevel'), slot.root);
    assert.equal(
      git(root, 'status', '--porcelain=2', '--branch'),
      `# branch.oid ${git(project.root, 'rev-parse', 'HEAD')}\n# branch.head (detached)`,
    );
    assert.deepEqual(names(root), ['.gitignore', 'a.txt', 'src']);
    assert.equal(read(root, 'a.txt'), 'a');
  });

  it('passes files through the filters that the user has set', async () => {
    project.git('config', 'filter.upper.smudge', 'tr a-z A-Z');
    project.git('config', 'filter.upper.clean', 'tr A-Z a-z');
    project.write('.gitattributes', 'x.txt filter=upper\n').write('x.txt', 'TEXT');
    const { root } = await delivery.slotNow();
    assert.equal(git(root, 'show', 'HEAD:x.txt'), 'text');
    assert.equal(read(root, 'x.txt'), 'TEXT');
  });

  for (const [what, damage] of Object.entries<(root: string) => void>({
    'an index of garbage': (root) => put(root, '.git/index', 'garbage'),
    'settings of garbage': (root) => put(root, '.git/config', '[garbage'),
    'no objects': (root) => fs.rmSync(path.join(root, '.git', 'objects'), { recursive: true }),
    'folders in place of files': (root) => {
      for (const name of ['HEAD', 'config']) {
        fs.rmSync(path.join(root, '.git', name));
        put(root, `.git/${name}/x`);
      }
    },
    'no git folder at all': (root) => fs.rmSync(path.join(root, '.git'), { recursive: true }),
    'a file in its place': (root) => {
      fs.rmSync(root, { recursive: true });
      fs.writeFileSync(root, '');
    },
  })) {
    it(`with ${what} heals`, async () => {
      project.write('a.txt', 'changed');
      const { root } = await delivery.slotNow();
      damage(root);
      project.write('a.txt', 'changed again');
      const slot = await delivery.slotNow();
      assert.equal(slot.root, root);
      assert.equal(read(root, 'a.txt'), 'changed again');
      assert.equal(git(root, 'status', '--porcelain'), '');
    });
  }

  it('whose runner was killed in the middle of the checkout is whole the next time', async () => {
    const [slow, marker] = [path.join(folder.path, 'slow'), path.join(folder.path, 'marker')];
    const filter = `sh -c 'if test -e "${slow}"; then touch "${marker}"; sleep 60; fi; cat'`;
    project.git('config', 'filter.slow.smudge', filter);
    project.write('.gitattributes', 'm.txt filter=slow\n').write('m.txt', 'm').write('z.txt', 'z').commit();
    const { root } = await delivery.slotNow();
    put(root, 'node_modules/x');
    project.write('a.txt', 'newer').write('m.txt', 'newer').write('z.txt', 'newer').commit();
    fs.writeFileSync(slow, '');
    const script = `const { Delivery } = require(${JSON.stringify(require.resolve('../../../support/delivery'))});
      Delivery.from(${JSON.stringify(project.root)}, ${JSON.stringify(project.home)}).then((delivery) => delivery.slotNow());`;
    const runner = spawn(process.execPath, ['--import', 'tsx', '-e', script], { detached: true, stdio: 'ignore' });
    const ended = new Promise((resolve) => runner.once('exit', resolve));
    try {
      await eventually('the checkout is at work', () => fs.existsSync(marker));
    } finally {
      process.kill(-(runner.pid ?? 0), 'SIGKILL');
      await ended;
    }
    fs.rmSync(slow);
    assert.ok(fs.existsSync(path.join(root, '.git', 'index.lock')));
    const slot = await delivery.slotNow();
    assert.equal(slot.root, root);
    assert.equal(slot.previousRun, undefined, 'nobody goes on from what was left');
    assert.deepEqual(
      ['a.txt', 'm.txt', 'z.txt', 'node_modules/x'].map((name) => read(root, name)),
      ['newer', 'newer', 'newer', 'node_modules/x'],
    );
    assert.equal(git(root, 'status', '--porcelain'), '');
  });

  it('that cannot be filled fails with git’s reason and blocks nobody', async () => {
    project.git('config', 'filter.broken.smudge', 'false');
    project.git('config', 'filter.broken.required', 'true');
    project.git('config', 'filter.broken.clean', 'cat');
    project.write('.gitattributes', 'x.txt filter=broken\n').write('x.txt', 'x');
    const failed = await delivery.pool.acquire(await delivery.snapshot(), 'shop', 'run');
    assert.equal(failed.ok ? '' : failed.failure.message, 'git read-tree failed: x.txt: smudge filter broken failed');
    project.git('config', 'filter.broken.smudge', 'cat');
    assert.equal(path.basename(path.dirname((await delivery.slotNow()).root)), '1');
  });

  it('names files that are Git LFS pointers without their content', async () => {
    const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n';
    project.write('assets/.gitattributes', '*.bin filter=lfs diff=lfs merge=lfs -text\n');
    for (const name of ['1', '2', 'ü 3', '4', '5']) project.write(`assets/${name}.bin`, pointer);
    project.write('assets/whole.bin', 'content').write('pointer.txt', pointer);
    const { notices } = await delivery.slotNow();
    assert.deepEqual(notices, [
      'Git LFS files are only pointers, without their content: assets/1.bin, assets/2.bin, assets/4.bin and 2 more. Run git lfs install and git lfs pull.',
    ]);
  });

  it('of a repository whose LFS files have their content says nothing', async () => {
    project.git('config', 'filter.lfs.clean', "sh -c 'cat >/dev/null; echo version https://git-lfs.github.com/spec/v1'");
    project.git('config', 'filter.lfs.smudge', "sh -c 'cat >/dev/null; echo content'");
    project.write('.gitattributes', '*.bin filter=lfs\n').write('x.bin', 'content\n');
    const { notices, root } = await delivery.slotNow();
    assert.equal(git(root, 'show', 'HEAD:x.bin'), 'version https://git-lfs.github.com/spec/v1');
    assert.equal(read(root, 'x.bin'), 'content\n');
    assert.deepEqual(notices, []);
  });
});

describe('the slots of a repository', () => {
  const folder = temporaryFolder();
  let project: Project;
  let delivery: Delivery;

  beforeEach(async () => {
    project = new Project(folder.path).write('a.txt', 'a').commit('First');
    delivery = await Delivery.from(project.root, project.home);
  });

  const used = async (service: string, run = 'run'): Promise<string> => {
    const slot = await delivery.slot(await delivery.snapshot(), service, run);
    slot.release();
    return slot.root;
  };
  const existing = (): string[] => fs.readdirSync(delivery.home.slots).sort();

  it('are given to one run each, also to two that ask at once', async () => {
    const first = await delivery.snapshot();
    project.write('a.txt', 'changed');
    const second = await delivery.snapshot();
    const [a, b] = await Promise.all([delivery.slot(first, 'cart', 'run-a'), delivery.slot(second, 'web', 'run-b')]);
    assert.notEqual(a.root, b.root);
    assert.deepEqual(
      [a, b].map((slot) => fs.readFileSync(path.join(slot.root, 'a.txt'), 'utf8')),
      ['a', 'changed'],
    );
    a.release();
    b.release();
  });

  it('are found again by the service that used one last', async () => {
    const snapshot = await delivery.snapshot();
    const [cart, web] = [await delivery.slot(snapshot, 'cart', 'run-1'), await delivery.slot(snapshot, 'web', 'run-2')];
    cart.release();
    web.release();
    assert.equal(await used('cart', 'run-3'), cart.root);
    const again = await delivery.slot(snapshot, 'web', 'run-4');
    assert.equal(again.root, web.root);
    assert.equal(again.previousRun, 'run-2');
    again.release();
  });

  it('that are live stay as they are', async () => {
    const live = await used('shop');
    delivery.live.add(live);
    const before = contentsOf(live);
    project.write('a.txt', 'changed');
    assert.notEqual(await used('shop'), live);
    assert.deepEqual(contentsOf(live), before);
    delivery.live.clear();
    delivery.live.add(path.join(delivery.home.slots, '2', 'shop'));
    assert.equal(await used('shop'), live);
  });

  it('that become live in the moment they are chosen are passed over', async () => {
    const chosen = await used('shop');
    let asked = 0;
    const live = (): ReadonlySet<string> => new Set(asked++ === 0 ? [] : [chosen]);
    const slot = await new SlotPool(delivery.home, delivery.repository, live).acquire(await delivery.snapshot(), 'shop', 'run');
    assert.ok(slot.ok && slot.value.root !== chosen);
    slot.value.release();
  });

  it('are bounded: the oldest that nothing needs are removed, never a live one or one in use', async () => {
    const snapshot = await delivery.snapshot();
    const slots = [];
    for (let i = 1; i <= 8; i++) slots.push(await delivery.slot(snapshot, 'shop', `run-${i}`));
    const [first, second, ...others] = slots;
    assert.ok(first && second);
    delivery.live.add(first.root);
    for (const slot of others) slot.release();
    first.release();
    await delivery.pool.tidy();
    assert.deepEqual(existing(), ['1', '2', '5', '6', '7', '8']);
    second.release();
  });

  it('are removed with what a tool has made read-only, and what was left of removals', async () => {
    const snapshot = await delivery.snapshot();
    const slots = [];
    for (let i = 1; i <= 5; i++) slots.push(await delivery.slot(snapshot, 'shop', `run-${i}`));
    for (const slot of slots) slot.release();
    const readOnly = path.join(slots[0]?.root ?? '', 'pkg');
    fs.mkdirSync(readOnly);
    fs.writeFileSync(path.join(readOnly, 'x'), 'x');
    fs.chmodSync(readOnly, 0o555);
    fs.mkdirSync(path.join(delivery.home.slots, '9.1-2.removed', 'x'), { recursive: true });
    await delivery.pool.tidy();
    assert.deepEqual(existing(), ['2', '3', '4', '5']);
  });
});
