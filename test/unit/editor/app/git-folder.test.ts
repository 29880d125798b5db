import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { openRepository } from '../../../../src/core/git/repository';
import { findRepository, folderInRepository, hasGit } from '../../../../src/editor/app/git-folder';
import { temporaryFolder } from '../../../support/temporary';

describe('findRepository', () => {
  const folder = temporaryFolder();
  const git = (where: string, ...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com', ...args], { cwd: where, stdio: 'pipe' });

  async function assertSameAsGit(where: string): Promise<void> {
    const opened = await openRepository(where);
    assert.ok(opened.ok);
    assert.deepEqual(findRepository(where), opened.value);
  }

  it('finds the same repository as git in a subfolder, in a worktree and through a symbolic link', async () => {
    const root = path.join(folder.path, 'größer shop');
    fs.mkdirSync(path.join(root, 'cart/src'), { recursive: true });
    git(root, 'init', '--quiet');
    git(root, 'commit', '--quiet', '--allow-empty', '--message', 'Begin');
    git(root, 'worktree', 'add', '--quiet', path.join(folder.path, 'other'));
    fs.symlinkSync(root, path.join(folder.path, 'link'));
    await assertSameAsGit(path.join(root, 'cart/src'));
    await assertSameAsGit(path.join(folder.path, 'other'));
    await assertSameAsGit(path.join(folder.path, 'link', 'cart'));
    assert.equal(folderInRepository(root, path.join(folder.path, 'link', 'cart')), 'cart');
    assert.equal(folderInRepository(root, path.join(folder.path, 'link')), '');
  });

  it('finds the same repository as git in a submodule and with a separate git folder', async () => {
    const [inner, outer, apart] = ['inner', 'outer', 'apart'].map((name) => path.join(folder.path, name)) as [string, string, string];
    for (const root of [inner, outer, apart]) fs.mkdirSync(root);
    git(inner, 'init', '--quiet');
    git(inner, 'commit', '--quiet', '--allow-empty', '--message', 'Begin');
    git(outer, 'init', '--quiet');
    git(outer, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', inner, 'inner');
    git(apart, 'init', '--quiet', '--separate-git-dir', path.join(folder.path, 'apart.git'));
    await assertSameAsGit(path.join(outer, 'inner'));
    await assertSameAsGit(apart);
  });

  it('returns undefined outside a repository', () => {
    assert.equal(findRepository(folder.path), undefined);
  });
});

describe('hasGit', () => {
  const folder = temporaryFolder();

  it('finds the git program on the PATH', () => {
    assert.equal(hasGit(), true);
    assert.equal(hasGit({ PATH: folder.path }), false);
  });
});
