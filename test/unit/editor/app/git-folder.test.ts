import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { openRepository } from '../../../../src/core/git/repository';
import { findGitFolder, folderInRepository, hasGit } from '../../../../src/editor/app/git-folder';
import { temporaryFolder } from '../../../support/temporary';

describe('the git folder as the disk tells it', () => {
  const folder = temporaryFolder();
  const git = (where: string, ...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com', ...args], { cwd: where, stdio: 'pipe' });

  async function agrees(where: string): Promise<void> {
    const told = await openRepository(where);
    assert.ok(told.ok);
    assert.deepEqual(findGitFolder(where), {
      root: told.value.root,
      own: told.value.gitFolder,
      common: told.value.commonGitFolder,
    });
  }

  it('is the one that git tells, also below the root, in a worktree and through a link', async () => {
    const root = path.join(folder.path, 'größer shop');
    fs.mkdirSync(path.join(root, 'cart/src'), { recursive: true });
    git(root, 'init', '--quiet');
    git(root, 'commit', '--quiet', '--allow-empty', '--message', 'Begin');
    git(root, 'worktree', 'add', '--quiet', path.join(folder.path, 'other'));
    fs.symlinkSync(root, path.join(folder.path, 'link'));
    await agrees(path.join(root, 'cart/src'));
    await agrees(path.join(folder.path, 'other'));
    await agrees(path.join(folder.path, 'link', 'cart'));
    assert.equal(folderInRepository(root, path.join(folder.path, 'link', 'cart')), 'cart');
    assert.equal(folderInRepository(root, path.join(folder.path, 'link')), '');
  });

  it('is the one that git tells in a submodule and beside a separate git folder', async () => {
    const [inner, outer, apart] = ['inner', 'outer', 'apart'].map((name) => path.join(folder.path, name)) as [string, string, string];
    for (const root of [inner, outer, apart]) fs.mkdirSync(root);
    git(inner, 'init', '--quiet');
    git(inner, 'commit', '--quiet', '--allow-empty', '--message', 'Begin');
    git(outer, 'init', '--quiet');
    git(outer, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', inner, 'inner');
    git(apart, 'init', '--quiet', '--separate-git-dir', path.join(folder.path, 'apart.git'));
    await agrees(path.join(outer, 'inner'));
    await agrees(apart);
  });

  it('is missing outside of a repository', () => {
    assert.equal(findGitFolder(folder.path), undefined);
  });

  it('finds the git program on the PATH', () => {
    assert.equal(hasGit(), true);
    assert.equal(hasGit({ PATH: folder.path }), false);
  });
});
