import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { contentsOf, Delivery, git } from '../../../support/delivery';
import { Project } from '../../../support/project';
import { temporaryFolder } from '../../../support/temporary';

describe('the user’s repository', () => {
  const folder = temporaryFolder();
  let project: Project;
  let delivery: Delivery;

  beforeEach(async () => {
    project = new Project(folder.path).write('a.txt', 'a').write('b.txt', 'b').write('.gitignore', 'ignored\n').commit('First');
    project.git('tag', 'v1');
    project.write('a.txt', 'stashed').git('stash');
    project.write('b.txt', 'staged').git('add', 'b.txt');
    project.write('b.txt', 'changed').write('new', 'new').write('ignored', 'x');
    project.git('remote', 'add', 'origin', '../origin.git');
    delivery = await Delivery.from(project.root, project.home);
  });

  async function isUntouchedBy(action: () => Promise<unknown>): Promise<void> {
    const before = contentsOf(project.root);
    const status = git(project.root, '--no-optional-locks', 'status', '--porcelain=2', '--branch', '--show-stash');
    await action();
    assert.deepEqual(contentsOf(project.root), before);
    assert.equal(git(project.root, '--no-optional-locks', 'status', '--porcelain=2', '--branch', '--show-stash'), status);
    git(project.root, 'fsck', '--strict');
  }

  it('is unchanged after a snapshot and a checkout', async () => {
    await isUntouchedBy(async () => {
      await delivery.slotNow();
      fs.utimesSync(path.join(project.root, 'a.txt'), new Date(0), new Date(0));
      await delivery.slotNow();
    });
  });

  it('is unchanged while another git holds its index lock', async () => {
    fs.writeFileSync(path.join(project.root, '.git', 'index.lock'), '');
    const before = contentsOf(project.root);
    assert.equal((await delivery.snapshot()).change.dirty, true);
    assert.deepEqual(contentsOf(project.root), before);
  });

  it('is unchanged whatever a step does with git', async () => {
    const commands = [
      ['tag', 'made-by-a-step'],
      ['tag', '-d', 'v1'],
      ['commit', '-q', '-a', '--allow-empty', '-m', 'Made by a step'],
      ['branch', '-f', 'main', 'HEAD'],
      ['branch', 'other'],
      ['stash', 'push', '-u'],
      ['config', 'user.name', 'Someone'],
      ['remote', 'set-url', 'origin', '/elsewhere'],
      ['update-ref', '-d', 'refs/heads/main'],
      ['reset', '-q', '--hard'],
      ['clean', '-ffdxq'],
      ['reflog', 'expire', '--expire=now', '--all'],
      ['gc', '-q', '--prune=now'],
      ['repack', '-a', '-d', '-q'],
      ['prune', '--expire=now'],
      ['worktree', 'prune'],
    ];
    await isUntouchedBy(async () => {
      const slot = await delivery.slot(await delivery.snapshot());
      fs.writeFileSync(path.join(slot.root, 'b.txt'), 'written by a step');
      for (const command of commands) git(slot.root, ...command);
      slot.release();
    });
  });

  it('runs no hook', async () => {
    const file = path.join(folder.path, 'hook-ran');
    for (const hook of ['post-index-change', 'post-checkout', 'pre-commit', 'reference-transaction']) {
      const script = path.join(project.root, '.git', 'hooks', hook);
      fs.mkdirSync(path.dirname(script), { recursive: true });
      fs.writeFileSync(script, `#!/bin/sh\ntouch '${file}'\n`, { mode: 0o755 });
    }
    await delivery.slotNow();
    assert.ok(!fs.existsSync(file));
  });

  it('is unchanged if variables of git point to another repository, as inside a hook', async () => {
    const other = new Project(folder.path, 'other').write('x', 'x').commit();
    const variables = {
      GIT_DIR: path.join(other.root, '.git'),
      GIT_INDEX_FILE: path.join(other.root, '.git', 'index'),
      GIT_WORK_TREE: other.root,
    };
    const [before, tree] = [contentsOf(other.root), (await delivery.snapshot()).change.tree];
    Object.assign(process.env, variables);
    try {
      assert.equal((await delivery.snapshot()).change.tree, tree);
      await delivery.slotNow();
    } finally {
      for (const name of Object.keys(variables)) Reflect.deleteProperty(process.env, name);
    }
    assert.deepEqual(contentsOf(other.root), before);
  });
});
