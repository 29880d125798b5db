import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { touchedFolders } from '../../../../src/core/history/new-commits';
import { git as gitIn } from '../../../support/delivery';
import { temporaryFolder } from '../../../support/temporary';

describe('the list of services that a commit touches', () => {
  const folder = temporaryFolder();
  const git = (...args: string[]): string => gitIn(folder.path, ...args);
  const touched = async (commit: string, since?: string): Promise<string[]> =>
    touchedFolders(folder.path, { commit: git('rev-parse', commit), ...(since !== undefined && { since }) }, [
      '',
      'cart',
      'cart/admin',
      'käse',
    ]);

  function commit(...files: string[]): void {
    for (const file of files) {
      fs.mkdirSync(path.dirname(path.join(folder.path, file)), { recursive: true });
      fs.appendFileSync(path.join(folder.path, file), 'x\n');
    }
    git('add', '-A');
    git('commit', '-q', '-m', 'x');
  }

  beforeEach(() => {
    git('init', '-q', '-b', 'main');
    git('config', 'user.name', 'Ada');
    git('config', 'user.email', 'ada@example.com');
    commit('README', 'cart/a');
  });

  it('contains services with a changed file, and always the one at the root', async () => {
    commit('cart/admin/a');
    assert.deepEqual(await touched('HEAD'), ['', 'cart', 'cart/admin']);
    commit('käse/ä');
    assert.deepEqual(await touched('HEAD'), ['', 'käse']);
    commit('cartoon/a');
    assert.deepEqual(await touched('HEAD'), ['']);
    assert.deepEqual(await touched('HEAD', git('rev-parse', 'HEAD~2')), ['', 'käse']);
  });

  it('is known for a root commit, a merge and a commit whose predecessor is gone', async () => {
    assert.deepEqual(await touched('HEAD'), ['', 'cart']);
    git('checkout', '-q', '-b', 'other');
    commit('käse/a');
    git('checkout', '-q', 'main');
    commit('README');
    git('merge', '-q', '--no-edit', 'other');
    assert.deepEqual(await touched('HEAD'), ['', 'käse']);
    assert.deepEqual(await touched('HEAD', 'a'.repeat(40)), ['', 'käse']);
  });

  it('contains the service that a file moved away from', async () => {
    git('mv', 'cart/a', 'README2');
    git('commit', '-q', '-m', 'move');
    assert.deepEqual(await touched('HEAD'), ['', 'cart']);
  });

  it('covers all commits of a branch that is pushed for the first time', async () => {
    git('update-ref', 'refs/remotes/origin/main', 'HEAD');
    commit('käse/a');
    commit('README');
    git('update-ref', 'refs/remotes/origin/feature', 'HEAD');
    const made = { commit: git('rev-parse', 'HEAD'), firstOf: 'refs/remotes/origin/feature' };
    assert.deepEqual(await touchedFolders(folder.path, made, ['cart', 'käse']), ['käse']);
  });
});
